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
import type { Operation, PlannedCall, ReadVerdict, RequestSpec } from '../../shared/model/operation.ts';
import {
  digestOfCall,
  makeAttempt,
  makeProbe,
  readBefore,
  type SystemDeps,
  writeOperationOf,
} from '../../shared/tools/attempt.ts';
import { testClock, testIdentity, testKernel, testRequest } from './kernel.ts';

/**
 * One request over the real HTTP client: no breaker, no rate limit, no account check. Those have tests of their own.
 * @param authorization the header's value; null sends none
 */
export function plainSenderTo(
  simulator: { readonly url: string },
  authorization: string | null,
  http = httpClient({ clock: systemClock, local: true }),
): Sender {
  return async ({ spec, purpose, mayWrite }) => {
    const body = encodeBody(spec);
    const result = await http.send({
      origin: simulator.url,
      method: spec.method,
      path: spec.path + encodeQuery(spec.query),
      headers: {
        ...(body ? { 'content-type': body.contentType } : {}),
        ...spec.headers,
        ...(authorization === null ? {} : { authorization }),
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

/**
 * The real kernel over memory against one simulated system; both live by one clock that moves only when told.
 * @param input.start starts the simulator by that clock; `input.senderTo` reaches it with a credential it takes
 */
export async function systemWorld<S extends { readonly url: string; close(): Promise<void> }>(input: {
  readonly name: string;
  readonly config: SystemConfig;
  readonly operations: (id: string) => Operation | null;
  readonly senderTo: (simulator: S) => Sender;
  readonly start: (clock: ReturnType<typeof testClock>) => Promise<S>;
}) {
  const clock = testClock();
  const simulator = await input.start(clock);
  const system: SystemDeps = {
    send: input.senderTo(simulator),
    operations: input.operations,
    systems: { [input.name]: input.config },
    control: { check: async () => ({ kind: 'on' }) },
  };
  const kernel = testKernel({ attempt: makeAttempt(system), clock, digest: (call) => digestOfCall(system, call) });
  return { clock, simulator, system, kernel, close: () => simulator.close() };
}

/** A kernel against one simulated system. */
export type SystemWorld = Awaited<ReturnType<typeof systemWorld>>;

type Reach = Pick<SystemWorld, 'system'>;

/** Sends one request to the one system of a world, as the request is specified. */
export async function exchange({ system }: Reach, spec: RequestSpec, purpose: 'read' | 'write' = 'write') {
  const [name = ''] = Object.keys(system.systems);
  const sent = await system.send({ system: name, spec, purpose, deadlineMs: Date.now() + 5000 });
  if (sent.kind !== 'answer') throw new Error(sent.error.code);
  return sent.answer;
}

/** Carries out one planned read. */
export async function read(world: Reach, call: PlannedCall): Promise<ReadVerdict> {
  const { systems, operations } = world.system;
  const operation = operations(call.operation);
  if (operation?.kind !== 'read') throw new Error(`${call.operation} is no read`);
  const apiVersion = systems[call.system]?.apiVersion ?? '';
  const spec = operation.request({ apiVersion, providerKey: '' }, call.input);
  return operation.judge(await exchange(world, spec, 'read'), call.input);
}

/** Carries out one planned write and judges its answer. */
export async function write(world: Reach, call: PlannedCall, providerKey: string) {
  const { operation, apiVersion } = writeOperationOf(world.system, call);
  return operation.judge(await exchange(world, operation.request({ apiVersion, providerKey }, call.input)), call.input);
}

/** The claim of one planned write, with its before-image. */
export async function claimOf({ system, clock }: Omit<SystemWorld, 'simulator'>, call: PlannedCall, n = 1) {
  const { operation } = writeOperationOf(system, call);
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
