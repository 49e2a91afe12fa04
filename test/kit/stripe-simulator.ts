import { type StripeOptions, type StripeSimulator, startStripe } from '../../infra/local/systems/stripe/start.ts';
import { workOn } from '../../shared/action/resolve.ts';
import type { KernelDeps } from '../../shared/action/types.ts';
import { systemSchema } from '../../shared/config/schema.ts';
import type { Sender } from '../../shared/connectors/sender.ts';
import { operationById } from '../../shared/connectors/stripe/operations.ts';
import { httpClient } from '../../shared/http/client.ts';
import { encodeBody } from '../../shared/http/digest.ts';
import { encodeQuery } from '../../shared/http/path.ts';
import type { ActionRecord } from '../../shared/model/action.ts';
import { systemClock } from '../../shared/model/clock.ts';
import type { Json } from '../../shared/model/json.ts';
import type { PlannedCall } from '../../shared/model/operation.ts';
import { digestOfCall, makeAttempt, makeProbe, readBefore, type SystemDeps } from '../../shared/tools/attempt.ts';
import { testClock, testIdentity, testKernel, testRequest } from './kernel.ts';

/** The API version the tests speak. */
export const apiVersion = '2026-10-28.endive';
const token = 'local-static-token';

/**
 * A simulated Stripe account on a free port, with limits that do not get in the way. Close it in `afterEach` or `afterAll`.
 * @param options anything to have otherwise; `seeded` is false unless asked for
 */
export function startTestStripe(options: Partial<StripeOptions> = {}): Promise<StripeSimulator> {
  const quiet = { perSecond: 100_000, searchLagMs: 0, seeded: false };
  return startStripe({ port: 0, seed: 1, clock: systemClock, ...quiet, ...options });
}

/** One form request to a simulated account; the body of the answer parsed where it is JSON. */
export async function callStripe(
  stripe: { readonly url: string },
  method: string,
  path: string,
  params: Readonly<Record<string, string>> = {},
  headers: Readonly<Record<string, string>> = {},
) {
  const form = new URLSearchParams(params);
  const isGet = method === 'GET';
  const answer = await fetch(`${stripe.url}${path}${isGet && form.size > 0 ? `?${form}` : ''}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...headers },
    ...(isGet || form.size === 0 ? {} : { body: form }),
  });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.includes('json') === true;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of any shape
  return { status: answer.status, headers: answer.headers, text, body: (isJson ? JSON.parse(text) : null) as any };
}

/** One request to the simulator's own routes. */
export async function turnStripe(stripe: { readonly url: string }, path: string, body: object = {}) {
  const answer = await fetch(stripe.url + path, { method: 'POST', body: JSON.stringify(body) });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

/** One request over the real HTTP client: no breaker, no rate limit, no account check. Those have tests of their own. */
export function senderTo(
  stripe: { readonly url: string },
  http = httpClient({ clock: systemClock, local: true }),
): Sender {
  return async ({ spec, purpose, mayWrite }) => {
    const body = encodeBody(spec);
    const result = await http.send({
      origin: stripe.url,
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
export const stripeConfig = systemSchema.parse({
  connector: 'stripe',
  owner: 'billing',
  account: { accountId: 'acct_1SimulatedPlumbline', is: 'sandbox' },
  apiVersion,
  auth: { grant: 'bearer', secret: 's' },
  limits: [{ calls: 25, per: 'second' }],
});

/** The real kernel over memory against a simulated account; both live by one clock that moves only when told. */
export async function stripeWorld(options: Partial<StripeOptions> = {}) {
  const clock = testClock();
  const stripe = await startTestStripe({ clock, ...options });
  const system: SystemDeps = {
    send: senderTo(stripe),
    operations: operationById,
    systems: { stripe: stripeConfig },
    control: { check: async () => ({ kind: 'on' }) },
  };
  const kernel = testKernel({ attempt: makeAttempt(system), clock, digest: (call) => digestOfCall(system, call) });
  return { clock, stripe, system, kernel, close: () => stripe.close() };
}

export type StripeWorld = Awaited<ReturnType<typeof stripeWorld>>;

/** The claim of one planned write, with its before-image. */
export async function claimOf({ system, clock }: StripeWorld, call: PlannedCall, n = 1) {
  const operation = operationById(call.operation);
  if (operation?.kind !== 'write') throw new Error(`${call.operation} is no write`);
  const before = await readBefore(system, call, clock.now() + 5000);
  if (before?.kind === 'error') throw new Error(before.error.code);
  const target = ['stripe', 'record', String(n)] as const;
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
export async function settle({ kernel, system, clock }: StripeWorld, key: string): Promise<ActionRecord> {
  for (let step = 0; step < 60; step += 1) {
    const record = await (kernel as KernelDeps).store.get(key);
    if (!record) throw new Error('no record');
    if (!['RETRYABLE', 'STARTED', 'UNKNOWN'].includes(record.state)) return record;
    if ('dueMs' in record) clock.advance(Math.max(0, record.dueMs - clock.now()) + 1);
    const probe = makeProbe(system);
    const recheck = async () => ({ kind: 'go' }) as const;
    await workOn(kernel, { key, deadlineMs: clock.now() + 20_000, recheck, probeFor: () => probe });
  }
  throw new Error('never settled');
}
