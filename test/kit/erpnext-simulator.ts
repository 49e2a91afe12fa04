import {
  type ErpnextOptions,
  type ErpnextSimulator,
  localKey,
  startErpnext,
} from '../../infra/local/systems/erpnext/start.ts';
import { systemSchema } from '../../shared/config/schema.ts';
import { operationById } from '../../shared/connectors/erpnext/operations.ts';
import { systemClock } from '../../shared/model/clock.ts';
import type { PlannedCall } from '../../shared/model/operation.ts';
import { callJson } from './answers.ts';
import { plainSenderTo, read, systemWorld } from './system-world.ts';

const authorization = `token ${localKey.key}:${localKey.secret}`;

/**
 * A simulated site on a free port, with a company and nothing else unless `seeded` is asked for. Close it in `afterEach`.
 * @param options anything to have otherwise
 */
export function startTestErpnext(options: Partial<ErpnextOptions> = {}): Promise<ErpnextSimulator> {
  return startErpnext({ port: 0, seed: 1, clock: systemClock, seeded: false, ...options });
}

/** One JSON request to a simulated site; the body of the answer parsed where it is JSON. */
export function callErpnext(
  erpnext: { readonly url: string },
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = { authorization },
) {
  return callJson(erpnext.url + path, method, body, { accept: 'application/json', ...headers });
}

/** Makes one document and answers its name; the log of effects does not show it. */
export async function madeIn(erpnext: ErpnextSimulator, docType: string, values: object): Promise<string> {
  const { status, text, body } = await callErpnext(erpnext, 'POST', `/api/resource/${docType}`, values);
  if (status !== 200) throw new Error(text);
  erpnext.effects.clear();
  return body.data.name;
}

/** A sender to a simulated site. */
const senderTo = (erpnext: { readonly url: string }) => plainSenderTo(erpnext, authorization);

/** The configured system of the tests. */
export const erpnextConfig = systemSchema.parse({
  connector: 'erpnext',
  owner: 'revops',
  account: { site: '127.0.0.1', company: 'Plumbline Trading B.V.', is: 'sandbox' },
  apiVersion: '15',
  origin: 'https://erp.acme.example',
  auth: { grant: 'api_key', secret: 's', header: 'Authorization', prefix: 'token ' },
  limits: [{ calls: 1000, per: 'second' }],
});

/** The real kernel over memory against a simulated site; both live by one clock that moves only when told. */
export function erpnextWorld(options: Partial<ErpnextOptions> = {}) {
  return systemWorld({
    ...{ name: 'erpnext', config: erpnextConfig, operations: operationById, senderTo },
    start: (clock) => startTestErpnext({ clock, ...options }),
  });
}

export type ErpnextWorld = Awaited<ReturnType<typeof erpnextWorld>>;

/** The data of a planned read that must succeed. */
export async function dataOf<T>(world: Pick<ErpnextWorld, 'system'>, call: PlannedCall): Promise<T> {
  const verdict = await read(world, call);
  if (verdict.kind !== 'ok') throw new Error(JSON.stringify(verdict));
  return verdict.data as T;
}
