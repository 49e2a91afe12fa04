import type { ActionRecord } from '../model/action.ts';
import { move, stay } from './moves.ts';
import { targetChanged } from './step-claim.ts';
import { dueWithinAge, lapse, lapsed } from './step-time.ts';
import type { RecheckEvent, Step, StepAt } from './step-types.ts';

/**
 * What policy says of a waiting action before it is attempted. A switch or pause only moves the due time, also of an unknown
 * outcome; every other no ends a waiting action, and never an unknown one.
 */
export function stepRecheck(record: ActionRecord | null, event: RecheckEvent, at: StepAt): Step {
  const { says } = event;
  if (record?.state === 'UNKNOWN' && says.kind === 'hold')
    return move(record, at, { ...unknownOf(record, says.untilMs) });
  if (record?.state !== 'RETRYABLE') return stay('illegal');
  if (lapsed(record, at)) return lapse(record, at);
  switch (says.kind) {
    case 'hold':
      return move(record, at, {
        state: 'RETRYABLE',
        dueMs: dueWithinAge(record, says.untilMs, at),
        failure: record.failure,
      });
    case 'refuse':
      return move(record, at, { state: 'REJECTED', settledAtMs: at.nowMs, failure: says.failure });
    case 'target_changed':
      return targetChanged(record, at);
    case 'approval': {
      const { rule, by, notAfterMs } = says;
      const approval = { rule, by, notAfterMs, decision: null };
      return move(record, at, { state: 'AWAITING_APPROVAL', dueMs: notAfterMs }, { approval });
    }
  }
}

function unknownOf(record: Extract<ActionRecord, { state: 'UNKNOWN' }>, dueMs: number) {
  const { sinceMs, probes, failure } = record;
  return { state: 'UNKNOWN', dueMs, sinceMs, probes, failure, owner: null } as const;
}
