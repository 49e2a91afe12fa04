import type { ActionRecord } from '../model/action.ts';
import { fitted } from './fit.ts';
import { step } from './step.ts';
import { isOwnClaim, isOwnVerdict } from './step-claim.ts';
import type { StepAt, StepEvent, Why } from './step-types.ts';
import { guardOf } from './store.ts';
import type { KernelDeps } from './types.ts';

/** What the parts of the kernel that answer nobody need. */
export type DriverDeps = Pick<KernelDeps, 'store' | 'clock' | 'limits'>;

/** What became of one event: the record moved, stays for a reason, or somebody else was first and this stands there now. */
export type Applied =
  | { readonly kind: 'moved'; readonly record: ActionRecord }
  | { readonly kind: 'stayed'; readonly why: Why; readonly record: ActionRecord | null }
  | { readonly kind: 'lost'; readonly record: ActionRecord | null };

/** Time and bounds of now. */
export function atNow(deps: Pick<KernelDeps, 'clock' | 'limits'>): StepAt {
  return { nowMs: deps.clock.now(), limits: deps.limits };
}

/**
 * Applies one event to the record that was read: at most one conditional write. A write whose own response was lost is
 * recognised by what stands there. Throws `store_unavailable`: then nothing is known about the write.
 */
export async function apply(deps: DriverDeps, record: ActionRecord | null, event: StepEvent): Promise<Applied> {
  const judged = step(record, event, atNow(deps));
  if (judged.kind === 'stay') return { kind: 'stayed', why: judged.why, record };
  return write(deps, record, judged.next);
}

/** One transition under the guard of the record it was judged on. */
export async function write(deps: DriverDeps, record: ActionRecord | null, move: ActionRecord): Promise<Applied> {
  const next = fitted(move);
  const result = await deps.store.write(next, record === null ? 'absent' : guardOf(record));
  if (result.kind === 'written' || isOwn(result.current, record, next, deps.clock.now())) {
    return { kind: 'moved', record: next };
  }
  return { kind: 'lost', record: result.current };
}

function isOwn(current: ActionRecord | null, before: ActionRecord | null, next: ActionRecord, nowMs: number): boolean {
  return before?.state === 'STARTED' && next.epoch === before.epoch
    ? isOwnVerdict(current, next)
    : isOwnClaim(current, next, nowMs);
}
