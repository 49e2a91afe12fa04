import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deployLocal, type LocalDeployment, type LocalOptions } from '../../infra/local/deploy.ts';
import { prepare } from '../../infra/local/prepare.ts';

const freePorts = { agents: 0, webhooks: 0, operators: 0, issuer: 0, hubspot: 0 };

/** A whole local deployment for one test file: free ports, its own folder. */
export type TestDeployment = LocalDeployment & {
  readonly stateDir: string;
  /** Stops it and starts it again on the same state, on the same ports. */
  restart(): Promise<TestDeployment>;
  /** Ends it and deletes its folder. Call it in `afterAll`. */
  dispose(): Promise<void>;
};

/** Builds where something changed, and deploys. Handles of the parts: `pool(name)`, `pollers`, `standIns`, `hubspot`, `issuer`. */
export async function startLocal(options: Partial<LocalOptions> = {}): Promise<TestDeployment> {
  const assembly = options.assembly ?? (await prepare());
  const stateDir = options.stateDir ?? mkdtempSync(join(tmpdir(), 'plumbline-'));
  const deployment = await deployLocal({
    ports: freePorts,
    webhookRetryDelaysMs: [50, 200, 1000],
    ...options,
    assembly,
    stateDir,
  });
  const dispose = async () => {
    await deployment.close();
    rmSync(stateDir, { recursive: true, force: true });
  };
  const portOf = (url: string) => Number(new URL(url).port);
  const { agents, webhooks, operators, issuer, hubspot } = deployment.urls;
  const ports = {
    ...{ agents: portOf(agents), webhooks: portOf(webhooks), operators: portOf(operators) },
    ...{ issuer: portOf(issuer), hubspot: portOf(hubspot) },
  };
  const restart = async () => {
    await deployment.close();
    return startLocal({ ...options, ports, stateDir });
  };
  return { ...deployment, stateDir, restart, dispose };
}
