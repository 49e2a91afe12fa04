import {
  type SalesforceOptions,
  type SalesforceSimulator,
  startSalesforce,
} from '../../infra/local/systems/salesforce/start.ts';
import { workOn } from '../../shared/action/resolve.ts';
import { systemSchema } from '../../shared/config/schema.ts';
import { operationById } from '../../shared/connectors/salesforce/operations.ts';
import type { Sender } from '../../shared/connectors/sender.ts';
import { httpClient } from '../../shared/http/client.ts';
import { encodeBody } from '../../shared/http/digest.ts';
import { encodeQuery } from '../../shared/http/path.ts';
import type { ActionRecord } from '../../shared/model/action.ts';
import { systemClock } from '../../shared/model/clock.ts';
import type { Json } from '../../shared/model/json.ts';
import type { PlannedCall, ReadVerdict, RequestSpec } from '../../shared/model/operation.ts';
import { digestOfCall, makeAttempt, makeProbe, readBefore, type SystemDeps } from '../../shared/tools/attempt.ts';
import { testClock, testIdentity, testKernel, testRequest } from './kernel.ts';

const token = 'local-static-token';

/** The API version the tests speak. */
export const apiVersion = '62.0';

/**
 * A simulated Salesforce organization on a free port, with limits that do not get in the way. Close it in `afterEach` or
 * `afterAll`.
 * @param options anything to have otherwise; `seeded` is false unless asked for
 */
export function startTestSalesforce(options: Partial<SalesforceOptions> = {}): Promise<SalesforceSimulator> {
  return startSalesforce({ port: 0, seed: 1, clock: systemClock, seeded: false, dailyCalls: 1_000_000, ...options });
}

/** One JSON request to a simulated organization; the body of the answer parsed where it is JSON. */
export async function callSalesforce(
  salesforce: { readonly url: string },
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
) {
  const base = path.startsWith('/') ? '' : `/services/data/v${apiVersion}/`;
  const answer = await fetch(salesforce.url + base + path, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.includes('json') === true && text !== '';
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of any shape
  return { status: answer.status, headers: answer.headers, text, body: (isJson ? JSON.parse(text) : null) as any };
}

/** One request over the real HTTP client: no breaker, no rate limit, no account check. Those have tests of their own. */
export function senderTo(salesforce: { readonly url: string }): Sender {
  const http = httpClient({ clock: systemClock, local: true });
  return async ({ spec, purpose, mayWrite }) => {
    const body = encodeBody(spec);
    const result = await http.send({
      origin: salesforce.url,
      method: spec.method,
      path: spec.path + encodeQuery(spec.query),
      headers: {
        ...spec.headers,
        authorization: `Bearer ${token}`,
        ...(body ? { 'content-type': body.contentType } : {}),
      },
      body: body?.bytes ?? null,
      deadlineMs: Date.now() + 5000,
      ...(mayWrite ? { mayWrite } : {}),
    });
    if (result.kind === 'answer') return result;
    const { code, message } = result.fault;
    if (result.kind === 'not_sent') return { kind: 'not_sent', error: { class: 'transient', code, message } };
    return { kind: 'lost', error: { class: purpose === 'write' ? 'unknown_outcome' : 'transient', code, message } };
  };
}

/** The configured system of the tests. */
export const salesforceConfig = systemSchema.parse({
  connector: 'salesforce',
  owner: 'revops',
  account: { organizationId: '00D000000000001EAA', is: 'sandbox' },
  apiVersion,
  origin: 'https://plumbline-test.my.salesforce.com',
  auth: { grant: 'bearer', secret: 's' },
  limits: [{ calls: 15_000, per: 'day' }],
});

/** The real kernel over memory against a simulated organization; both live by one clock that moves only when told. */
export async function salesforceWorld(options: Partial<SalesforceOptions> = {}) {
  const clock = testClock();
  const simulator = await startTestSalesforce({ clock, ...options });
  const system: SystemDeps = {
    send: senderTo(simulator),
    operations: operationById,
    systems: { salesforce: salesforceConfig },
    control: { check: async () => ({ kind: 'on' }) },
  };
  const kernel = testKernel({ attempt: makeAttempt(system), clock, digest: (call) => digestOfCall(system, call) });
  return { clock, simulator, system, kernel, close: () => simulator.close() };
}

export type SalesforceWorld = Awaited<ReturnType<typeof salesforceWorld>>;

/** Sends one request as it is specified. */
export async function exchange({ system }: SalesforceWorld, spec: RequestSpec, purpose: 'read' | 'write' = 'write') {
  const sent = await system.send({ system: 'salesforce', spec, purpose, deadlineMs: Date.now() + 5000 });
  if (sent.kind !== 'answer') throw new Error(sent.error.code);
  return sent.answer;
}

/** Carries out one planned read. */
export async function read(world: SalesforceWorld, call: PlannedCall): Promise<ReadVerdict> {
  const operation = operationById(call.operation);
  if (operation?.kind !== 'read') throw new Error(`${call.operation} is no read`);
  const spec = operation.request({ apiVersion, providerKey: '' }, call.input);
  return operation.judge(await exchange(world, spec, 'read'), call.input);
}

/** Carries out one planned write and judges its answer. */
export async function write(world: SalesforceWorld, call: PlannedCall, providerKey: string) {
  const operation = operationById(call.operation);
  if (operation?.kind !== 'write') throw new Error(`${call.operation} is no write`);
  return operation.judge(await exchange(world, operation.request({ apiVersion, providerKey }, call.input)), call.input);
}

/** The claim of one planned write, with its before-image. */
export async function claimOf({ system, clock }: SalesforceWorld, call: PlannedCall, n = 1) {
  const operation = operationById(call.operation);
  if (operation?.kind !== 'write') throw new Error(`${call.operation} is no write`);
  const before = await readBefore(system, call, clock.now() + 5000);
  if (before?.kind === 'error') throw new Error(before.error.code);
  const target = ['salesforce', 'record', String(n)] as const;
  return testRequest({
    identity: testIdentity({ actionType: call.operation, target, identifying: { n }, input: { n } }),
    effect: operation.effect,
    resend: operation.resend,
    call,
    requestDigest: digestOfCall(system, call),
    before: before ? (before.data as Json) : null,
    target,
    deadlineMs: clock.now() + 20_000,
  });
}

/** Works on an action as the tick would, moving the clock to each due time, until it is settled or a person's. */
export async function settle({ kernel, system, clock }: SalesforceWorld, key: string): Promise<ActionRecord> {
  for (let step = 0; step < 60; step += 1) {
    const record = await kernel.store.get(key);
    if (!record) throw new Error('no record');
    if (!['RETRYABLE', 'STARTED', 'UNKNOWN'].includes(record.state)) return record;
    if ('dueMs' in record) clock.advance(Math.max(0, record.dueMs - clock.now()) + 1);
    const probe = makeProbe(system);
    const recheck = async () => ({ kind: 'go' }) as const;
    await workOn(kernel, { key, deadlineMs: clock.now() + 20_000, recheck, probeFor: () => probe });
  }
  throw new Error('never settled');
}
