import { type GraphOptions, type GraphSimulator, startGraph } from '../../infra/local/systems/graph/start.ts';
import { putUser } from '../../infra/local/systems/graph/tenant.ts';
import { systemSchema } from '../../shared/config/schema.ts';
import { operationById } from '../../shared/connectors/graph/operations.ts';
import { systemClock } from '../../shared/model/clock.ts';
import { callJson } from './answers.ts';
import { plainSenderTo, systemWorld } from './system-world.ts';

const token = 'local-static-token';

/** The API version the tests speak. */
export const apiVersion = 'v1.0';

/** The one user of an unseeded tenant. */
export const annaId = 'aaaaaaaa-0000-4000-8000-000000000001';

/** A client state as a channel's secret. */
export const clientState = 'a-client-state-of-the-tests';

/** A simulated tenant on a free port with one mailbox, that of {@link annaId}. Close it in `afterEach` or `afterAll`. */
export async function startTestGraph(options: Partial<GraphOptions> = {}): Promise<GraphSimulator> {
  const given = { port: 0, seed: 1, clock: systemClock, seeded: false, perTenMinutes: 1_000_000, ...options };
  const simulator = await startGraph(given);
  if (given.seeded) return simulator;
  const values = {
    ...{ displayName: 'Anna Example', givenName: 'Anna', surname: 'Example', mail: 'anna@acme.example' },
    ...{ userPrincipalName: 'anna@acme.example', jobTitle: null, accountEnabled: true },
  };
  putUser(simulator.tenant, { id: annaId, values, version: 0, changed: [], removed: false, hasMailbox: true }, []);
  return simulator;
}

/** One JSON request to a simulated tenant; the body of the answer parsed where it is JSON. */
export function callGraph(
  graph: { readonly url: string },
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
) {
  const base = path.startsWith('/') ? '' : `/${apiVersion}/`;
  return callJson(graph.url + base + path, method, body, { authorization: `Bearer ${token}`, ...headers });
}

/** A sender to a simulated tenant. */
export const senderTo = (graph: { readonly url: string }) => plainSenderTo(graph, `Bearer ${token}`);

/** The configured system of the tests. */
export const graphConfig = systemSchema.parse({
  connector: 'graph',
  owner: 'revops',
  account: { tenantId: '11111111-2222-4333-8444-555555555555', is: 'sandbox' },
  apiVersion,
  auth: { grant: 'bearer', secret: 's' },
  limits: [{ calls: 10_000, per: '10m' }],
});

/** The real kernel over memory against a simulated tenant; both live by one clock that moves only when told. */
export function graphWorld(options: Partial<GraphOptions> = {}) {
  return systemWorld({
    ...{ name: 'graph', config: graphConfig, operations: operationById, senderTo },
    start: (clock) => startTestGraph({ clock, ...options }),
  });
}

export type GraphWorld = Awaited<ReturnType<typeof graphWorld>>;
