import type { ActionRecord } from '../model/action.ts';
import type { Failure } from '../model/errors.ts';
import { failureFor, move, settleMs, stay } from './moves.ts';
import type { Step, StepAt } from './step-types.ts';

/** Whether time alone has ended what a record waits for: a lease, an approval, its attempts or its age. */
export function lapsed(record: ActionRecord, at: StepAt): boolean {
  switch (record.state) {
    case 'AWAITING_APPROVAL':
      return approvalOver(record, at);
    case 'STARTED':
      return at.nowMs > record.leaseUntilMs + at.limits.skewMs;
    case 'RETRYABLE':
      return approvalUnused(record, at) || spent(record, at);
    default:
      return false;
  }
}

/** The transition that time alone makes. An expired lease means unknown, never free. */
export function lapse(record: ActionRecord, at: StepAt): Step {
  if (!lapsed(record, at)) return stay('too_early');
  if (record.state === 'STARTED') return toUnknown(record, at, { failure: lostOwner, owner: null });
  if (record.state === 'RETRYABLE' && !approvalUnused(record, at)) {
    const failure = record.failure ?? outOfAttempts;
    return move(record, at, { state: 'FAILED', settledAtMs: at.nowMs, failure, owner: null });
  }
  return move(record, at, { state: 'EXPIRED', settledAtMs: at.nowMs, failure: approvalLate });
}

/** UNKNOWN since now: every send of this generation began before. */
export function toUnknown(
  record: ActionRecord,
  at: StepAt,
  { failure, owner, ...change }: { failure: Failure; owner: string | null; keySpent?: boolean },
): Step {
  const dueMs = at.nowMs + firstLookMs(record, at);
  const epoch = owner === null ? record.epoch + 1 : record.epoch;
  const state = { state: 'UNKNOWN', dueMs, sinceMs: at.nowMs, probes: 0, failure, owner } as const;
  const { next } = move(record, at, state, change);
  return { kind: 'move', next: { ...next, epoch } };
}

/** Presence by a value we wrote counts at once; a record addressed by its own key is looked at after the settle time only. */
function firstLookMs(record: ActionRecord, at: StepAt): number {
  return record.resend.kind === 'upsert' ? settleMs(record, at) : 2000;
}

function approvalOver(record: ActionRecord, at: StepAt): boolean {
  return record.approval !== null && at.nowMs > record.approval.notAfterMs;
}

/** Approved, never attempted, and the approval's time is over. */
function approvalUnused(record: ActionRecord, at: StepAt): boolean {
  return record.attempts === 0 && approvalOver(record, at);
}

function spent(record: ActionRecord, at: StepAt): boolean {
  return record.attempts >= at.limits.maxAttempts || at.nowMs > ageEndMs(record, at);
}

function ageEndMs(record: ActionRecord, at: StepAt): number {
  const since = Math.max(record.createdAtMs, record.decision?.atMs ?? 0, record.approval?.decision?.atMs ?? 0);
  return since + at.limits.maxAgeMs;
}

/** A waiting action is looked at when its age is over at the latest, however long its system asked to wait: then it has an owner. */
export function dueWithinAge(record: ActionRecord, dueMs: number, at: StepAt): number {
  return Math.min(dueMs, ageEndMs(record, at) + 1);
}

const lostOwner = failureFor(
  'outcome_unknown',
  'upstream',
  'The process that sent this did not report back. The system may or may not have done it.',
);
const approvalLate = failureFor('approval_expired', 'approval', 'Nobody decided in time. Nothing was written.');
const outOfAttempts = failureFor(
  'attempts_exhausted',
  'upstream',
  'It could not be done in time. Nothing was written.',
);
