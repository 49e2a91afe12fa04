import { type ResolveInput, workOn } from '../action/resolve.ts';
import type { KernelDeps } from '../action/types.ts';
import { failureOf } from '../connectors/failure.ts';
import { digestOfCall, makeAttempt } from './attempt.ts';
import type { CallDeps } from './call-deps.ts';
import { makeProbeFor, makeRecheck } from './recheck.ts';

/** What working on due actions needs: a tool call's dependencies without a caller. */
export type WorkDeps = Pick<CallDeps, 'config' | 'catalog' | 'kernel' | 'control' | 'send' | 'operations' | 'log'>;

/** One message of the actions queue. */
export type DueMessage = { readonly messageId: string; readonly body: string };

/** Kept at the end of an invocation for the transition after a send, milliseconds. */
const reserveMs = 5000;
/** Longest send of one action in a worker, milliseconds: shorter than a lease. */
const longestSendMs = 20_000;

/**
 * Makes the worker of the actions queue: one step for every action a batch names, each alone, so that one that fails holds up
 * no other. What could not be worked on is given back by its message id and comes again.
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
  const recheck = makeRecheck({ ...deps, clock: deps.kernel.clock });
  const probeFor = makeProbeFor(system);
  return async (messages: readonly DueMessage[], remainingMs: number) => {
    const endMs = deps.kernel.clock.now() + remainingMs - reserveMs;
    const worked = await Promise.all(
      messages.map(async ({ messageId, body }) => {
        const deadlineMs = Math.min(endMs, deps.kernel.clock.now() + longestSendMs);
        const key = keyIn(body);
        if (key === null) deps.log.error('a message of the actions queue names no action', {});
        const done = key !== null && (await workOne(deps, kernel, { key, deadlineMs, recheck, probeFor }));
        return done ? [] : [{ itemIdentifier: messageId }];
      }),
    );
    return { batchItemFailures: worked.flat() };
  };
}

async function workOne(deps: WorkDeps, kernel: KernelDeps, input: ResolveInput): Promise<boolean> {
  try {
    const { record } = await workOn(kernel, input);
    if (record?.state === 'UNKNOWN') {
      const ageMs = kernel.clock.now() - record.sinceMs;
      deps.log.metric('OldestUnknownMs', Math.max(1, ageMs), 'Milliseconds', { system: record.system });
    }
    return true;
  } catch (fault) {
    deps.log.error('a due action could not be worked on', {}, fault);
    return false;
  }
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
