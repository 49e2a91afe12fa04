import type { ActionRecord } from '../model/action.ts';
import type { ErrorCode } from '../model/errors.ts';
import type { Json } from '../model/json.ts';
import { thawed } from './frozen.ts';
import { noReport } from './send-once.ts';
import type { Why } from './step-types.ts';
import type { Identity, KernelDeps, Outcome } from './types.ts';

/** What a record answers to a call that changed nothing. */
export async function outcomeOf(
  deps: Pick<KernelDeps, 'payloads' | 'clock'>,
  record: ActionRecord,
  identity: Pick<Identity, 'inputHash'>,
): Promise<Outcome> {
  switch (record.state) {
    case 'SUCCEEDED': {
      const result = await thawed(deps.payloads, record.result);
      return { kind: 'replayed', record, result, differs: record.inputHash !== identity.inputHash };
    }
    case 'FAILED':
      return { kind: 'failed', record, failure: record.failure, replayed: true };
    case 'AWAITING_APPROVAL':
      return { kind: 'pending_approval', record };
    case 'RETRYABLE':
      return { kind: 'queued', record, dueMs: record.dueMs };
    case 'STARTED':
      return { kind: 'in_progress', record, retryAfterMs: retryAfterMs(record.leaseUntilMs - deps.clock.now()) };
    case 'UNKNOWN':
    case 'NEEDS_HUMAN':
      return { kind: 'unknown', record, failure: record.failure };
    case 'REJECTED':
    case 'EXPIRED':
      return { kind: 'refused', record, code: record.failure.code, detail: record.failure.detail };
    case 'CANCELLED':
      return { kind: 'refused', record, code: 'cancelled', detail: 'This action was cancelled. Nothing was written.' };
  }
}

/** What the owner is told after its own transition. */
export function ownOutcome(record: ActionRecord, result: Json): Outcome {
  switch (record.state) {
    case 'SUCCEEDED':
      return { kind: 'applied', record, result };
    case 'FAILED':
      return { kind: 'failed', record, failure: record.failure, replayed: false };
    case 'RETRYABLE':
      return { kind: 'queued', record, dueMs: record.dueMs };
    case 'AWAITING_APPROVAL':
      return { kind: 'pending_approval', record };
    case 'UNKNOWN':
      return { kind: 'unknown', record, failure: record.failure };
    default:
      return { kind: 'unknown', record, failure: noReport };
  }
}

const refusals: Readonly<Partial<Record<Why, readonly [ErrorCode, string]>>> = {
  reused: ['idempotency_key_reused', 'This Idempotency-Key was used for another intent. Nothing was sent.'],
  again_not_matching: ['again_not_matching', 'There is no such action with these inputs. Nothing was sent.'],
  again_not_allowed: ['again_not_allowed', 'This action may not be repeated. Nothing was sent.'],
};

/** A refusal for a reason of the kernel, or null where the record itself is the answer. */
export function refusalFor(why: Why, record: ActionRecord | null): Outcome | null {
  const refusal = refusals[why];
  return refusal ? { kind: 'refused', record, code: refusal[0], detail: refusal[1] } : null;
}

function retryAfterMs(leaseLeftMs: number): number {
  return Math.min(5000, Math.max(500, leaseLeftMs));
}
