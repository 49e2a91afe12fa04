import {
  type ErpnextOptions,
  type ErpnextSimulator,
  localKey,
  startErpnext,
} from '../../infra/local/systems/erpnext/start.ts';
import { workOn } from '../../shared/action/resolve.ts';
import { systemSchema } from '../../shared/config/schema.ts';
import { operationById } from '../../shared/connectors/erpnext/operations.ts';
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

const authorization = `token ${localKey.key}:${localKey.secret}`;
const context = { apiVersion: '15', providerKey: '' };

/**
 * A simulated site on a free port, with a company and nothing else unless `seeded` is asked for. Close it in `afterEach`.
 * @param options anything to have otherwise
 */
export function startTestErpnext(options: Partial<ErpnextOptions> = {}): Promise<ErpnextSimulator> {
  return startErpnext({ port: 0, seed: 1, clock: systemClock, seeded: false, ...options });
}

/** One JSON request to a simulated site; the body of the answer parsed where it is JSON. */
export async function callErpnext(
  erpnext: { readonly url: string },
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = { authorization },
) {
  const answer = await fetch(erpnext.url + path, {
    method,
    headers: { accept: 'application/json', 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.includes('json') === true && text !== '';
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of any shape
  return { status: answer.status, headers: answer.headers, text, body: (isJson ? JSON.parse(text) : null) as any };
}

/** Makes one document and answers its name; the log of effects does not show it. */
export async function madeIn(erpnext: ErpnextSimulator, docType: string, values: object): Promise<string> {
  const { status, text, body } = await callErpnext(erpnext, 'POST', `/api/resource/${docType}`, values);
  if (status !== 200) throw new Error(text);
  erpnext.effects.clear();
  return body.data.name;
}

/** One request over the real HTTP client: no breaker, no rate limit, no account check. Those have tests of their own. */
function senderTo(erpnext: { readonly url: string }): Sender {
  const http = httpClient({ clock: systemClock, local: true });
  return async ({ spec, purpose, mayWrite }) => {
    const body = encodeBody(spec);
    const result = await http.send({
      origin: erpnext.url,
      method: spec.method,
      path: spec.path + encodeQuery(spec.query),
      headers: { ...spec.headers, authorization, ...(body ? { 'content-type': body.contentType } : {}) },
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
export async function erpnextWorld(options: Partial<ErpnextOptions> = {}) {
  const clock = testClock();
  const simulator = await startTestErpnext({ clock, ...options });
  const system: SystemDeps = {
    send: senderTo(simulator),
    operations: operationById,
    systems: { erpnext: erpnextConfig },
    control: { check: async () => ({ kind: 'on' }) },
  };
  const kernel = testKernel({ attempt: makeAttempt(system), clock, digest: (call) => digestOfCall(system, call) });
  return { clock, simulator, system, kernel, close: () => simulator.close() };
}

export type ErpnextWorld = Awaited<ReturnType<typeof erpnextWorld>>;

/** Sends one request as it is specified. */
export async function exchange(
  { system }: Pick<ErpnextWorld, 'system'>,
  spec: RequestSpec,
  purpose: 'read' | 'write' = 'write',
) {
  const sent = await system.send({ system: 'erpnext', spec, purpose, deadlineMs: Date.now() + 5000 });
  if (sent.kind !== 'answer') throw new Error(sent.error.code);
  return sent.answer;
}

/** Carries out one planned read. */
export async function read(world: Pick<ErpnextWorld, 'system'>, call: PlannedCall): Promise<ReadVerdict> {
  const operation = operationById(call.operation);
  if (operation?.kind !== 'read') throw new Error(`${call.operation} is no read`);
  return operation.judge(await exchange(world, operation.request(context, call.input), 'read'), call.input);
}

/** The data of a planned read that must succeed. */
export async function dataOf<T>(world: Pick<ErpnextWorld, 'system'>, call: PlannedCall): Promise<T> {
  const verdict = await read(world, call);
  if (verdict.kind !== 'ok') throw new Error(JSON.stringify(verdict));
  return verdict.data as T;
}

/** Carries out one planned write and judges its answer. */
export async function write(world: ErpnextWorld, call: PlannedCall, providerKey: string) {
  const operation = operationById(call.operation);
  if (operation?.kind !== 'write') throw new Error(`${call.operation} is no write`);
  const spec = operation.request({ ...context, providerKey }, call.input);
  return operation.judge(await exchange(world, spec), call.input);
}

/** The claim of one planned write, with its before-image. */
export async function claimOf({ system, clock }: ErpnextWorld, call: PlannedCall, n = 1) {
  const operation = operationById(call.operation);
  if (operation?.kind !== 'write') throw new Error(`${call.operation} is no write`);
  const before = await readBefore(system, call, clock.now() + 5000);
  if (before?.kind === 'error') throw new Error(before.error.code);
  const target = ['erpnext', 'record', String(n)] as const;
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
export async function settle({ kernel, system, clock }: ErpnextWorld, key: string): Promise<ActionRecord> {
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
