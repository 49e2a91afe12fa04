import { type ActionRecord, plannedCallOf } from '../model/action.ts';
import type { Json } from '../model/json.ts';
import type { PlannedCall } from '../model/operation.ts';
import { type Applied, apply, atNow, write } from './driver.ts';
import { thawed, thawedIntent } from './frozen.ts';
import { judged, newNonce, type Owned, sendOnce } from './send-once.ts';
import { lapsed } from './step-time.ts';
import type { RecheckEvent } from './step-types.ts';
import type { KernelDeps } from './types.ts';

/**
 * Asks policy again about a waiting action: principal, permission, switches, rollout, approval, gates, and whether the target's
 * written fields are still as they were in `before`.
 */
export type Recheck = (input: {
  readonly record: ActionRecord;
  readonly call: PlannedCall;
  readonly before: Json | null;
}) => Promise<{ readonly kind: 'go' } | RecheckEvent['says']>;

/** A waiting action and who may still say no. */
export type ResumeInput = { readonly key: string; readonly deadlineMs: number; readonly recheck: Recheck };

/**
 * Attempts a due RETRYABLE action: policy first, then claim, send, settle, with the frozen intent. Harmless to call at any time
 * and from several workers: whatever is not due, or is somebody else's, stays as it is.
 * Throws `store_unavailable`; the due index finds the action again.
 */
export async function resume(deps: KernelDeps, input: ResumeInput): Promise<Applied> {
  const record = await deps.store.get(input.key);
  if (record?.state !== 'RETRYABLE') return { kind: 'stayed', why: 'illegal', record };
  if (lapsed(record, atNow(deps))) return apply(deps, record, { kind: 'time' });
  if (record.dueMs > deps.clock.now()) return { kind: 'stayed', why: 'too_early', record };
  const asked = await askAgain(deps, record, input.recheck);
  if (asked.says.kind !== 'go') return apply(deps, record, { kind: 'recheck', says: asked.says });
  const requestDigest = deps.digest(asked.call);
  const shared = deps.seat?.oneKey(asked.call) ?? false;
  const claim = await apply(deps, record, { kind: 'start', nonce: newNonce(deps), requestDigest, shared });
  return claim.kind === 'moved' && claim.record.state === 'STARTED'
    ? sendAndSettle(deps, claim.record, asked.call.input, input.deadlineMs)
    : claim;
}

/** The frozen call of a record and what policy says of it now. */
export async function askAgain(deps: KernelDeps, record: ActionRecord, recheck: Recheck) {
  const call = plannedCallOf(record, await thawedIntent(deps.payloads, record.intent));
  const before = record.before ? await thawed(deps.payloads, record.before) : null;
  return { call, before, says: await recheck({ record, call, before }) };
}

/** One send by a worker that answers nobody. */
export async function sendAndSettle(
  deps: KernelDeps,
  record: Owned,
  intent: Json,
  deadlineMs: number,
): Promise<Applied> {
  const verdict = await sendOnce(deps, { record, intent, deadlineMs });
  const { next, object } = judged(deps, record, verdict);
  // A result that cannot be stored is lost for replays; the effect is not.
  if (object) await deps.payloads.put(object).catch(() => null);
  return write(deps, record, next);
}
