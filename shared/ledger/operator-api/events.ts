import * as z from 'zod/mini';
import {
  conflictIdentity,
  type EventOutcome,
  eventRetentionMs,
  forcedIdentity,
  type InboxClaim,
  type InboxMessage,
} from '../../model/event.ts';
import { newId } from '../../model/ids.ts';
import { operationEntry } from '../operations.ts';
import { anyRole, type OperatorApiDeps, type OperatorCall, type Route } from './deps.ts';
import { json, notFound, problem, type Reply, readBody } from './http.ts';

const replaySchema = z.strictObject({
  reason: z.string().check(z.trim(), z.minLength(3), z.maxLength(500)),
  /** True shows what would be sent; only an explicit false sends. */
  dry_run: z._default(z.boolean(), true),
  /** True processes an event again that is done; its effects keep their keys. */
  force: z._default(z.boolean(), false),
  /** The case that keeps the message, for an event that was never claimed: a dead letter. */
  case_id: z.optional(z.string().check(z.startsWith('case_'))),
});

/** Shows what became of an event, and hands a kept event to the inbox again. */
export const eventRoutes: readonly Route[] = [
  { method: 'GET', path: '/v1/events/{id}', roles: anyRole, handle: show },
  { method: 'POST', path: '/v1/events/{id}/replay', roles: ['operator', 'admin'], handle: replay },
];

/** Ids, times and outcome; never the item, which may hold personal data. */
async function show(deps: OperatorApiDeps, { id }: OperatorCall): Promise<Reply> {
  const claim = await deps.inbox.get(id);
  if (!claim) return notFound('unknown_event', 'event');
  const message = await messageOfClaim(deps, claim);
  const eventId = message ? eventIdOf(message, claim) : claim.identity;
  return json({
    event_id: eventId,
    claim: claim.identity,
    state: claim.state,
    system: message?.system ?? null,
    channel: message?.channel ?? null,
    type: message?.type ?? null,
    occurred_at: iso(message?.occurredAtMs ?? null),
    received_at: iso(message?.receivedAtMs ?? null),
    first_claimed_at: iso(claim.firstSeenAtMs),
    done_at: iso(claim.doneAtMs),
    lease_until: claim.state === 'PROCESSING' ? iso(claim.leaseUntilMs) : null,
    claims: claim.epoch,
    duplicates: claim.duplicates,
    outcome: outcomeJson(claim.outcome),
    conflict: {
      of: message && eventId !== message.identity ? message.identity : null,
      with: claim.conflicts,
    },
    replay: { kept: message !== null, until: iso(claim.firstSeenAtMs + eventRetentionMs) },
  });
}

/** Hands a kept event to the inbox again. Its effects keep their keys, so what was done is not done twice. */
async function replay(deps: OperatorApiDeps, { request, id, person }: OperatorCall): Promise<Reply> {
  const read = readBody(request, replaySchema);
  if (read.kind === 'problem') return read.reply;
  const { reason, dry_run: dryRun, force, case_id: caseId } = read.body;
  const claim = await deps.inbox.get(id);
  const kept = (claim && (await messageOfClaim(deps, claim))) ?? (await messageOfCase(deps, id, caseId));
  if (!kept) return notFound('unknown_event', 'event, or its message is not kept');
  const atMs = deps.clock.now();
  if (atMs - (claim?.firstSeenAtMs ?? kept.receivedAtMs) > eventRetentionMs) return tooOld();
  const identity = claim ? eventIdOf(kept, claim) : kept.identity;
  if (claim && !claim.kept && claim.bodyHash !== kept.itemHash) return anotherContent();
  const asked = { id: newId('evt', atMs, deps.random), by: person, reason };
  const message: InboxMessage = { ...kept, identity, replay: force ? { ...asked, force } : asked };
  const facts = {
    event_id: identity,
    system: kept.system,
    channel: kept.channel,
    type: kept.type,
    seen: { state: claim?.state ?? 'never claimed', outcome: outcomeJson(claim?.outcome ?? null) },
    expect: force ? 'processed_again' : claim?.state === 'DONE' ? 'counted_as_duplicate' : 'processed',
  };
  if (dryRun) return json({ dry_run: true, sent: false, ...facts });
  // On the ledger first: a replay that was sent and is not written down would be nobody's.
  await deps.ledger.append(
    operationEntry({
      entryId: `operation:${asked.id}`,
      atMs,
      what: force ? 'event_replayed_by_force' : 'event_replayed',
      by: person,
      reason,
      system: kept.system,
      record: `event/${identity}`,
    }),
  );
  await deps.events.send([message]);
  const followed = force ? forcedIdentity(identity, asked.id) : identity;
  return json({ dry_run: false, sent: true, ...facts, claim: followed }, 202);
}

/** The event's own id, which its effects are keyed by: not the claim's where that is the claim of a forced replay. */
function eventIdOf(message: InboxMessage, claim: InboxClaim): string {
  const asConflict = conflictIdentity(message.identity, message.itemHash);
  return claim.identity === asConflict ? claim.identity : message.identity;
}

function tooOld(): Reply {
  const days = Math.round(eventRetentionMs / 86_400_000);
  const detail = `The event is older than ${days} days: what keeps its effects single may be gone.`;
  const hint = 'Change the record in its system, or by a tool, if it is still needed.';
  return problem(409, { code: 'illegal_transition', detail, hint });
}

function anotherContent(): Reply {
  const detail = 'The event of this identity was claimed with another content.';
  return problem(409, { code: 'illegal_transition', detail, hint: 'Compare both before anything is sent.' });
}

/** The message that a claim keeps, or null where it keeps none or its object is gone. */
async function messageOfClaim(deps: OperatorApiDeps, { kept }: InboxClaim): Promise<InboxMessage | null> {
  if (!kept) return null;
  return 'inline' in kept ? kept.inline : messageOf(await deps.payloads.get(kept.object));
}

/** The message that a case about this event keeps, or null where its body is gone or another thing. */
async function messageOfCase(deps: OperatorApiDeps, identity: string, caseId: string | undefined) {
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

function outcomeJson(outcome: EventOutcome | null) {
  if (outcome?.kind !== 'processed') return outcome;
  const { kind, actions, record, live } = outcome;
  if (live === null || live === 'gone') return { kind, actions, record, live };
  return { kind, actions, record, live: { hash: live.hash, fetched_at: iso(live.fetchedAtMs) } };
}

function iso(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}
