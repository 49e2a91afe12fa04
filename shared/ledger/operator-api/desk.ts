import { cancel, type DecideDeps, decide, type Finding, reopen, settleByPerson } from '../../action/decide.ts';
import type { Applied } from '../../action/driver.ts';
import type { ActionRecord } from '../../model/action.ts';
import { parseActionId } from '../../model/ids.ts';
import type { RecordRef } from '../../model/operation.ts';
import type { ActionDesk, DecisionResult } from './deps.ts';

/**
 * The desk at which people decide on actions, over the kernel's own functions. Whether the person may is judged before.
 * Throws `store_unavailable`: then it is not known whether the decision was written, and reading the action says so.
 */
export function actionDesk(deps: DecideDeps): ActionDesk {
  const { store } = deps;
  return {
    get: (key) => store.get(key),
    due: (query) => store.due(query),
    dueShards: store.dueShards,
    decide: async (input) => resultOf(await decide(deps, input)),
    cancel: async (input) => resultOf(await cancel(deps, input)),
    settle: async ({ actionId, verdict, recordId, decision }) => {
      const named = parseActionId(actionId);
      const record = named ? await store.get(named.key) : null;
      if (!record) return { kind: 'refused', detail: 'There is no such action.' };
      // Only an outcome that nobody knows is settled; what has failed for good is reopened.
      if (record.state !== 'NEEDS_HUMAN' && verdict === 'retry') {
        return resultOf(await reopen(deps, { actionId, decision, how: { kind: 'retry' } }));
      }
      const finding = findingOf(record, verdict, recordId);
      return resultOf(await settleByPerson(deps, { actionId, decision, finding }));
    },
  };
}

function findingOf(record: ActionRecord, verdict: 'succeeded' | 'failed' | 'retry', recordId: string | null): Finding {
  if (verdict === 'retry') return { kind: 'retry' };
  if (verdict === 'failed') return { kind: 'not_applied' };
  // What a person saw in the system is not the system's answer: there is no result to keep, only which record it is.
  return { kind: 'applied', data: null, records: recordsOf(record, recordId) };
}

function recordsOf(record: ActionRecord, recordId: string | null): readonly RecordRef[] {
  const [system, object] = record.target;
  if (recordId !== null) return [[system, object, recordId]];
  return record.effect === 'create' ? [] : [record.target];
}

function resultOf(applied: Applied): DecisionResult {
  if (applied.kind === 'lost') return { kind: 'refused', detail: 'The action is being moved by others.' };
  if (applied.kind === 'stayed') {
    const { why, record } = applied;
    if (why === 'too_early') {
      return {
        kind: 'refused',
        detail: 'The request may still arrive: that it did not happen can be said only later.',
      };
    }
    if (why === 'superseded') return { kind: 'refused', detail: 'Another generation of this action has its place.' };
    return {
      kind: 'refused',
      detail: `The action is ${record?.state ?? 'gone'}; this decision is not possible there.`,
    };
  }
  // Too late a decision moves the action to its expiry instead.
  const expired = applied.record.state === 'EXPIRED';
  if (expired) return { kind: 'refused', detail: 'The time to decide was over; it has expired.' };
  return { kind: 'done', record: applied.record };
}
