import type { Decision } from '../model/action.ts';
import { parseActionId } from '../model/ids.ts';
import type { Json } from '../model/json.ts';
import type { RecordRef } from '../model/operation.ts';
import { type Applied, apply } from './driver.ts';
import { roomIn } from './fit.ts';
import { frozen } from './frozen.ts';
import type { PersonAct } from './step-types.ts';
import type { KernelDeps } from './types.ts';

/** What a decision needs of the kernel. */
export type DecideDeps = Pick<KernelDeps, 'store' | 'clock' | 'limits' | 'payloads'>;

/** One act of a named person on the generation an action id names. Whether the person may is judged before. */
export type DecideInput = { readonly actionId: string; readonly decision: Decision };

/** Approves or rejects a waiting action. Bound to the generation; the first attempt consumes it. */
export function decide(deps: DecideDeps, input: DecideInput & { readonly approve: boolean }): Promise<Applied> {
  return act(deps, input, { act: input.approve ? 'approve' : 'reject' });
}

/** Cancels what had no effect, for good. Refused (`illegal`) while anything may have happened. */
export function cancel(deps: DecideDeps, input: DecideInput): Promise<Applied> {
  return act(deps, input, { act: 'cancel' });
}

/** What a person found out about an action of unknown outcome. */
export type Finding =
  | { readonly kind: 'applied'; readonly data: Json; readonly records: readonly RecordRef[] }
  | { readonly kind: 'not_applied' }
  | { readonly kind: 'retry' };

/**
 * Settles NEEDS_HUMAN. That it happened may be said at any time; `not_applied` and `retry` stay `too_early` until the settle
 * time is over, because a late effect would otherwise meet a second one.
 */
export async function settleByPerson(
  deps: DecideDeps,
  input: DecideInput & { readonly finding: Finding },
): Promise<Applied> {
  const { finding } = input;
  if (finding.kind !== 'applied') return act(deps, input, { act: finding.kind });
  const id = parseActionId(input.actionId);
  const record = id ? await deps.store.get(id.key) : null;
  const { stored, object } = frozen(finding.data, record ? roomIn(record) : 0);
  if (object) await deps.payloads.put(object);
  return act(deps, input, { act: 'applied', result: stored, records: finding.records });
}

/** How a FAILED, EXPIRED or REJECTED action goes back to work: at once under every rule, or after a new approval. */
export type Reopening =
  | { readonly kind: 'retry' }
  | { readonly kind: 'ask_approval'; readonly rule: string; readonly by: string; readonly notAfterMs: number };

/** Reopens an action that had no effect. What was cancelled stays closed. */
export function reopen(deps: DecideDeps, input: DecideInput & { readonly how: Reopening }): Promise<Applied> {
  const { how } = input;
  return act(deps, input, how.kind === 'retry' ? { act: 'retry' } : { act: how.kind, ...approvalOf(how) });
}

function approvalOf({ rule, by, notAfterMs }: Extract<Reopening, { kind: 'ask_approval' }>) {
  return { rule, by, notAfterMs };
}

/** Another transition may come between read and write: then the act is judged once more on what stands there. */
async function act(deps: DecideDeps, { actionId, decision }: DecideInput, what: PersonAct): Promise<Applied> {
  const id = parseActionId(actionId);
  if (!id) return { kind: 'stayed', why: 'illegal', record: null };
  const event = { kind: 'person', gen: id.gen, decision, ...what } as const;
  const record = await deps.store.get(id.key);
  const applied = await apply(deps, record, event);
  return applied.kind === 'lost' ? apply(deps, applied.record, event) : applied;
}
