import type { ActionRecord, Stored } from '../model/action.ts';
import { plannedCallOf } from '../model/action.ts';
import type { Failure } from '../model/errors.ts';
import { actionId, newId } from '../model/ids.ts';
import type { Json } from '../model/json.ts';
import type { Classified, WriteVerdict } from '../model/operation.ts';
import { atNow } from './driver.ts';
import { roomIn } from './fit.ts';
import { frozen } from './frozen.ts';
import { failureFor } from './moves.ts';
import { step } from './step.ts';
import type { SettleEvent } from './step-types.ts';
import { type KernelDeps, NotSentError } from './types.ts';

/** A record its owner has just claimed. */
export type Owned = Extract<ActionRecord, { state: 'STARTED' }>;

/** Time between the last moment a send may begin and the end of the lease, milliseconds. */
const marginMs = 1000;

/** A new claim's nonce. */
export function newNonce(deps: Pick<KernelDeps, 'clock' | 'random'>): string {
  return newId('own', deps.clock.now(), deps.random);
}

/** The key the provider sees: the action's id, with `:rN` once an error it keeps under the earlier one is proven without effect. */
export function providerKeyOf(record: ActionRecord): string {
  return `${actionId(record.key, record.gen)}${record.resendNo === 0 ? '' : `:r${record.resendNo}`}`;
}

/** Until when the owner of a lease may begin to write: the caller's deadline, and always before the lease is over. */
export function sendUntilMs(record: Owned, deadlineMs: number): number {
  return Math.min(deadlineMs, record.leaseUntilMs - marginMs);
}

/**
 * Sends once for the owner of a live lease and judges what it means. Nothing is written after the deadline or once the attempt
 * has returned. A throw is judged by {@link verdictOfFault}.
 */
export async function sendOnce(
  deps: KernelDeps,
  input: { readonly record: Owned; readonly intent: Json; readonly deadlineMs: number },
): Promise<WriteVerdict> {
  const { record } = input;
  const deadlineMs = sendUntilMs(record, input.deadlineMs);
  let open = true;
  const mayWrite = () => open && deps.clock.now() < deadlineMs;
  if (!mayWrite()) return lateVerdict;
  const call = plannedCallOf(record, input.intent);
  try {
    const attempt = deps.seat?.attempt ?? deps.attempt;
    return await attempt({ record, call, providerKey: providerKeyOf(record), deadlineMs, mayWrite });
  } catch (error) {
    return verdictOfFault(error);
  } finally {
    open = false;
  }
}

/** What a throw says of a send: nothing, unless it is a {@link NotSentError}. */
export function verdictOfFault(error: unknown): WriteVerdict {
  if (error instanceof NotSentError) return { kind: 'not_applied', error: error.error };
  return { kind: 'unknown', error: threw };
}

const noTimeLeft: Classified = {
  class: 'transient',
  code: 'no_time_left',
  message: 'the time for this call was over before it was sent',
};
/** What became of a send that had no time left to begin. */
export const lateVerdict: WriteVerdict = { kind: 'not_applied', error: noTimeLeft };
const threw: Classified = {
  class: 'unknown_outcome',
  code: 'attempt_threw',
  message: 'the attempt ended without an answer',
};

/** The transition of a verdict, with the stored form of its result; the object it may name, still to be put. */
export function judged(
  deps: KernelDeps,
  record: Owned,
  verdict: WriteVerdict,
): { next: ActionRecord; result: Json; object: Uint8Array | null; failure: Failure } {
  const applied = verdict.kind === 'applied';
  const { stored, object } = applied ? frozen(verdict.data, roomIn(record)) : { stored: nothing, object: null };
  const failure = applied ? noReport : deps.failureOf(verdict.error, record.system);
  const [byte = 0] = deps.random(1);
  const event: SettleEvent = {
    kind: 'settle',
    nonce: record.owner,
    epoch: record.epoch,
    verdict,
    failure,
    result: stored,
    jitter: byte / 255,
  };
  const judgement = step(record, event, atNow(deps));
  const next = judgement.kind === 'move' ? judgement.next : record;
  return { next, result: applied ? verdict.data : null, object, failure };
}

const nothing: Stored = { inline: null };

/** What a caller is told when its own verdict could not be recorded. */
export const noReport = failureFor(
  'outcome_unknown',
  'upstream',
  'The outcome could not be recorded in time. The system may or may not have done it; it is being checked.',
);
