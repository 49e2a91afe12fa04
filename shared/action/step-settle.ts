import type { ActionRecord } from '../model/action.ts';
import type { Classified } from '../model/operation.ts';
import { moveOwned, retryDelayMs, stay } from './moves.ts';
import { dueWithinAge, toUnknown } from './step-time.ts';
import type { SettleEvent, Step, StepAt } from './step-types.ts';

/** Failures after which the same request, later, may succeed. */
const passing: readonly Classified['class'][] = ['transient', 'rate'];

/**
 * The owner's verdict on its send. It counts as long as nobody took the action over, also after the lease.
 * `not_applied` proves nothing about an earlier send of the same generation that is still unproven: then it stays unknown.
 */
export function stepSettle(record: ActionRecord | null, event: SettleEvent, at: StepAt): Step {
  if (record?.state !== 'STARTED') return stay('superseded');
  if (record.owner !== event.nonce || record.epoch !== event.epoch) return stay('superseded');
  const { verdict, failure, nonce: owner } = event;
  if (verdict.kind === 'applied') {
    const { records } = verdict;
    const settled = { settledAtMs: at.nowMs, result: event.result, records, proof: 'answer', owner } as const;
    return moveOwned(record, at, { state: 'SUCCEEDED', ...settled }, { inDoubt: false });
  }
  if (verdict.kind === 'unknown' || verdict.error.class === 'unknown_outcome' || record.inDoubt === true) {
    const spent = verdict.stored === true && record.resend.kind === 'key';
    return toUnknown(record, at, { failure, owner, ...(spent ? { keySpent: true } : {}) });
  }
  if (!passing.includes(verdict.error.class) || record.attempts >= at.limits.maxAttempts) {
    return moveOwned(record, at, { state: 'FAILED', settledAtMs: at.nowMs, failure, owner });
  }
  const delayMs = retryDelayMs(record.attempts, event.jitter, verdict.error.retryAfterMs);
  const dueMs = dueWithinAge(record, at.nowMs + delayMs, at);
  const change = verdict.stored === true ? anotherProviderKey(record) : {};
  return moveOwned(record, at, { state: 'RETRYABLE', dueMs, failure }, change);
}

/** After an error that the provider keeps under our key, and only with proof that nothing was applied. */
export function anotherProviderKey(
  record: ActionRecord,
): Partial<Pick<ActionRecord, 'resendNo' | 'firstSentAtMs' | 'keySpent'>> {
  return record.resend.kind === 'key' ? { resendNo: record.resendNo + 1, firstSentAtMs: null, keySpent: false } : {};
}
