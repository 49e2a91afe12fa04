import { canonicalJson } from '../action/canonical.ts';
import type { ActionRecord, StateName, Stored } from '../model/action.ts';
import type { AnswerStatus } from '../model/answer.ts';
import { actionId, sha256Hex } from '../model/ids.ts';
import type { LedgerEntry, LedgerFacts } from '../model/ledger-entry.ts';
import type { RecordRef } from '../model/operation.ts';

const statusOf: Readonly<Record<StateName, AnswerStatus>> = {
  AWAITING_APPROVAL: 'pending_approval',
  RETRYABLE: 'queued',
  STARTED: 'in_progress',
  UNKNOWN: 'unknown',
  NEEDS_HUMAN: 'unknown',
  SUCCEEDED: 'applied',
  FAILED: 'failed',
  REJECTED: 'refused',
  EXPIRED: 'refused',
  CANCELLED: 'refused',
};

/**
 * The ledger entries of one change of an action record: its transition, and the call whose answer the new record carries
 * for the first time. Pure; the same change always makes the same entry ids, so a second delivery is harmless.
 * @param old the record before, or null where this change created it
 */
export function entriesOf(old: ActionRecord | null, next: ActionRecord): readonly LedgerEntry[] {
  const moved = !old || old.epoch !== next.epoch || old.gen !== next.gen || old.state !== next.state;
  return [...(moved ? [transitionOf(old, next)] : []), ...(answersCall(old, next) ? [callOf(next)] : [])];
}

/** Whether this change carries the answer of a call: then the call's entry is written from it, and by nobody else. */
export function answersCall(old: ActionRecord | null, next: ActionRecord): boolean {
  if (next.answerHash === null) return false;
  return !old || old.callId !== next.callId || old.answerHash !== next.answerHash;
}

/**
 * A record's name as it may stand on the ledger: `system/object/id`. An id that is not a plain identifier (an e-mail, a
 * phone number) is replaced by a hash: equal records stay equal, and the value is not there.
 */
export function recordName([system, object, id]: RecordRef): string {
  const plain = /^[A-Za-z0-9_-]{1,64}$/.test(id) && !/^\+/.test(id);
  return `${system}/${object}/${plain ? id : `~${sha256Hex(id).slice(0, 20)}`}`;
}

/** The content hash of a stored value: of its payload object, or of its canonical JSON as {@link imagesOf} stores it. */
export function storedHash(stored: Stored | null): string | null {
  if (!stored) return null;
  return 'object' in stored ? stored.object : sha256Hex(canonicalJson(stored.inline));
}

/**
 * The inline before- and after-images that this change makes part of the record for good, as bytes for the payload store.
 * The record is replaced by its next generation; what was there before and after must outlive it.
 */
export function imagesOf(old: ActionRecord | null, next: ActionRecord): readonly Uint8Array[] {
  const before = old?.gen === next.gen && storedHash(old.before) === storedHash(next.before) ? null : next.before;
  const after = next.state === 'SUCCEEDED' && old?.state !== 'SUCCEEDED' ? next.result : null;
  return [before, after].flatMap((stored) =>
    stored && 'inline' in stored ? [new TextEncoder().encode(canonicalJson(stored.inline))] : [],
  );
}

function transitionOf(old: ActionRecord | null, next: ActionRecord): LedgerEntry {
  const id = actionId(next.key, next.gen);
  return {
    kind: 'transition',
    entryId: `${id}:${next.epoch}:${next.state}`,
    state: next.state,
    epoch: next.epoch,
    gen: next.gen,
    code: 'failure' in next ? (next.failure?.code ?? null) : null,
    by: decidedBy(old, next),
    beforeHash: storedHash(next.before),
    afterHash: next.state === 'SUCCEEDED' ? storedHash(next.result) : null,
    ...factsOf(next),
  };
}

function callOf(next: ActionRecord): LedgerEntry {
  return {
    kind: 'call',
    entryId: next.callId,
    status: statusOf[next.state],
    code: 'failure' in next ? (next.failure?.code ?? null) : null,
    inputHash: next.inputHash,
    contextHash: next.contextHash,
    modelOutputHash: null,
    answerHash: next.answerHash ?? '',
    durationMs: null,
    ...factsOf(next),
  };
}

/** The person behind this very change, or null. */
function decidedBy(old: ActionRecord | null, next: ActionRecord): string | null {
  const decisions = [
    [next.decision, old?.decision],
    [next.approval?.decision, old?.approval?.decision],
  ] as const;
  for (const [now, before] of decisions) {
    if (now && (now.atMs !== before?.atMs || now.by !== before.by)) return now.by;
  }
  return null;
}

function factsOf(record: ActionRecord): LedgerFacts {
  const [first] = record.state === 'SUCCEEDED' ? record.records : [];
  return {
    atMs: record.updatedAtMs,
    principal: record.principal,
    runId: record.runId,
    workflow: record.workflow,
    period: record.period,
    tool: record.tool,
    effect: record.effect,
    system: record.system,
    record: recordName(first ?? record.target),
    actionId: actionId(record.key, record.gen),
    traceId: null,
  };
}
