import type { ActionRecord } from '../model/action.ts';
import { stay } from './moves.ts';
import { stepClaim, stepStart } from './step-claim.ts';
import { stepPerson } from './step-person.ts';
import { stepRecheck } from './step-recheck.ts';
import { stepProbed, stepResend, stepUnprovable } from './step-resolve.ts';
import { stepSettle } from './step-settle.ts';
import { lapse } from './step-time.ts';
import type { Step, StepAt, StepEvent } from './step-types.ts';

/**
 * The action kernel: what one event does to one record. Pure; the DynamoDB driver, the worker, the model checker and the
 * simulation all run this one function. A move takes effect by one conditional write under the guard of the record it was
 * judged on, so that of two moves from one record at most one happens.
 * @param record what stands under the key, or null
 */
export function step(record: ActionRecord | null, event: StepEvent, at: StepAt): Step {
  switch (event.kind) {
    case 'claim':
      return stepClaim(record, event, at);
    case 'start':
      return stepStart(record, event, at);
    case 'settle':
      return stepSettle(record, event, at);
    case 'time':
      return record === null ? stay('illegal') : lapse(record, at);
    case 'recheck':
      return stepRecheck(record, event, at);
    case 'resend':
      return stepResend(record, event, at);
    case 'probed':
      return stepProbed(record, event, at);
    case 'unprovable':
      return stepUnprovable(record, event.why, at);
    case 'person':
      return stepPerson(record, event, at);
  }
}
