import type { ActionBase, ActionRecord, StateName } from '../model/action.ts';
import { failureFor, move, settleMs, stay } from './moves.ts';
import { anotherProviderKey } from './step-settle.ts';
import { lapse, lapsed } from './step-time.ts';
import type { PersonEvent, Step, StepAt } from './step-types.ts';

/** What may be cancelled: nothing that could have had an effect. */
const cancellable: readonly StateName[] = ['AWAITING_APPROVAL', 'RETRYABLE', 'FAILED', 'EXPIRED', 'REJECTED'];
const reopenable: readonly StateName[] = ['FAILED', 'EXPIRED', 'REJECTED'];

/** A named person's act. It names the generation it is about, so that a decision never meets another one. */
export function stepPerson(record: ActionRecord | null, event: PersonEvent, at: StepAt): Step {
  if (record === null || record.gen !== event.gen) return stay('superseded');
  switch (event.act) {
    case 'approve':
    case 'reject':
      return decide(record, event, at);
    case 'cancel':
      if (!cancellable.includes(record.state)) return stay('illegal');
      return move(record, at, { state: 'CANCELLED', settledAtMs: at.nowMs }, { decision: event.decision });
    case 'applied':
    case 'not_applied':
      return settle(record, event, at);
    case 'retry':
    case 'ask_approval':
      return reopen(record, event, at);
  }
}

function decide(record: ActionRecord, event: PersonEvent, at: StepAt): Step {
  if (record.state !== 'AWAITING_APPROVAL' || record.approval === null) return stay('illegal');
  if (lapsed(record, at)) return lapse(record, at);
  const approval = { ...record.approval, decision: event.decision };
  if (event.act === 'approve')
    return move(record, at, { state: 'RETRYABLE', dueMs: at.nowMs, failure: null }, { approval });
  return move(
    record,
    at,
    { state: 'REJECTED', settledAtMs: at.nowMs, failure: rejected },
    { decision: event.decision },
  );
}

/** That it happened may be said at any time; that it did not, only once it can no longer arrive. */
function settle(record: ActionRecord, event: PersonEvent, at: StepAt): Step {
  if (record.state !== 'NEEDS_HUMAN') return stay('illegal');
  const { decision } = event;
  if (event.act === 'applied') {
    const { result, records } = event;
    const state = { settledAtMs: at.nowMs, result, records, proof: 'person', owner: null } as const;
    return move(record, at, { state: 'SUCCEEDED', ...state }, { decision, inDoubt: false });
  }
  if (!settledSince(record, at)) return stay('too_early');
  const state = { state: 'FAILED', settledAtMs: at.nowMs, failure: personSaysNo, owner: null } as const;
  return move(record, at, state, { decision, inDoubt: false });
}

/** Back to work after a person's decision. Its approval is used up: policy is asked anew. */
function reopen(record: ActionRecord, event: PersonEvent, at: StepAt): Step {
  const unsettled = record.state === 'NEEDS_HUMAN';
  if (unsettled && event.act !== 'retry') return stay('illegal');
  if (!unsettled && !reopenable.includes(record.state)) return stay('illegal');
  if (unsettled && !settledSince(record, at)) return stay('too_early');
  const { decision } = event;
  const change: Partial<ActionBase> = {
    decision,
    attempts: 0,
    inDoubt: false,
    ...anotherProviderKey(record),
  };
  if (event.act === 'ask_approval') {
    const { rule, by, notAfterMs } = event;
    const approval = { rule, by, notAfterMs, decision: null };
    return move(record, at, { state: 'AWAITING_APPROVAL', dueMs: notAfterMs }, { ...change, approval });
  }
  return move(record, at, { state: 'RETRYABLE', dueMs: at.nowMs, failure: null }, { ...change, approval: null });
}

function settledSince(record: Extract<ActionRecord, { state: 'NEEDS_HUMAN' }>, at: StepAt): boolean {
  return at.nowMs > record.sinceMs + settleMs(record, at);
}

const rejected = failureFor('approval_rejected', 'approval', 'A person refused it. Nothing was written.');
const personSaysNo = failureFor('system_unavailable', 'upstream', 'A person found that it did not happen.');
