import { isDeepStrictEqual } from 'node:util';
import type { ActionBase, ActionRecord, Stored } from '../model/action.ts';
import { storedHash } from './frozen.ts';
import { failureFor, firstEpoch, move, provableBy, started, stay } from './moves.ts';
import { encodeRecord } from './record-codec.ts';
import { lapse, lapsed } from './step-time.ts';
import type { ClaimEvent, StartEvent, Step, StepAt, Why } from './step-types.ts';
import type { Guard } from './store.ts';
import type { ClaimRequest } from './types.ts';

/** What of a request decides whether a record blocks it. */
export type ClaimAsk = Pick<ClaimRequest, 'identity' | 'again' | 'againAllowed'>;

/** What a record means for a claim: nothing stands there, it may be followed or attempted, its time is over, or it blocks. */
export type ClaimVerdict =
  | { readonly kind: 'first' }
  | { readonly kind: 'next_generation' }
  | { readonly kind: 'attempt' }
  | { readonly kind: 'lapse' }
  | { readonly kind: 'blocked'; readonly why: Why };

/** Judges a claim on what stands under its key. While an action is open, its key starts nothing new. */
export function judgeClaim(record: ActionRecord | null, ask: ClaimAsk, at: StepAt): ClaimVerdict {
  const { identity, again } = ask;
  if (record === null) return again === null ? { kind: 'first' } : blocked('again_not_matching');
  if (identity.onMismatch === 'refuse' && record.intentHash !== identity.intentHash) return blocked('reused');
  if (lapsed(record, at)) return { kind: 'lapse' };
  if (again !== null && again !== record.gen - 1) return judgeAgain(record, ask, again);
  if (again === null && windowOver(record, at)) return { kind: 'next_generation' };
  if (record.state === 'STARTED') return blocked('wait');
  return record.state === 'RETRYABLE' && record.dueMs <= at.nowMs ? { kind: 'attempt' } : blocked('answered');
}

/** `again` follows exactly the generation it names, and only once that is settled. */
function judgeAgain(record: ActionRecord, ask: ClaimAsk, again: number): ClaimVerdict {
  if (!repeatable(record)) return blocked('again_not_allowed');
  if (again > record.gen) return blocked('again_not_matching');
  if (again < record.gen) return blocked('answered');
  if (record.state === 'FAILED') return { kind: 'next_generation' };
  if (record.state !== 'SUCCEEDED') return blocked('answered');
  return ask.againAllowed ? { kind: 'next_generation' } : blocked('again_not_allowed');
}

/** What ended without an effect may be asked anew after the window too, except what was cancelled: that stays closed. */
function windowOver(record: ActionRecord, at: StepAt): boolean {
  if (record.occasion !== 'window' || record.windowMs === null) return false;
  if (!('settledAtMs' in record) || record.state === 'CANCELLED') return false;
  return at.nowMs > record.settledAtMs + record.windowMs + at.limits.skewMs;
}

function blocked(why: Why): ClaimVerdict {
  return { kind: 'blocked', why };
}

function repeatable({ occasion }: Pick<ActionBase, 'occasion'>): boolean {
  return occasion === 'run' || occasion === 'window';
}

/**
 * The first write of a claim, made without a read: nothing stands there yet, or the generation that `again` names is settled.
 * Null where `again` can never be followed.
 */
export function openingMove(event: ClaimEvent, at: StepAt): { next: ActionRecord; guard: Guard } | null {
  const { identity, again, againAllowed } = event.request;
  if (again === null) return { next: fresh(event, 1, firstEpoch(1), at), guard: 'absent' };
  if (!repeatable(identity)) return null;
  const guard: Guard = {
    gen: again,
    states: againAllowed ? ['FAILED', 'SUCCEEDED'] : ['FAILED'],
    intentHash: identity.intentHash,
  };
  return { next: fresh(event, again + 1, firstEpoch(again + 1), at), guard };
}

/** The transition of a claim on what stands there. */
export function stepClaim(record: ActionRecord | null, event: ClaimEvent, at: StepAt): Step {
  const verdict = judgeClaim(record, event.request, at);
  if (verdict.kind === 'blocked') return stay(verdict.why);
  if (record === null) return { kind: 'move', next: fresh(event, 1, firstEpoch(1), at) };
  if (verdict.kind === 'lapse') return lapse(record, at);
  if (verdict.kind === 'next_generation') {
    const epoch = Math.max(record.epoch + 1, firstEpoch(record.gen + 1));
    return { kind: 'move', next: fresh(event, record.gen + 1, epoch, at) };
  }
  return attempt(record, event, at);
}

/** A further attempt sends what was frozen, whatever the words of this call; the target must still be as it was. */
function attempt(record: ActionRecord, event: ClaimEvent, at: StepAt): Step {
  const { permission, context } = event.request;
  if (changed(record.before, event.before)) return targetChanged(record, at);
  const { callId, runId, workflow, period, contextHash } = context;
  const caller = { callId, runId, workflow, period, contextHash };
  if (permission.kind === 'approval' && !approved(record)) {
    const { rule, by, notAfterMs } = permission;
    const approval = { rule, by, notAfterMs, decision: null };
    return move(record, at, { state: 'AWAITING_APPROVAL', dueMs: notAfterMs }, { ...caller, approval });
  }
  const { nonce, requestDigest, shared = false } = event;
  return start(record, { kind: 'start', nonce, requestDigest, shared }, at, caller);
}

/** A worker's attempt of a due action: policy has said yes again. */
export function stepStart(record: ActionRecord | null, event: StartEvent, at: StepAt): Step {
  if (record?.state !== 'RETRYABLE') return stay('illegal');
  if (lapsed(record, at)) return lapse(record, at);
  return record.dueMs <= at.nowMs ? start(record, event, at, {}) : stay('too_early');
}

function start(record: ActionRecord, event: StartEvent, at: StepAt, caller: Partial<ActionBase>): Step {
  return move(record, at, started(event.nonce, at), {
    ...caller,
    attempts: record.attempts + 1,
    requestDigest: event.requestDigest,
    resend: provableBy(record.resend, event),
    firstSentAtMs: record.firstSentAtMs ?? at.nowMs,
  });
}

/** FAILED because somebody changed the target while the action waited. */
export function targetChanged(record: ActionRecord, at: StepAt): Step {
  const failure = failureFor(
    'target_changed',
    'conflict',
    'The record was changed by somebody else while this waited. Nothing was written.',
  );
  return move(record, at, { state: 'FAILED', settledAtMs: at.nowMs, failure, owner: null });
}

/** Whether a person approved this generation. The first attempt consumes it: a reopened action asks anew. */
export function approved(record: ActionRecord): boolean {
  return record.approval?.decision != null;
}

function changed(then: Stored | null, now: Stored | null): boolean {
  return then !== null && now !== null && storedHash(then) !== storedHash(now);
}

function fresh(event: ClaimEvent, gen: number, epoch: number, at: StepAt): ActionRecord {
  const { request, nonce, intent, before } = event;
  const { identity, permission } = request;
  const waits = permission.kind === 'approval';
  const base: ActionBase = {
    key: identity.key,
    gen,
    epoch,
    intentHash: identity.intentHash,
    inputHash: identity.inputHash,
    tool: request.tool,
    effect: request.effect,
    principal: request.principal,
    occasion: identity.occasion,
    windowMs: identity.windowMs,
    system: request.call.system,
    operation: request.call.operation,
    resend: provableBy(request.resend, event),
    intent,
    requestDigest: request.requestDigest,
    before,
    target: request.target,
    attempts: waits ? 0 : 1,
    resendNo: 0,
    firstSentAtMs: waits ? null : at.nowMs,
    createdAtMs: at.nowMs,
    updatedAtMs: at.nowMs,
    ...request.context,
    answerHash: null,
    approval: waits
      ? { rule: permission.rule, by: permission.by, notAfterMs: permission.notAfterMs, decision: null }
      : null,
    decision: null,
  };
  if (waits) return { ...base, state: 'AWAITING_APPROVAL', dueMs: permission.notAfterMs };
  return { ...base, ...started(nonce, at) };
}

/**
 * Whether a record that stands there is the one this writer wrote, its own response lost on the way. A claim is known by its
 * nonce, state, epoch and live lease; any other transition by its whole content.
 */
export function isOwnClaim(current: ActionRecord | null, next: ActionRecord, nowMs: number): boolean {
  if (current === null || current.epoch !== next.epoch || current.state !== next.state) return false;
  if (current.state === 'STARTED' && next.state === 'STARTED') {
    return current.owner === next.owner && current.leaseUntilMs > nowMs;
  }
  return isDeepStrictEqual(encodeRecord(current), encodeRecord(next));
}

/** Whether a record that stands there is the verdict this owner wrote: only an owner's verdict keeps the epoch of its claim. */
export function isOwnVerdict(current: ActionRecord | null, next: ActionRecord): boolean {
  return current !== null && current.epoch === next.epoch && current.state === next.state;
}
