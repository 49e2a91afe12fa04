import type { CaseOpening } from '../model/case.ts';
import { type EventOutcome, type InboxClaim, type InboxMessage, sourcePrincipal } from '../model/event.ts';
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
    type: message.type,
    principal: sourcePrincipal(message),
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

/** Names the case of a system that cannot be read while its events wait: there is one at a time. */
export function eventsWaitKey(system: string): string {
  return `events-wait#${system}`;
}

/** The one case of a system whose events wait because it cannot be read. @param input.code of ours, or the vendor's */
export function eventsWaitCase(input: {
  readonly system: string;
  readonly owner: string;
  readonly code: string;
}): CaseOpening {
  const { system, owner, code } = input;
  return {
    ...{ kind: 'exception', reason: 'events_wait', owner, actionId: null, runId: null, system, eventIdentity: null },
    title: `Events of ${system} wait: it cannot be read`,
    detail: `Their records could not be read for a quarter of an hour (${code}). They are kept and tried again for a day; after that each is a case. Look at the system and its credential. This case closes by itself.`,
    facts: { code },
    dedupeKey: eventsWaitKey(system),
    dueInMs: dayMs / 6,
  };
}

/** Why an event is left to a person whose work failed again and again. */
export const failedReason = 'processing_failed';

/**
 * The case of a verified event that was not processed. Events of one strange account are one case: an app that is installed in
 * two accounts delivers both, and each event keeps its own claim and ledger entry.
 */
export function quarantineCase(input: {
  readonly message: InboxMessage;
  readonly owner: string;
  readonly why: string;
  readonly account: string | null;
}): CaseOpening {
  const { message, owner, why, account } = input;
  const { system, channel, identity, bodyHash } = message;
  return {
    kind: 'exception',
    reason: 'quarantined',
    ...wordsFor(input),
    owner,
    actionId: null,
    runId: null,
    system,
    eventIdentity: identity,
    facts: {
      ...{ channel, why, account, bodyHash, object: 'object' in message.item ? message.item.object : null },
      ...(message.diff ? { diff: [...message.diff] } : {}),
    },
    dedupeKey: account === null ? `quarantined#${identity}` : `quarantined#${system}#${channel}#${account}`,
    dueInMs: dayMs,
  };
}

function wordsFor({ message, why, account }: Parameters<typeof quarantineCase>[0]): { title: string; detail: string } {
  const { system, channel, scheme } = message;
  const after = 'Nothing was done with it. Repair the cause and replay the event with force, or close the case.';
  if (account !== null) {
    return {
      title: `Webhooks of another account arrive at ${system}/${channel}`,
      detail: `The signature was right, but the event is of ${account}, which is not the account that the configuration of ${system} names. Events of this account are kept and not processed. ${after}`,
    };
  }
  if (why === failedReason) {
    const detail = `It could be read, and working on it failed again and again: by a fault, or because its record may not be read. The log says which. ${after}`;
    return { title: `An event of ${system}/${channel} could not be worked on`, detail };
  }
  return {
    title: `A webhook of ${system} could not be read`,
    detail: `The signature was right, but the content was not what ${scheme} sends (${why}). ${after}`,
  };
}
