import type { Applied } from '../action/driver.ts';
import { workMany } from '../action/many.ts';
import type { KernelDeps } from '../action/types.ts';
import { failureOf } from '../connectors/failure.ts';
import { digestOfCall, makeAttempt } from './attempt.ts';
import { makeBatching } from './batch.ts';
import type { CallDeps } from './call-deps.ts';
import { makeProbeFor, makeRecheck } from './recheck.ts';

/** What working on due actions needs: a tool call's dependencies without a caller. */
export type WorkDeps = Pick<
  CallDeps,
  'config' | 'catalog' | 'kernel' | 'control' | 'send' | 'gate' | 'operations' | 'log'
>;

/** One message of the actions queue. */
export type DueMessage = { readonly messageId: string; readonly body: string };

/** Kept at the end of an invocation for the transition after a send, milliseconds. */
const reserveMs = 5000;
/** Longest send of one action in a worker, milliseconds: shorter than a lease. */
const longestSendMs = 20_000;

/**
 * Makes the worker of the actions queue: one step for every action the messages name. Those of one operation share requests
 * where their system can do that; one that fails holds up no other. What could not be worked on is given back by its message
 * id and comes again.
 */
export function dueWorker(deps: WorkDeps) {
  const system = { ...deps, systems: deps.config.systems };
  const kernel: KernelDeps = {
    ...deps.kernel,
    attempt: makeAttempt(system),
    digest: (call) => digestOfCall(system, call),
    failureOf,
    render: null,
  };
  const many = { ...kernel, batching: makeBatching(system) };
  const probeFor = makeProbeFor(system);
  return async (messages: readonly DueMessage[], remainingMs: number) => {
    const nowMs = deps.kernel.clock.now();
    const deadlineMs = Math.min(nowMs + remainingMs - reserveMs, nowMs + longestSendMs);
    const recheck = makeRecheck({ ...deps, clock: deps.kernel.clock, untilMs: deadlineMs });
    const named = messages.flatMap(({ messageId, body }) => {
      const key = keyIn(body);
      if (key === null) deps.log.error('a message of the actions queue names no action', {});
      return key === null ? [] : [{ messageId, key }];
    });
    const worked = await workMany(
      many,
      named.map(({ key }) => ({ key, deadlineMs, recheck, probeFor })),
    );
    const done = new Set(named.filter((_, at) => noted(deps, worked[at])).map(({ messageId }) => messageId));
    const failed = messages.filter(({ messageId }) => !done.has(messageId));
    return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
  };
}

/** Whether an action was worked on; says how old an unknown outcome has become. */
function noted(deps: WorkDeps, worked: PromiseSettledResult<Applied> | undefined): boolean {
  if (worked?.status !== 'fulfilled') {
    deps.log.error('a due action could not be worked on', {}, worked?.reason);
    return false;
  }
  const { record } = worked.value;
  if (record?.state === 'UNKNOWN') {
    const ageMs = deps.kernel.clock.now() - record.sinceMs;
    deps.log.metric('OldestUnknownMs', Math.max(1, ageMs), 'Milliseconds', { system: record.system });
  }
  return true;
}

/** The key of a hint, or null: such a message is given back until it is a dead letter that somebody looks at. */
function keyIn(body: string): string | null {
  try {
    const parsed: unknown = JSON.parse(body);
    const key = typeof parsed === 'object' && parsed !== null && 'key' in parsed ? parsed.key : null;
    return typeof key === 'string' && key !== '' ? key : null;
  } catch {
    return null;
  }
}
