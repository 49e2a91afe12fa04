import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { PlumblineConfig } from '../../shared/config/schema.ts';
import { systemClock, systemRandom } from '../../shared/model/clock.ts';
import { projectDir } from '../build.ts';
import type { CallCounts } from './aws/callers.ts';
import { consoleFiles } from './console-files.ts';
import { createJwtVerifier } from './doors/jwt.ts';
import { serveDoor } from './doors/serve-door.ts';
import { functionEnvironment, readBuiltConfig } from './function-environment.ts';
import { type InstallSecrets, installSecrets } from './install-secrets.ts';
import { type Issuer, localAudience, startIssuer } from './issuer.ts';
import { createPool, type FunctionPool } from './lambda/pool.ts';
import type { Listener } from './listener.ts';
import { type Pollers, startPollers } from './pollers/start-pollers.ts';
import { seedAgentKeys, seedControl, seedSecrets } from './seed.ts';
import { type Simulator, simulators as simulatorPlans, startSimulators, targetSimulators } from './simulators.ts';
import { type StandIns, startStandIns } from './stand-ins.ts';
import { lockDirectory, privateDirectory } from './state-dir.ts';
import { type HubSpotSimulator, startHubSpot } from './systems/hubspot/start.ts';
import type { LocalPlan } from './template/plan.ts';
import { readPlan } from './template/read-plan.ts';

/** Ports of what people and systems talk to; 0 takes a free one. */
export type LocalPorts = {
  readonly agents: number;
  readonly webhooks: number;
  readonly operators: number;
  readonly issuer: number;
  readonly hubspot: number;
  /** Of the other simulators, by their name in simulators.ts; a free one for those left out. */
  readonly systems?: Readonly<Record<string, number>>;
};

/** The ports of `npm start`. */
export const usualPorts: LocalPorts = {
  ...{ agents: 4100, webhooks: 4101, operators: 4102, issuer: 4103, hubspot: 4210 },
  systems: Object.fromEntries(Object.entries(simulatorPlans).map(([name, { port }]) => [name, port])),
};

/** How a local deployment is set up. */
export type LocalOptions = {
  /** Everything that has to survive; created with mode 0700. */
  readonly stateDir: string;
  readonly ports: LocalPorts;
  /** The folder of the synthesised app of the stage `local`, see prepare.ts. */
  readonly assembly: string;
  /** The address under which webhooks arrive, such as a tunnel's. */
  readonly publicUrl?: string;
  /** Seed of the simulated account; default 42. */
  readonly seed?: number;
  /** Milliseconds between the attempts of the simulator's webhooks. */
  readonly webhookRetryDelaysMs?: readonly number[];
};

/** A running local deployment. */
export type LocalDeployment = {
  readonly urls: { readonly [door in Exclude<keyof LocalPorts, 'systems'>]: string };
  readonly config: PlumblineConfig;
  readonly plan: LocalPlan;
  readonly standIns: StandIns;
  readonly pollers: Pollers;
  readonly issuer: Issuer;
  readonly hubspot: HubSpotSimulator;
  /** The other simulators, by their name in simulators.ts. */
  readonly simulators: ReadonlyMap<string, Simulator>;
  /** A working API key of every agent. */
  readonly agentKeys: Readonly<Record<string, string>>;
  /** The processes of a function, by its short name, such as `agent-door`. */
  pool(name: string): FunctionPool;
  /** Calls of AWS operations by caller. */
  awsCalls(): CallCounts;
  /** Ends everything it started; what was acknowledged is on the disk. */
  close(): Promise<void>;
};

/** Runs the bundles and the template of the stage `local` on this machine. Resolves when every door answers. */
export async function deployLocal(options: LocalOptions): Promise<LocalDeployment> {
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const one of closers.splice(0).reverse()) await one().catch(() => undefined);
  };
  try {
    return { ...(await start(options, closers)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(options: LocalOptions, closers: (() => Promise<void>)[]): Promise<Omit<LocalDeployment, 'close'>> {
  const [clock, random] = [systemClock, systemRandom];
  const { stateDir, directory, keysDirectory } = openState(options.stateDir, closers);
  const pools = new Map<string, FunctionPool>();
  const poolOf = (functionName: string) => pools.get(functionName);
  const standIns = await startStandIns({ directory, keysDirectory, clock, random, poolOf });
  closers.push(() => standIns.close());
  const plan = readPlan(options.assembly, { urlOf: standIns.queueUrl });
  const config = readBuiltConfig(plan);
  const secrets = installSecrets(keysDirectory, random);
  const { ports } = options;
  const origins = [`http://127.0.0.1:${ports.operators}`, `http://localhost:${ports.operators}`];
  const issuer = await startIssuer({
    ...{ port: ports.issuer, directory: keysDirectory, people: config.owners.people, clock, random, origins },
  });
  closers.push(() => issuer.close());
  const hubspot = await startSimulator(options, secrets, config);
  closers.push(() => hubspot.close());
  const simulators = await startSimulators(config, simulatorInput(options, secrets), closers);
  await standIns.create(plan);
  const agentKeys = await seed(standIns, plan, config, secrets, keysDirectory);
  const environment = functionEnvironment({
    standIns,
    issuer: issuer.url,
    config,
    simulators: { hubspot: hubspot.url, ...urlsOf(simulators) },
  });
  // The doors are opened first: the webhook door's functions are told under which address they are called.
  const doors = await openDoors({ options, plan, standIns, issuer, poolOf }, closers);
  const called = { publicUrl: options.publicUrl ?? doors.webhooks };
  for (const one of plan.functions) pools.set(one.functionName, createPool(environment(one, called, stateDir)));
  closers.push(async () => void (await Promise.all([...pools.values()].map((pool) => pool.close()))));
  await warmDoors(plan, poolOf);
  targetSimulators(config, new Map([...simulators, ['hubspot', hubspot]]), webhookTargets(options, doors, secrets));
  const pollers = startPollers({ plan, standIns, directory, clock, poolOf });
  closers.push(() => pollers.stop());
  const byName = new Map(plan.functions.map((one) => [one.name, one.functionName]));
  return {
    ...{ config, plan, standIns, pollers, issuer, hubspot, simulators, agentKeys },
    urls: { ...doors, issuer: issuer.url, hubspot: hubspot.url },
    pool(name) {
      const pool = poolOf(byName.get(name) ?? name);
      if (pool === undefined) throw new Error(`There is no function ${name}.`);
      return pool;
    },
    awsCalls: () => standIns.callers.counts(),
  };
}

/** Takes the folder where everything of this deployment is kept; only one deployment at a time has it. */
function openState(path: string, closers: (() => Promise<void>)[]) {
  const stateDir = privateDirectory(path);
  const unlock = lockDirectory(stateDir);
  closers.push(async () => unlock());
  mkdirSync(join(stateDir, 'logs'), { recursive: true, mode: 0o700 });
  return { stateDir, directory: join(stateDir, 'aws'), keysDirectory: privateDirectory(join(stateDir, 'keys')) };
}

async function seed(
  standIns: StandIns,
  plan: LocalPlan,
  config: PlumblineConfig,
  secrets: InstallSecrets,
  directory: string,
): Promise<Readonly<Record<string, string>>> {
  const [stateTable, controlTable] = [tableOf(plan, 'TABLE_STATE'), tableOf(plan, 'TABLE_CONTROL')];
  seedSecrets(standIns.secrets, config, secrets, systemRandom);
  await seedControl(standIns.client, controlTable);
  const deps = { client: standIns.client, clock: systemClock, random: systemRandom };
  return seedAgentKeys(deps, { stateTable, controlTable, config, directory });
}

function tableOf(plan: LocalPlan, variable: string): string {
  const table = plan.functions.map(({ environment }) => environment[variable]).find((one) => one !== undefined);
  if (table === undefined) throw new Error(`No function of the template reads ${variable}.`);
  return table;
}

function simulatorInput(options: LocalOptions, secrets: InstallSecrets) {
  const { seed = 42, ports, stateDir } = options;
  return { seed, secrets, clock: systemClock, stateDir: join(stateDir, 'systems'), ports: ports.systems ?? {} };
}

const urlsOf = (simulators: ReadonlyMap<string, Simulator>) =>
  Object.fromEntries([...simulators].map(([name, { url }]) => [name, url]));

/** Its token and its app are granted what the configuration asks for, as a person would do it. */
function startSimulator(
  options: LocalOptions,
  secrets: InstallSecrets,
  { systems }: PlumblineConfig,
): Promise<HubSpotSimulator> {
  const { clientSecret, refreshToken, staticToken } = secrets;
  const [fixed, app] = [systems['hubspot']?.scopes, systems['hubspot-oauth']?.scopes];
  return startHubSpot({
    ...simulatorInput(options, secrets),
    port: options.ports.hubspot,
    staticTokens: [staticToken],
    ...(fixed ? { scopes: fixed } : {}),
    oauth: { clientSecret, refreshToken, ...(app ? { scopes: app } : {}) },
    ...(options.webhookRetryDelaysMs ? { retryDelaysMs: options.webhookRetryDelaysMs } : {}),
  });
}

type DoorUrls = { agents: string; webhooks: string; operators: string };

async function openDoors(
  input: {
    readonly options: LocalOptions;
    readonly plan: LocalPlan;
    readonly standIns: StandIns;
    readonly issuer: Issuer;
    readonly poolOf: (functionName: string) => FunctionPool | undefined;
  },
  closers: (() => Promise<void>)[],
): Promise<DoorUrls> {
  const { options, plan, standIns, issuer, poolOf } = input;
  const urls: Record<string, string> = {};
  const common = {
    poolOf,
    callers: standIns.callers,
    verifyJwt: createJwtVerifier(issuer.url, systemClock),
    clock: systemClock,
  };
  const page = consoleFiles(join(projectDir, 'console'), { issuer: issuer.url, client: localAudience });
  const { agents, webhooks, operators } = options.ports;
  const portsOfDoors: Readonly<Record<string, number>> = { agents, webhooks, operators };
  for (const door of plan.doors) {
    const port = portsOfDoors[door.name] ?? 0;
    const tunnel = door.name === 'webhooks' && options.publicUrl ? [new URL(options.publicUrl).host] : [];
    const deps = door.name === 'operators' ? { ...common, statics: page } : common;
    const listener: Listener = await serveDoor(deps, door, { port, hosts: tunnel });
    closers.push(() => listener.close());
    urls[door.name] = listener.url;
  }
  return { agents: urls['agents'] ?? '', webhooks: urls['webhooks'] ?? '', operators: urls['operators'] ?? '' };
}

/** A door is ready when its bundle is loaded; one that cannot be loaded ends the start with its reason. */
async function warmDoors(plan: LocalPlan, poolOf: (name: string) => FunctionPool | undefined): Promise<void> {
  const behind = plan.doors.flatMap((door) =>
    door.kind === 'url' ? [door.functionName] : door.routes.map((route) => route.functionName),
  );
  const failures = await Promise.all(
    [...new Set(behind)].map(async (name) => {
      const failure = (await poolOf(name)?.warm()) ?? null;
      return failure?.kind === 'failed' ? [`${name}: ${failure.errorType}: ${failure.errorMessage}`] : [];
    }),
  );
  if (failures.flat().length > 0) throw new Error(`A function cannot be loaded. ${failures.flat().join('; ')}`);
}

function webhookTargets(options: LocalOptions, doors: DoorUrls, secrets: InstallSecrets) {
  const base = (options.publicUrl ?? doors.webhooks).replace(/\/$/, '');
  return (system: string, channel: string, secret: string) => {
    const path = `/${system}/${channel}`;
    return { url: base + path, secret: secrets.webhookSecret(secret), deliverTo: doors.webhooks + path };
  };
}
