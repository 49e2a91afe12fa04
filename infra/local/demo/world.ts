import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { build, projectDir } from '../../build.ts';
import { settingsOf } from '../../settings.ts';
import { synthesize } from '../../synthesize.ts';
import { deployLocal, type LocalDeployment } from '../deploy.ts';
import type { AppliedEffect } from '../systems/effect-log.ts';

/** The answer of one call as the agent got it. */
export type Called = { readonly httpStatus: number; readonly body: Readonly<Record<string, unknown>> };

/** A running deployment with the few things that the story does to it, all over real HTTP. */
export type World = {
  readonly deployment: LocalDeployment;
  /** Calls a tool as the sales assistant in one run. */
  call(tool: string, input: object): Promise<Called>;
  /** What HubSpot says that it applied. */
  effects(): Promise<readonly AppliedEffect[]>;
  /** Turns a knob of the simulator, or reads one of its logs where no body is given. */
  hubspot(path: string, body?: object): Promise<Readonly<Record<string, unknown>>>;
  /** Asks the operator door as a person of config/owners.yaml. */
  operator(path: string, accept?: string): Promise<string>;
  close(): Promise<void>;
};

/** The run that the whole story belongs to. */
export const runId = 'demo-move-acme';

/**
 * Deploys the product on free ports with a state of its own, in the OAuth form of the HubSpot account, so that tokens can
 * expire in the story.
 */
export async function openWorld(): Promise<World> {
  const scratch = mkdtempSync(join(tmpdir(), 'plumbline-demo-'));
  try {
    const assembly = await prepare(scratch);
    const ports = { agents: 0, webhooks: 0, operators: 0, issuer: 0, hubspot: 0 };
    const deployment = await deployLocal({ stateDir: join(scratch, 'state'), ports, assembly });
    return worldOf(deployment, scratch);
  } catch (error) {
    rmSync(scratch, { recursive: true, force: true });
    throw error;
  }
}

async function prepare(scratch: string): Promise<string> {
  const configDir = join(scratch, 'config');
  cpSync(join(projectDir, 'config'), configDir, { recursive: true, filter: (path) => !path.endsWith('.ts') });
  const file = (name: string) => join(configDir, 'systems', `${name}.yaml`);
  const [bearer, oauth] = [file('hubspot'), file('hubspot-oauth')].map((path) => parse(readFileSync(path, 'utf8')));
  writeFileSync(file('hubspot'), stringify({ ...bearer, auth: oauth.auth }));
  rmSync(file('hubspot-oauth'));
  const bundlesDir = join(scratch, 'dist');
  await build({ configDir, outDir: bundlesDir });
  const outdir = join(scratch, 'assembly');
  synthesize({ settings: settingsOf('local'), outdir, bundlesDir, configDir, validation: false });
  return outdir;
}

function worldOf(deployment: LocalDeployment, scratch: string): World {
  const { urls, agentKeys, issuer } = deployment;
  const json = { 'content-type': 'application/json' };
  return {
    deployment,
    async call(tool, input) {
      const response = await fetch(`${urls.agents}/v1/tools/${tool}/calls`, {
        method: 'POST',
        headers: { ...json, authorization: `Bearer ${agentKeys['sales-assistant']}`, 'x-agent-run-id': runId },
        body: JSON.stringify({ arguments: input, context: { prompt: 'Keep the notes of Acme up to date.' } }),
      });
      const text = await response.text();
      return { httpStatus: response.status, body: text.startsWith('{') ? JSON.parse(text) : {} };
    },
    effects: async () => (await getJson(`${urls.hubspot}/_effects`)).effects as AppliedEffect[],
    hubspot: (path, body) =>
      getJson(`${urls.hubspot}${path}`, body && { method: 'POST', headers: json, body: JSON.stringify(body) }),
    async operator(path, accept = 'application/json') {
      const authorization = `Bearer ${issuer.tokenFor('dev@acme.example')}`;
      return (await fetch(`${urls.operators}${path}`, { headers: { authorization, accept } })).text();
    },
    async close() {
      await deployment.close();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

async function getJson(url: string, init?: RequestInit): Promise<Record<string, unknown>> {
  return (await fetch(url, init)).json() as Promise<Record<string, unknown>>;
}

/** Waits until something is true, or gives up after `withinMs` and says so by false. */
export async function until(check: () => Promise<boolean>, withinMs: number): Promise<boolean> {
  for (const endMs = Date.now() + withinMs; Date.now() < endMs; await wait(100)) if (await check()) return true;
  return check();
}
