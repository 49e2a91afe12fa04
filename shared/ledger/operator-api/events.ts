import { eventRetentionMs } from '../../model/event.ts';
import { anyRole, type OperatorApiDeps, type OperatorCall, type Route } from './deps.ts';
import { json, notFound, type Reply } from './http.ts';
import { eventIdOf, iso, messageOfClaim, outcomeJson } from './kept-events.ts';
import { replayRoutes } from './replay.ts';

/** Shows what became of an event, and hands kept events to the inbox again. */
export const eventRoutes: readonly Route[] = [
  { method: 'GET', path: '/v1/events/{id}', roles: anyRole, handle: show },
  ...replayRoutes,
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
