import { workOn } from '../../shared/action/resolve.ts';
import type { KernelDeps } from '../../shared/action/types.ts';
import type { SystemConfig } from '../../shared/config/schema.ts';
import type { Sender } from '../../shared/connectors/sender.ts';
import { httpClient } from '../../shared/http/client.ts';
import { encodeBody } from '../../shared/http/digest.ts';
import { encodeQuery } from '../../shared/http/path.ts';
import type { ActionRecord } from '../../shared/model/action.ts';
import { systemClock } from '../../shared/model/clock.ts';
import type { Json } from '../../shared/model/json.ts';
import type { Operation, PlannedCall } from '../../shared/model/operation.ts';
import { digestOfCall, makeAttempt, makeProbe, readBefore, type SystemDeps } from '../../shared/tools/attempt.ts';
import { testClock, testIdentity, testKernel, testRequest } from './kernel.ts';

/** One request over the real HTTP client: no breaker, no rate limit, no account check. Those have tests of their own. */
export function plainSenderTo(
  origin: () => string,
  authorization: string,
  http = httpClient({ clock: systemClock, local: true }),
): Sender {
  return async ({ spec, purpose, mayWrite }) => {
    const body = encodeBody(spec);
    const result = await http.send({
      origin: origin(),
      method: spec.method,
      path: spec.path + encodeQuery(spec.query),
      headers: { ...(body ? { 'content-type': body.contentType } : {}), ...spec.headers, authorization },
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

/**
 * The real kernel over memory against one simulated system; both live by one clock that moves only when told.
 * @param input.start starts the simulator by that clock
 */
export async function systemWorld<S extends { readonly url: string; close(): Promise<void> }>(input: {
  readonly name: string;
  readonly config: SystemConfig;
  readonly operations: (id: string) => Operation | null;
  readonly authorization: string;
  readonly start: (clock: ReturnType<typeof testClock>) => Promise<S>;
}) {
  const clock = testClock();
  const simulator = await input.start(clock);
  const system: SystemDeps = {
    send: plainSenderTo(() => simulator.url, input.authorization),
    operations: input.operations,
    systems: { [input.name]: input.config },
    control: { check: async () => ({ kind: 'on' }) },
  };
  const kernel = testKernel({ attempt: makeAttempt(system), clock, digest: (call) => digestOfCall(system, call) });
  return { clock, simulator, system, kernel, close: () => simulator.close() };
}

/** A kernel against one simulated system. */
export type SystemWorld = Awaited<ReturnType<typeof systemWorld>>;

/** The claim of one planned write, with its before-image. */
export async function claimOf({ system, clock }: Omit<SystemWorld, 'simulator'>, call: PlannedCall, n = 1) {
  const operation = system.operations(call.operation);
  if (operation?.kind !== 'write') throw new Error(`${call.operation} is no write`);
  const before = await readBefore(system, call, clock.now() + 5000);
  if (before?.kind === 'error') throw new Error(before.error.code);
  const target = [call.system, 'record', String(n)] as const;
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
export async function settle(
  { kernel, system, clock }: Omit<SystemWorld, 'simulator'>,
  key: string,
): Promise<ActionRecord> {
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
