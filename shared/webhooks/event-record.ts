import type { CaseOpening } from '../model/case.ts';
import type { EventOutcome, InboxClaim, InboxMessage } from '../model/event.ts';
import { sha256Hex } from '../model/ids.ts';
import type { LedgerEntry } from '../model/ledger-entry.ts';

const dayMs = 86_400_000;

/** The ledger entry of a decided event; the same decision has the same id, so a second append is harmless. */
export function eventEntry(input: {
  readonly message: InboxMessage;
  readonly claim: InboxClaim;
  readonly conflict: boolean;
  readonly outcome: EventOutcome;
  readonly nowMs: number;
}): LedgerEntry {
  const { message, claim, outcome } = input;
  const text = input.conflict ? `${outcome.kind}, identity_conflict` : outcome.kind;
  return {
    kind: 'event',
    entryId: `event:${sha256Hex(`${claim.identity}#${outcome.kind}`)}`,
    identity: claim.identity,
    outcome: text,
    bodyHash: message.bodyHash,
    atMs: input.nowMs,
    principal: 'service:webhooks',
    runId: null,
    workflow: null,
    period: null,
    tool: null,
    effect: null,
    system: message.system,
    record: outcome.kind === 'processed' && outcome.record ? outcome.record.join('/') : null,
    actionId: null,
    traceId: null,
  };
}

/** The case of a verified event that could not be read. */
export function quarantineCase(message: InboxMessage, owner: string): CaseOpening {
  return {
    kind: 'exception',
    reason: 'quarantined',
    title: `A webhook of ${message.system} could not be read`,
    detail: `The signature was right, but the content was not what ${message.scheme} sends (${message.quarantine}). Nothing was done with it. Look at the stored item, then replay it after the mapping is fixed, or close the case.`,
    owner,
    actionId: null,
    runId: null,
    system: message.system,
    eventIdentity: message.identity,
    facts: {
      channel: message.channel,
      why: message.quarantine ?? null,
      bodyHash: message.bodyHash,
      object: 'object' in message.item ? message.item.object : null,
    },
    dedupeKey: `quarantined#${message.identity}`,
    dueInMs: dayMs,
  };
}
