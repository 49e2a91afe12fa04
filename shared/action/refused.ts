import type { ErrorCode } from '../model/errors.ts';
import { atNow, write } from './driver.ts';
import { outcomeOf, refusalFor } from './outcome.ts';
import { judgeClaim } from './step-claim.ts';
import { lapse } from './step-time.ts';
import type { Executed, Identity, KernelDeps } from './types.ts';

/** What policy would answer. */
export type Refusal = { readonly code: ErrorCode; readonly detail: string };

/**
 * The answer where policy says no before a claim: what stands under the key if it would have blocked this claim, else the
 * refusal. So an effect that happened, or may have, is never hidden behind a later change of policy.
 * Costs one read. Throws `store_unavailable`.
 */
export async function refusedByPolicy(
  deps: KernelDeps,
  identity: Identity,
  again: number | null,
  refusal: Refusal,
): Promise<Executed> {
  let record = await deps.store.get(identity.key);
  let verdict = judgeClaim(record, { identity, again, againAllowed: true }, atNow(deps));
  for (let i = 0; i < 3 && record && verdict.kind === 'lapse'; i += 1) {
    const judged = lapse(record, atNow(deps));
    if (judged.kind === 'move') record = (await write(deps, record, judged.next)).record;
    verdict = judgeClaim(record, { identity, again, againAllowed: true }, atNow(deps));
  }
  const refused = { kind: 'refused', record: null, ...refusal } as const;
  const standing = verdict.kind === 'blocked' && record !== null ? { why: verdict.why, record } : null;
  const answer =
    standing && (refusalFor(standing.why, standing.record) ?? (await outcomeOf(deps, standing.record, identity)));
  const outcome = answer ?? refused;
  return { outcome, answer: deps.render?.(outcome) ?? null, answeredBy: 'caller', answerStored: false };
}
