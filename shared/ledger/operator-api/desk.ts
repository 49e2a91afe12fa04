import { step } from '../../action/step.ts';
import type { PersonAct, Why } from '../../action/step-types.ts';
import { type ActionStore, guardOf } from '../../action/store.ts';
import type { KernelLimits } from '../../action/types.ts';
import type { ActionRecord, Decision } from '../../model/action.ts';
import type { Clock } from '../../model/clock.ts';
import { parseActionId } from '../../model/ids.ts';
import type { RecordRef } from '../../model/operation.ts';
import type { ActionDesk, DecisionResult } from './deps.ts';

/** What the desk works with. */
export type DeskDeps = { readonly store: ActionStore; readonly clock: Clock; readonly limits: KernelLimits };

const attempts = 5;

/**
 * The desk at which people decide on actions: the kernel's own step, written under the guard of the record it was judged on.
 * A decision that lost to another writer is judged again on what stands there now. Throws `store_unavailable`: then it is not
 * known whether the decision was written, and reading the action says so.
 */
export function actionDesk(deps: DeskDeps): ActionDesk {
  return {
    get: (key) => deps.store.get(key),
    due: (query) => deps.store.due(query),
    dueShards: deps.store.dueShards,
    decide: ({ actionId, approve, decision }) =>
      act(deps, actionId, decision, () => ({ act: approve ? 'approve' : 'reject' })),
    cancel: ({ actionId, decision }) => act(deps, actionId, decision, () => ({ act: 'cancel' })),
    settle: ({ actionId, verdict, recordId, decision }) =>
      act(deps, actionId, decision, (record) => {
        if (verdict === 'retry') return { act: 'retry' };
        if (verdict === 'failed') return { act: 'not_applied' };
        // What a person saw in the system is not the system's answer: there is no result to keep, only which record it is.
        return { act: 'applied', result: { inline: null }, records: recordsOf(record, recordId) };
      }),
  };
}

async function act(
  deps: DeskDeps,
  id: string,
  decision: Decision,
  actOn: (record: ActionRecord) => PersonAct,
): Promise<DecisionResult> {
  const named = parseActionId(id);
  if (!named) return { kind: 'refused', detail: 'This is not the id of an action.' };
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const record = await deps.store.get(named.key);
    if (!record) return { kind: 'refused', detail: 'There is no such action.' };
    const at = { nowMs: deps.clock.now(), limits: deps.limits };
    const wanted = actOn(record);
    const moved = step(record, { kind: 'person', gen: named.gen, decision, ...wanted }, at);
    if (moved.kind === 'stay') return { kind: 'refused', detail: whyNot(moved.why, record) };
    const written = await deps.store.write(moved.next, guardOf(record));
    if (written.kind === 'lost') continue;
    // Too late a decision moves the action to its expiry instead.
    if (moved.next.state === 'EXPIRED')
      return { kind: 'refused', detail: 'The time to decide was over; it has expired.' };
    return { kind: 'done', record: moved.next };
  }
  return { kind: 'refused', detail: 'The action is being moved by others.' };
}

function recordsOf(record: ActionRecord, recordId: string | null): readonly RecordRef[] {
  const [system, object] = record.target;
  if (recordId !== null) return [[system, object, recordId]];
  return record.effect === 'create' ? [] : [record.target];
}

function whyNot(why: Why, record: ActionRecord): string {
  if (why === 'superseded') return 'A later generation of this action has taken its place.';
  if (why === 'too_early') return 'The request may still arrive: that it did not happen can be said only later.';
  return `The action is ${record.state}; this decision is not possible there.`;
}
