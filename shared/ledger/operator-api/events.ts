import * as z from 'zod';
import type { InboxMessage } from '../../model/event.ts';
import { newId } from '../../model/ids.ts';
import { operationEntry } from '../operations.ts';
import type { OperatorApiDeps, OperatorCall, Route } from './deps.ts';
import { json, notFound, problem, type Reply, readBody } from './http.ts';

const replaySchema = z.strictObject({
  reason: z.string().trim().min(3).max(500),
  /** True shows what would be sent; only an explicit false sends. */
  dry_run: z.boolean().default(true),
  /** The case that keeps the message: a dead letter or a quarantined event. */
  case_id: z.string().startsWith('case_'),
});

/** Hands a kept event to the inbox again. Its effects keep their keys, so what was done is not done twice. */
export const eventRoutes: readonly Route[] = [
  { method: 'POST', path: '/v1/events/{id}/replay', roles: ['operator', 'admin'], handle: replay },
];

async function replay(deps: OperatorApiDeps, { request, id: identity, person }: OperatorCall): Promise<Reply> {
  const read = readBody(request, replaySchema);
  if (read.kind === 'problem') return read.reply;
  const { reason, dry_run: dryRun, case_id: caseId } = read.body;
  const about = await deps.cases.get(caseId);
  const kept = about?.eventIdentity === identity ? await keptMessage(deps, about.facts.body, identity) : null;
  if (!kept) return notFound('unknown_event', 'event in this case');
  const claim = await deps.inbox.get(identity);
  if (claim && claim.bodyHash !== kept.bodyHash) {
    const detail = 'The event of this identity was claimed with another body.';
    return problem(409, { code: 'illegal_transition', detail, hint: 'Compare both before anything is sent.' });
  }
  const message: InboxMessage = { ...kept, replay: { by: person, reason } };
  const seen = { state: claim?.state ?? 'never claimed', outcome: claim?.outcome ?? null };
  const facts = { identity, system: kept.system, channel: kept.channel, type: kept.type, seen };
  if (dryRun) return json({ dry_run: true, sent: false, ...facts });
  const atMs = deps.clock.now();
  // On the ledger first: a replay that was sent and is not written down would be nobody's.
  await deps.ledger.append(
    operationEntry({
      entryId: `operation:${newId('call', atMs, deps.random)}`,
      atMs,
      what: 'event_replayed',
      by: person,
      reason,
      system: kept.system,
      record: `case/${caseId}`,
    }),
  );
  await deps.events.send([message]);
  return json({ dry_run: false, sent: true, ...facts }, 202);
}

/** The inbox message that a case keeps, or null where its body is gone or another thing. */
async function keptMessage(deps: OperatorApiDeps, hash: unknown, identity: string): Promise<InboxMessage | null> {
  const bytes = typeof hash === 'string' ? await deps.payloads.get(hash) : null;
  if (!bytes) return null;
  try {
    const message = JSON.parse(new TextDecoder().decode(bytes)) as Partial<InboxMessage>;
    return message.version === 1 && message.identity === identity ? (message as InboxMessage) : null;
  } catch {
    return null;
  }
}
