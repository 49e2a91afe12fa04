import type { ActionBase, ActionRecord, ActionState } from '../model/action.ts';
import type { ErrorCategory, ErrorCode, Failure } from '../model/errors.ts';
import type { ResendClass } from '../model/operation.ts';
import { defaultBackoff, jitteredMs } from '../resilience/backoff.ts';
import type { Step, StepAt, Why } from './step-types.ts';

const stateFields = [
  'state',
  'dueMs',
  'failure',
  'owner',
  'leaseUntilMs',
  'sinceMs',
  'probes',
  'settledAtMs',
  'result',
  'records',
  'proof',
] as const;

/** Room for epochs within one generation, so that the next generation's first epoch is known without a read. */
const epochsPerGeneration = 1_000_000;

/** Time that must pass before absence counts where the operation names none. */
const defaultSettleMs = 300_000;

/** The first epoch of a generation: above every epoch of the generations before it. */
export function firstEpoch(gen: number): number {
  return (gen - 1) * epochsPerGeneration + 1;
}

/** What all states of a record share. */
export function baseOf(record: ActionRecord): ActionBase {
  const base: Partial<ActionRecord> = { ...record };
  for (const name of stateFields) delete (base as Record<string, unknown>)[name];
  // Every field that is left belongs to ActionBase.
  return base as ActionBase;
}

/** A transition by the owner of the epoch: the epoch stays. */
export function moveOwned(
  record: ActionRecord,
  at: StepAt,
  state: ActionState,
  change: Partial<ActionBase> = {},
): { kind: 'move'; next: ActionRecord } {
  const base = { ...baseOf(record), answerHash: null, updatedAtMs: at.nowMs, ...change };
  return { kind: 'move', next: { ...base, ...state } };
}

/** A transition by anybody else: the epoch rises, which fences the owner before. */
export function move(
  record: ActionRecord,
  at: StepAt,
  state: ActionState,
  change: Partial<ActionBase> = {},
): { kind: 'move'; next: ActionRecord } {
  return moveOwned(record, at, state, { ...change, epoch: record.epoch + 1 });
}

/** No transition. */
export function stay(why: Why): Step {
  return { kind: 'stay', why };
}

/** How long after its last possible send an effect may still appear, milliseconds, with the skew of clocks. */
export function settleMs(record: ActionRecord, at: StepAt): number {
  const declared = 'settleMs' in record.resend ? record.resend.settleMs : defaultSettleMs;
  return declared + at.limits.skewMs;
}

/** STARTED for one owner: its lease begins now. */
export function started(nonce: string, at: StepAt): Extract<ActionState, { state: 'STARTED' }> {
  const leaseUntilMs = at.nowMs + at.limits.leaseMs;
  return { state: 'STARTED', owner: nonce, leaseUntilMs, dueMs: leaseUntilMs + at.limits.skewMs };
}

/**
 * How an action is proven once it was sent, written with the claim, before the send: a provider key that covers other actions
 * too proves nothing of this one, so that it can only be read back.
 */
export function provableBy(resend: ResendClass, { shared }: { readonly shared?: boolean }): ResendClass {
  return shared === true && resend.kind === 'key' ? { kind: 'probe', settleMs: resend.settleMs } : resend;
}

/** A failure in our words. */
export function failureFor(code: ErrorCode, category: ErrorCategory, detail: string): Failure {
  return { code, category, retryable: false, detail };
}

/** Full jitter under a doubling cap: up to 2 s, 4 s, 8 s, at last 15 minutes; never earlier than the system asked for. */
export function retryDelayMs(attempts: number, jitter: number, askedMs: number | undefined): number {
  return jitteredMs(defaultBackoff, { attempt: attempts, jitter, retryAfterMs: askedMs });
}
