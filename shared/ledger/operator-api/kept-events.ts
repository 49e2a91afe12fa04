import { conflictIdentity, type EventOutcome, type InboxClaim, type InboxMessage } from '../../model/event.ts';
import type { OperatorApiDeps } from './deps.ts';

/** The event's own id, which its effects are keyed by: not the claim's where that is the claim of a forced replay. */
export function eventIdOf(message: InboxMessage, claim: InboxClaim): string {
  const asConflict = conflictIdentity(message.identity, message.itemHash);
  return claim.identity === asConflict ? claim.identity : message.identity;
}

/** The message that a claim keeps, or null where it keeps none or its object is gone. */
export async function messageOfClaim(deps: OperatorApiDeps, { kept }: InboxClaim): Promise<InboxMessage | null> {
  if (!kept) return null;
  return 'inline' in kept ? kept.inline : messageOf(await deps.payloads.get(kept.object));
}

/** The message that a case about this event keeps, or null where its body is gone or another thing. */
export async function messageOfCase(deps: OperatorApiDeps, identity: string, caseId: string | undefined) {
  const about = caseId === undefined ? null : await deps.cases.get(caseId);
  const hash = about?.eventIdentity === identity ? about.facts.body : null;
  const message = typeof hash === 'string' ? messageOf(await deps.payloads.get(hash)) : null;
  return message?.identity === identity ? message : null;
}

function messageOf(bytes: Uint8Array | null): InboxMessage | null {
  if (!bytes) return null;
  try {
    const message = JSON.parse(new TextDecoder().decode(bytes)) as Partial<InboxMessage> | null;
    return message?.version === 1 ? (message as InboxMessage) : null;
  } catch {
    return null;
  }
}

/** An outcome as operators read it. */
export function outcomeJson(outcome: EventOutcome | null) {
  if (outcome?.kind !== 'processed') return outcome;
  const { kind, actions, record, live } = outcome;
  if (live === null || live === 'gone') return { kind, actions, record, live };
  return { kind, actions, record, live: { hash: live.hash, fetched_at: iso(live.fetchedAtMs) } };
}

/** A time as operators read it. */
export function iso(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}
