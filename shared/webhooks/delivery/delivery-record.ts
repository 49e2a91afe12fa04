import type { CaseOpening } from '../../model/case.ts';
import { sha256Hex } from '../../model/ids.ts';
import type { LedgerEntry } from '../../model/ledger-entry.ts';
import type { DeliveryMessage, DeliveryOutcome } from './ports.ts';
import { deliveryId } from './subscribers.ts';

const dueInMs = 4 * 3_600_000;

/** The ledger entry of a delivery that ended; the same end has the same id, so a second append is harmless. */
export function deliveryEntry(
  message: DeliveryMessage,
  input: { readonly outcome: DeliveryOutcome; readonly note: string | null; readonly nowMs: number },
): LedgerEntry {
  const { eventId, agent, system, type, record, itemHash } = message;
  return {
    kind: 'event',
    entryId: `event:${sha256Hex(`${deliveryId(message)}#${input.outcome}`)}`,
    identity: eventId,
    outcome: input.note === null ? input.outcome : `${input.outcome}: ${input.note}`,
    bodyHash: itemHash,
    atMs: input.nowMs,
    type,
    principal: `agent:${agent}`,
    runId: null,
    workflow: null,
    period: null,
    tool: null,
    effect: null,
    system,
    record: record === null ? null : `${system}/${record}`,
    actionId: null,
    traceId: null,
  };
}

/** The case of one event that its agent was not told of in time. */
export function undeliveredCase(
  message: DeliveryMessage,
  input: { readonly owner: string; readonly words?: { readonly title: string; readonly detail: string } },
): CaseOpening {
  const { eventId, agent, system, type, record } = message;
  const words = input.words ?? {
    title: `${agent} did not confirm ${type} (${system})`,
    detail:
      'Its endpoint did not confirm the event before the deadline, and it is not told of it any more. It may have got it all the same, where an answer was lost: look at the record and at what the agent did, then do what is missing, or close the case.',
  };
  return {
    kind: 'exception',
    reason: 'event_undelivered',
    ...words,
    owner: input.owner,
    actionId: null,
    runId: null,
    system,
    eventIdentity: eventId,
    facts: { agent, type, record, delivery: deliveryId(message) },
    dedupeKey: `undelivered#${deliveryId(message)}`,
    dueInMs,
  };
}

/** Names the case of a subscriber that is down: there is one at a time. */
export function subscriberDownKey(agent: string): string {
  return `subscriber-down#${agent}`;
}

/** The one case of a subscriber that is down while its events wait. */
export function subscriberDownCase({ agent, system, type }: DeliveryMessage, owner: string): CaseOpening {
  return {
    kind: 'exception',
    reason: 'subscriber_down',
    title: `The endpoint of ${agent} takes no events`,
    detail:
      'Events wait for it longer than its deadline. They are tried again until it answers, for 13 days; after that each is a case. Repair the endpoint or its secret.',
    owner,
    actionId: null,
    runId: null,
    system: null,
    eventIdentity: null,
    facts: { agent, system, type },
    dedupeKey: subscriberDownKey(agent),
    dueInMs,
  };
}
