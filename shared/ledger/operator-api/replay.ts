import * as z from 'zod/mini';
import { eventRetentionMs, forcedIdentity, type InboxClaim, type InboxMessage } from '../../model/event.ts';
import { newId } from '../../model/ids.ts';
import { operationEntry } from '../operations.ts';
import type { OperatorApiDeps, OperatorCall, Route } from './deps.ts';
import { json, notFound, problem, type Reply, readBody } from './http.ts';
import { eventIdOf, messageOfCase, messageOfClaim, outcomeJson } from './kept-events.ts';
import { decidedBetween, rangeSchema } from './replay-range.ts';

const common = {
  reason: z.string().check(z.trim(), z.minLength(3), z.maxLength(500)),
  /** True shows what would be sent; only an explicit false sends. */
  dry_run: z._default(z.boolean(), true),
  /** True processes an event again that is done; its effects keep their keys. */
  force: z._default(z.boolean(), false),
};

const oneSchema = z.strictObject({
  ...common,
  /** The case that keeps the message, for an event that was never claimed: a dead letter. */
  case_id: z.optional(z.string().check(z.startsWith('case_'))),
});
const manySchema = z.strictObject({ ...common, ...rangeSchema });

/** Hands kept events to the inbox again: one by its id, or all that a channel decided in a span of time. */
export const replayRoutes: readonly Route[] = [
  { method: 'POST', path: '/v1/events/{id}/replay', roles: ['operator', 'admin'], handle: replayOne },
  { method: 'POST', path: '/v1/events/replay', roles: ['operator', 'admin'], handle: replayMany },
];

/** Who asks for a replay, why, and how. */
type Asked = { readonly person: string; readonly reason: string; readonly force: boolean; readonly dryRun: boolean };

/** What a replay of one event does or would do; the message is null where nothing may be sent. */
type Planned = { readonly message: InboxMessage; readonly identity: string; readonly facts: object };

/** Hands a kept event to the inbox again. Its effects keep their keys, so what was done is not done twice. */
async function replayOne(deps: OperatorApiDeps, { request, id, person }: OperatorCall): Promise<Reply> {
  const read = readBody(request, oneSchema);
  if (read.kind === 'problem') return read.reply;
  const { reason, dry_run: dryRun, force, case_id: caseId } = read.body;
  const claim = await deps.inbox.get(id);
  const kept = (claim && (await messageOfClaim(deps, claim))) ?? (await messageOfCase(deps, id, caseId));
  if (!kept) return notFound('unknown_event', 'event, or its message is not kept');
  if (deps.clock.now() - (claim?.firstSeenAtMs ?? kept.receivedAtMs) > eventRetentionMs) return tooOld();
  if (claim && !claim.kept && claim.bodyHash !== kept.itemHash) return anotherContent();
  const asked = { person, reason, force, dryRun };
  const planned = plan(claim, kept, asked);
  if (dryRun) return json({ dry_run: true, sent: false, ...planned.facts });
  const followed = await send(deps, planned, asked);
  return json({ dry_run: false, sent: true, ...planned.facts, claim: followed }, 202);
}

/**
 * Hands a page of the events that a channel decided in a span of time to the inbox again. `cursor` of the answer asks for the next
 * page, also where a page holds none that match; the same page again is harmless. What cannot be replayed is named with its reason.
 */
async function replayMany(deps: OperatorApiDeps, { request, person }: OperatorCall): Promise<Reply> {
  const read = readBody(request, manySchema);
  if (read.kind === 'problem') return read.reply;
  const { reason, dry_run: dryRun, force, ...range } = read.body;
  const nowMs = deps.clock.now();
  if (Date.parse(range.from) < nowMs - eventRetentionMs) return tooOld();
  const page = await decidedBetween(deps, { ...range, nowMs });
  if (page.kind === 'wrong') {
    return problem(422, { code: 'invalid_input', detail: page.detail, hint: page.hint });
  }
  const asked = { person, reason, force, dryRun };
  const events: object[] = [];
  const skipped: object[] = [];
  for (const identity of page.identities) {
    const claim = await deps.inbox.get(identity);
    const kept = claim && (await messageOfClaim(deps, claim));
    if (!claim || !kept) skipped.push({ event_id: identity, why: 'its message is not kept' });
    else if (claim.firstSeenAtMs < nowMs - eventRetentionMs) skipped.push({ event_id: identity, why: 'too old' });
    else {
      const planned = plan(claim, kept, asked);
      const followed = dryRun ? {} : { claim: await send(deps, planned, asked) };
      events.push({ ...planned.facts, ...followed });
    }
  }
  const sent = dryRun ? 0 : events.length;
  return json({ dry_run: dryRun, sent, events, skipped, cursor: page.cursor }, dryRun ? 200 : 202);
}

function plan(claim: InboxClaim | null, kept: InboxMessage, { force }: Asked): Planned {
  const identity = claim ? eventIdOf(kept, claim) : kept.identity;
  const facts = {
    event_id: identity,
    system: kept.system,
    channel: kept.channel,
    type: kept.type,
    seen: { state: claim?.state ?? 'never claimed', outcome: outcomeJson(claim?.outcome ?? null) },
    expect: force ? 'processed_again' : claim?.state === 'DONE' ? 'counted_as_duplicate' : 'processed',
  };
  return { message: kept, identity, facts };
}

/** On the ledger first: a replay that was sent and is not written down would be nobody's. Returns the claim to follow. */
async function send(deps: OperatorApiDeps, { message, identity }: Planned, asked: Asked): Promise<string> {
  const { person, reason, force } = asked;
  const atMs = deps.clock.now();
  const request = { id: newId('evt', atMs, deps.random), by: person, reason };
  await deps.ledger.append(
    operationEntry({
      entryId: `operation:${request.id}`,
      atMs,
      what: force ? 'event_replayed_by_force' : 'event_replayed',
      by: person,
      reason,
      system: message.system,
      record: `event/${identity}`,
    }),
  );
  await deps.events.send([{ ...message, identity, replay: force ? { ...request, force } : request }]);
  return force ? forcedIdentity(identity, request.id) : identity;
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
