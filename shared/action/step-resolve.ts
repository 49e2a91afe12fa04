import type { ActionRecord } from '../model/action.ts';
import { failureFor, move, retryDelayMs, settleMs, started, stay } from './moves.ts';
import { anotherProviderKey } from './step-settle.ts';
import type { ProbedEvent, ResendEvent, Step, StepAt } from './step-types.ts';

type Unknown = Extract<ActionRecord, { state: 'UNKNOWN' }>;

/** What can be done now about an action of unknown outcome. */
export type NextProof = 'wait' | 'resend' | 'probe' | 'person';

/**
 * The way to proof. A resend needs the provider's own key, its window still open, no error that the provider keeps under it,
 * and byte for byte the same request; a request that today's code renders otherwise is only looked for.
 * @param can whether the operation can be read back, and today's digest of the frozen request
 */
export function nextProof(
  record: ActionRecord,
  can: { readonly probe: boolean; readonly requestDigest: string },
  at: StepAt,
): NextProof {
  if (record.state !== 'UNKNOWN' || record.dueMs > at.nowMs) return 'wait';
  if (record.resend.kind === 'none') return 'person';
  if (mayResend(record, can.requestDigest, at)) return 'resend';
  return can.probe && record.probes < at.limits.maxProbes ? 'probe' : 'person';
}

function mayResend(record: ActionRecord, requestDigest: string, at: StepAt): boolean {
  if (record.resend.kind !== 'key' || record.attempts >= at.limits.maxAttempts) return false;
  if (record.keySpent === true) return false;
  return record.requestDigest === requestDigest && at.nowMs + at.limits.leaseMs < keyWindowEndMs(record, at);
}

/** Until when the provider surely knows our key: counted from before the first send. */
function keyWindowEndMs(record: ActionRecord, at: StepAt): number {
  if (record.resend.kind !== 'key' || record.firstSentAtMs === null) return 0;
  return record.firstSentAtMs + record.resend.windowMs - at.limits.skewMs;
}

/** The same request under the same provider key: its answer "applied" is proof, any other is none. */
export function stepResend(record: ActionRecord | null, event: ResendEvent, at: StepAt): Step {
  if (record?.state !== 'UNKNOWN') return stay('illegal');
  if (!mayResend(record, event.requestDigest, at)) return stay('illegal');
  return move(record, at, started(event.nonce, at), { attempts: record.attempts + 1, inDoubt: true });
}

/** What a read-back proves. Absence counts only where it was asked after the settle time. */
export function stepProbed(record: ActionRecord | null, event: ProbedEvent, at: StepAt): Step {
  if (record?.state !== 'UNKNOWN') return stay('superseded');
  const { verdict } = event;
  const settled = event.askedAtMs > record.sinceMs + settleMs(record, at);
  switch (verdict.kind) {
    case 'equal': {
      const { records } = verdict;
      const state = { settledAtMs: at.nowMs, result: event.result, records, proof: 'read_back', owner: null } as const;
      return move(record, at, { state: 'SUCCEEDED', ...state }, { inDoubt: false });
    }
    case 'different':
      return toPerson(record, at, 'Something else stands where the effect was looked for.');
    case 'inconclusive':
      return lookAgain(record, at, at.nowMs + retryDelayMs(record.probes + 4, event.jitter, undefined));
    case 'before':
      return settled ? notApplied(record, at) : lookAgain(record, at, record.sinceMs + settleMs(record, at) + 1);
    case 'absent':
      if (settled && record.resend.kind === 'upsert' && record.before !== null) {
        return toPerson(record, at, 'The record that was to be changed is gone.');
      }
      return settled ? notApplied(record, at) : lookAgain(record, at, record.sinceMs + settleMs(record, at) + 1);
  }
}

/** Proven not applied: it may be attempted again under every rule, with a key the provider holds no error for. */
function notApplied(record: Unknown, at: StepAt): Step {
  const state = { state: 'RETRYABLE', dueMs: at.nowMs, failure: record.failure } as const;
  return move(record, at, state, { inDoubt: false, ...anotherProviderKey(record) });
}

function lookAgain(record: Unknown, at: StepAt, dueMs: number): Step {
  const { sinceMs, probes, failure } = record;
  if (probes + 1 >= at.limits.maxProbes) return toPerson(record, at, 'It could not be read back.');
  return move(record, at, { state: 'UNKNOWN', dueMs, sinceMs, probes: probes + 1, failure, owner: null });
}

/** Nothing more can be proven here: a named person decides. */
export function stepUnprovable(record: ActionRecord | null, why: string, at: StepAt): Step {
  return record?.state === 'UNKNOWN' ? toPerson(record, at, why) : stay('superseded');
}

function toPerson(record: Unknown, at: StepAt, why: string): Step {
  const failure = {
    ...record.failure,
    ...failureFor('outcome_unknown', 'upstream', `${record.failure.detail} ${why}`),
  };
  return move(record, at, { state: 'NEEDS_HUMAN', sinceMs: record.sinceMs, failure });
}
