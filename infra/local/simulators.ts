import type { PlumblineConfig } from '../../shared/config/schema.ts';
import type { Clock } from '../../shared/model/clock.ts';
import type { InstallSecrets } from './install-secrets.ts';
import { startErpnext } from './systems/erpnext/start.ts';
import { startGithub } from './systems/github/start.ts';
import { startGraph } from './systems/graph/start.ts';
import { startPortal } from './systems/portal/start.ts';
import { startSalesforce } from './systems/salesforce/start.ts';
import { startSlack } from './systems/slack/start.ts';
import { startStripe } from './systems/stripe/start.ts';

/** Where a simulator sends its webhooks, and what they are signed with. */
export type SimulatorTarget = {
  /** The address the door was told is its public one: some schemes sign it. */
  readonly url: string;
  readonly secret: string;
  /** Where to connect, if it is not the host of `url`. */
  readonly deliverTo: string;
};

/** A running simulator, as far as the local target handles all of them alike. */
export type Simulator = {
  readonly url: string;
  /** Absent: the simulator sends nothing. */
  readonly webhooks?: { target(target: SimulatorTarget | null): void };
  close(): Promise<void>;
};

/** What a simulator is started with; credentials are those that the system's secret holds. */
export type SimulatorInput = {
  readonly port: number;
  readonly seed: number;
  readonly clock: Clock;
  readonly stateDir: string;
  readonly secrets: InstallSecrets;
};

/** One simulator of the local target. */
export type SimulatorPlan = {
  /** The port of `npm start`. */
  readonly port: number;
  /** What the start says of it. */
  readonly holds: string;
  start(input: SimulatorInput): Promise<Simulator>;
};

/** The simulators beside HubSpot's, by the name of a connector or, where one connector speaks to many products, of a system. */
export const simulators: Readonly<Record<string, SimulatorPlan>> = {
  graph: {
    port: 4216,
    holds: '8 mailboxes, 900 mails, 120 events',
    async start({ secrets: { clientId, clientSecret }, ...rest }) {
      const graph = await startGraph({ ...rest, app: { clientId, clientSecret } });
      return { url: graph.url, webhooks: graph.webhooks, close: graph.close };
    },
  },
  github: {
    port: 4218,
    holds: 'the webhooks of acme/widgets',
    async start({ secrets, seed: _seed, ...rest }) {
      const token = { id: 4711, login: 'acme-plumbline-sandbox', may: 'write' as const };
      const github = await startGithub({ ...rest, tokens: { [secrets.staticToken]: token } });
      const target: NonNullable<Simulator['webhooks']>['target'] = (to) =>
        github.webhooks.target(to && { url: to.deliverTo, publicUrl: to.url, secret: to.secret });
      return { url: github.url, webhooks: { target }, close: github.close };
    },
  },
  stripe: {
    port: 4211,
    holds: '260 customers, 400 invoices',
    async start({ secrets, ...rest }) {
      const stripe = await startStripe({ ...rest, keys: { [secrets.staticToken]: null } });
      const target: NonNullable<Simulator['webhooks']>['target'] = (to) =>
        stripe.webhooks.target(to && { url: to.deliverTo, publicUrl: to.url, secret: to.secret });
      return { url: stripe.url, webhooks: { target }, close: stripe.close };
    },
  },
  erpnext: {
    port: 4213,
    holds: '170 customers, 220 sales orders',
    async start({ secrets, ...rest }) {
      const { key, secret } = secrets.keyPair;
      const erpnext = await startErpnext({
        ...rest,
        keys: { [key]: { secret, user: 'plumbline@integration.example' } },
      });
      const target: NonNullable<Simulator['webhooks']>['target'] = (to) =>
        erpnext.webhooks.target(to && { url: to.deliverTo, secret: to.secret });
      return { url: erpnext.url, webhooks: { target }, close: erpnext.close };
    },
  },
  slack: {
    port: 4215,
    holds: '23 channels, 700 messages',
    async start({ secrets, ...rest }) {
      const slack = await startSlack({ ...rest, tokens: { [secrets.staticToken]: { kind: 'bot' } } });
      const target: NonNullable<Simulator['webhooks']>['target'] = (to) =>
        slack.events.target(to && { url: to.deliverTo, secret: to.secret });
      return { url: slack.url, webhooks: { target }, close: slack.close };
    },
  },
  salesforce: {
    port: 4212,
    holds: '160 accounts, 650 contacts',
    async start({ secrets: { clientId, clientSecret, refreshToken, staticToken, jwt }, ...rest }) {
      const { username, publicKeyPem: jwtPublicKey } = jwt;
      const app = { clientId, clientSecret, refreshToken, username, jwtPublicKey };
      return startSalesforce({ ...rest, staticTokens: [staticToken], app });
    },
  },
  'supplier-portal': {
    port: 4217,
    holds: '320 orders, 240 articles',
    start: ({ secrets, ...rest }) => startPortal({ ...rest, key: secrets.staticToken }),
  },
};

/** Starts the simulator of every configured system that has one; by the name it has in the table. */
export async function startSimulators(
  config: Pick<PlumblineConfig, 'systems'>,
  input: Omit<SimulatorInput, 'port'> & { readonly ports: Readonly<Record<string, number>> },
  closers: (() => Promise<void>)[],
): Promise<ReadonlyMap<string, Simulator>> {
  const { ports, ...rest } = input;
  const wanted = Object.entries(config.systems).flatMap(([system, { connector }]) =>
    [system, connector].filter((name) => Object.hasOwn(simulators, name)).slice(0, 1),
  );
  const started = new Map<string, Simulator>();
  for (const name of new Set(wanted)) {
    const simulator = await simulators[name]?.start({ ...rest, port: ports[name] ?? 0 });
    if (simulator === undefined) continue;
    closers.push(() => simulator.close());
    started.set(name, simulator);
  }
  return started;
}

/** Tells each simulator the first webhook channel of the first system it stands for. */
export function targetSimulators(
  config: Pick<PlumblineConfig, 'systems'>,
  running: ReadonlyMap<string, Simulator>,
  targetOf: (system: string, channel: string, secret: string) => SimulatorTarget,
): void {
  for (const [name, { webhooks }] of running) {
    const systems = Object.entries(config.systems).filter(([system, one]) => [system, one.connector].includes(name));
    const [target] = systems.flatMap(([system, one]) =>
      Object.entries(one.webhooks).map(([channel, { secret }]) => targetOf(system, channel, secret)),
    );
    webhooks?.target(target ?? null);
  }
}
