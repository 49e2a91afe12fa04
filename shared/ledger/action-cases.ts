import type { OwnersConfig, PlumblineConfig } from '../config/schema.ts';
import type { ActionRecord } from '../model/action.ts';
import type { CaseOpening } from '../model/case.ts';
import type { ErrorCode } from '../model/errors.ts';
import { actionId } from '../model/ids.ts';
import { answersCall, recordName } from './entries.ts';

/** What a change of an action means for cases: one to open, and questions that are settled. */
export type CaseChanges = {
  readonly open: CaseOpening | null;
  readonly settle: readonly { readonly dedupeKey: string; readonly decision: string }[];
};

const exceptionDueMs = 4 * 3_600_000;

// These failures do not go away by themselves, whoever was told of them.
const needOwner: readonly ErrorCode[] = [
  'attempts_exhausted',
  'account_mismatch',
  'credential_unavailable',
  'system_permission',
  'system_schema_changed',
  'target_changed',
];

/** The dedupe key of the approval of one generation of an action. */
export const approvalKey = (id: string): string => `approval:${id}`;
/** The dedupe key of the exception of one generation of an action. */
export const exceptionKey = (id: string): string => `action:${id}`;

/**
 * What one change of an action opens and settles. Pure; a change delivered twice opens nothing that the changes after it
 * do not settle again, because they are delivered again too.
 */
export function caseChanges(
  config: Pick<PlumblineConfig, 'systems' | 'owners'>,
  old: ActionRecord | null,
  next: ActionRecord,
): CaseChanges {
  const same = old !== null && old.gen === next.gen && old.state === next.state && old.epoch === next.epoch;
  if (same) return { open: null, settle: [] };
  const open = openingOf(config, old, next);
  const settle = old ? settledBy(old, next).filter(({ dedupeKey }) => dedupeKey !== open?.dedupeKey) : [];
  return { open, settle };
}

function settledBy(old: ActionRecord, next: ActionRecord): CaseChanges['settle'] {
  const id = actionId(old.key, old.gen);
  const gone = old.gen !== next.gen || old.state !== next.state;
  if (!gone) return [];
  const decision = next.state.toLowerCase();
  if (old.state === 'AWAITING_APPROVAL') return [{ dedupeKey: approvalKey(id), decision }];
  if (old.state === 'NEEDS_HUMAN' || old.state === 'FAILED') return [{ dedupeKey: exceptionKey(id), decision }];
  return [];
}

function openingOf(
  config: Pick<PlumblineConfig, 'systems' | 'owners'>,
  old: ActionRecord | null,
  next: ActionRecord,
): CaseOpening | null {
  if (next.state === 'AWAITING_APPROVAL' && next.approval) return approvalOpening(next, next.approval);
  const owner = config.systems[next.system]?.owner ?? anyTeam(config.owners);
  if (next.state === 'NEEDS_HUMAN') {
    return exceptionOpening(next, owner, {
      reason: 'outcome_unknown',
      title: `${next.tool}: nobody knows yet whether it happened`,
      detail: `The request to ${next.system} was sent, its answer was lost, and reading back did not settle it. Look at the record there, then settle the action. Nothing is sent again until then.`,
    });
  }
  if (next.state !== 'FAILED' || !failureNeedsOwner(old, next)) return null;
  return exceptionOpening(next, owner, {
    reason: next.failure.code,
    title: `${next.tool}: it was not done`,
    detail: `The write to ${next.system} failed for good and nothing was applied. Repair the cause, then settle the action as retry, or resolve the case.`,
  });
}

/** A failure is somebody's where it names a cause that stays, or where no caller was told of it. */
function failureNeedsOwner(old: ActionRecord | null, next: Extract<ActionRecord, { state: 'FAILED' }>): boolean {
  // A person who settles an action as failed knows it already.
  if (old?.state === 'NEEDS_HUMAN') return false;
  return needOwner.includes(next.failure.code) || old?.state === 'RETRYABLE' || !answersCall(old, next);
}

function approvalOpening(record: ActionRecord, approval: NonNullable<ActionRecord['approval']>): CaseOpening {
  const id = actionId(record.key, record.gen);
  return {
    kind: 'approval',
    reason: 'approval',
    title: `${record.tool} waits for a decision`,
    detail: `${record.principal} asks to ${record.effect} ${recordName(record.target)}. The rule ${approval.rule} wants ${approval.by} to decide.`,
    owner: approval.by,
    dedupeKey: approvalKey(id),
    dueInMs: Math.max(0, approval.notAfterMs - record.updatedAtMs),
    ...pointers(record, id),
  };
}

function exceptionOpening(
  record: ActionRecord,
  owner: string,
  words: Pick<CaseOpening, 'reason' | 'title' | 'detail'>,
): CaseOpening {
  const id = actionId(record.key, record.gen);
  return {
    kind: 'exception',
    ...words,
    owner,
    dedupeKey: exceptionKey(id),
    dueInMs: exceptionDueMs,
    ...pointers(record, id),
  };
}

function pointers(record: ActionRecord, id: string) {
  return {
    actionId: id,
    runId: record.runId,
    system: record.system,
    eventIdentity: null,
    facts: { principal: record.principal, tool: record.tool, effect: record.effect, record: recordName(record.target) },
  };
}

/** The team that answers where none is named: the one that nothing escalates from, else the first. */
export function anyTeam(owners: OwnersConfig): string {
  const teams = Object.entries(owners.teams);
  return (teams.find(([, { escalateTo }]) => escalateTo === undefined) ?? teams[0])?.[0] ?? 'unowned';
}
