import type { CaseStore, LedgerStore, PayloadStore } from '../ledger/ports.ts';
import type { Clock, Random } from '../model/clock.ts';
import { PlumblineError } from '../model/errors.ts';
import type { EventOutcome, InboxClaim, InboxMessage } from '../model/event.ts';
import { newId, sha256Hex } from '../model/ids.ts';
import type { Json } from '../model/json.ts';
import type { PlannedCall, RecordRef } from '../model/operation.ts';
import type { Log } from '../observe/log.ts';
import { eventEntry, quarantineCase } from './event-record.ts';
import type { InboxStore } from './ports.ts';

/** The live record at the time of processing. `gone`: the system says that it does not exist. */
export type LiveRecord =
  | { readonly kind: 'record'; readonly data: Json; readonly fetchedAtMs: number }
  | { readonly kind: 'gone' }
  | { readonly kind: 'unavailable'; readonly code: string; readonly retryAfterMs?: number | undefined };

/** One claimed event as handlers get it. The item is what the provider says; `live` is what the system says. */
export type ClaimedEvent = {
  /** The event's id for `event` keys: equal for every delivery and every replay of the event. */
  readonly eventId: string;
  readonly message: InboxMessage;
  readonly item: Json;
  readonly record: RecordRef | null;
  readonly live: Extract<LiveRecord, { kind: 'record' | 'gone' }> | null;
  readonly deadlineMs: number;
};

/** Reacts to an event; returns the ids of the actions it made. Its effects use `event` keys: it may run more than once. */
export type EventHandler = {
  readonly wants: (message: InboxMessage) => boolean;
  readonly handle: (event: ClaimedEvent) => Promise<readonly string[]>;
};

/** What the worker needs. */
export type ProcessDeps = {
  readonly inbox: InboxStore;
  readonly payloads: Pick<PayloadStore, 'get'>;
  readonly ledger: Pick<LedgerStore, 'append'>;
  readonly cases: Pick<CaseStore, 'open'>;
  /** What to read for an item, and which record it is about; from the connector. */
  readonly plan: (
    message: InboxMessage,
    item: Json,
  ) => Promise<{ readonly call: PlannedCall | null; readonly record: RecordRef | null }>;
  readonly reRead: (call: PlannedCall, deadlineMs: number) => Promise<LiveRecord>;
  readonly handlers: readonly EventHandler[];
  readonly ownerOf: (system: string) => string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** How long a claim holds: the worker's timeout and a few seconds, milliseconds. */
  readonly leaseMs: number;
};

/** `done`: the message may be deleted. `later`: it must become visible again after `delayMs`. */
export type Processed =
  | { readonly kind: 'done'; readonly as: EventOutcome['kind'] | 'duplicate' }
  | { readonly kind: 'later'; readonly delayMs: number; readonly why: string };

type Claim = { readonly claim: InboxClaim; readonly conflict: boolean };

/**
 * Processes one event: claim, re-read of the live record, ledger entry, handlers, done.
 * Only a DONE claim is a duplicate. A crash at any point leaves a lease that ends, and the message comes again: what runs twice
 * are reads, ledger appends of one id, and handlers, whose effects carry event keys.
 * Throws `store_unavailable` where a store did not answer.
 * @param attempt how often the message was received, from 1; sets the backoff; @param deadlineMs absolute end of this invocation
 */
export async function processEvent(
  deps: ProcessDeps,
  input: { readonly message: InboxMessage; readonly attempt: number; readonly deadlineMs: number },
): Promise<Processed> {
  const { message } = input;
  const nowMs = deps.clock.now();
  const owner = newId('own', nowMs, deps.random);
  const { identity, bodyHash } = claimKey(message);
  const claimed = await deps.inbox.claim({ identity, bodyHash, owner, nowMs, leaseMs: deps.leaseMs });
  const dimensions = { system: message.system, channel: message.channel };
  if (claimed.kind === 'busy') {
    return { kind: 'later', delayMs: claimed.leaseUntilMs - nowMs + 500, why: 'leased' };
  }
  if (claimed.kind === 'done') {
    deps.log.metric('webhook_duplicate', 1, 'Count', dimensions);
    return { kind: 'done', as: 'duplicate' };
  }
  if (claimed.conflict) deps.log.metric('webhook_identity_conflict', 1, 'Count', dimensions);
  const outcome = await decide(deps, input, claimed);
  if ('code' in outcome) return later(deps, claimed.claim, input.attempt, outcome);
  return settle(deps, message, claimed, outcome);
}

/** A fault of a handler or store leaves the claim free for the next attempt, and is thrown on. */
async function decide(
  deps: ProcessDeps,
  input: { readonly message: InboxMessage; readonly deadlineMs: number },
  claimed: Claim,
): Promise<EventOutcome | Extract<LiveRecord, { kind: 'unavailable' }>> {
  try {
    return input.message.quarantine === undefined ? await work(deps, input, claimed) : await park(deps, input.message);
  } catch (error) {
    const { identity, owner, epoch } = claimed.claim;
    await deps.inbox.release({ identity, owner, epoch, nowMs: deps.clock.now() });
    throw error;
  }
}

/** A forced replay is a claim of its own; its handlers still see the original event id. */
function claimKey(message: InboxMessage): { readonly identity: string; readonly bodyHash: string } {
  const { replay } = message;
  if (!replay?.force) return { identity: message.identity, bodyHash: message.itemHash };
  const mark = sha256Hex(JSON.stringify([replay.by, replay.reason, message.receivedAtMs])).slice(0, 32);
  return { identity: `${message.identity}~forced:${mark}`, bodyHash: message.itemHash };
}

async function work(
  deps: ProcessDeps,
  input: { readonly message: InboxMessage; readonly deadlineMs: number },
  { conflict }: Claim,
): Promise<EventOutcome | Extract<LiveRecord, { kind: 'unavailable' }>> {
  const { message, deadlineMs } = input;
  const item = await itemOf(deps, message);
  const { call, record } = await deps.plan(message, item);
  const live = call ? await deps.reRead(call, deadlineMs) : null;
  if (live?.kind === 'unavailable') return live;
  const eventId = conflict ? `${message.identity}~${message.itemHash}` : message.identity;
  const wanted = deps.handlers.filter(({ wants }) => wants(message));
  const actions: string[] = [];
  for (const { handle } of wanted) {
    actions.push(...(await handle({ eventId, message, item, record, live, deadlineMs })));
  }
  return { kind: 'processed', actions, record: record ? [...record] : null, reRead: live !== null };
}

/** The item, inline or by its index in the stored body. */
async function itemOf(deps: ProcessDeps, message: InboxMessage): Promise<Json> {
  if ('inline' in message.item) return message.item.inline;
  const bytes = await deps.payloads.get(message.item.object);
  const list: unknown = bytes ? JSON.parse(Buffer.from(bytes).toString('utf8')) : null;
  if (Array.isArray(list) && message.item.index < list.length) return list[message.item.index] as Json;
  throw new PlumblineError('The stored body of an event is missing.', {
    code: 'store_unavailable',
    retry: 'later',
    hint: 'The message goes to the dead-letter queue and opens a case; replay the event when the object is back.',
  });
}

async function park(deps: ProcessDeps, message: InboxMessage): Promise<EventOutcome> {
  const owner = deps.ownerOf(message.system);
  await deps.cases.open(quarantineCase(message, owner), deps.clock.now());
  deps.log.metric('webhook_quarantined', 1, 'Count', { system: message.system, channel: message.channel });
  return { kind: 'quarantined', why: message.quarantine ?? 'unreadable' };
}

/** Ledger first, then DONE: an event that counts as done is on the ledger. */
async function settle(
  deps: ProcessDeps,
  message: InboxMessage,
  { claim, conflict }: Claim,
  outcome: EventOutcome,
): Promise<Processed> {
  const nowMs = deps.clock.now();
  await deps.ledger.append(eventEntry({ message, claim, conflict, outcome, nowMs }));
  const { identity, owner, epoch } = claim;
  const finished = await deps.inbox.finish({ identity, owner, epoch, nowMs, outcome });
  // whoever has the lease now has this same message: deleting it here would take it from under them
  if (finished === 'lost') return { kind: 'later', delayMs: deps.leaseMs, why: 'lease_lost' };
  deps.log.metric('webhook_processed_after', nowMs - message.receivedAtMs, 'Milliseconds', { system: message.system });
  return { kind: 'done', as: outcome.kind };
}

/** The lease is given up first, so that the next attempt finds the claim free. */
async function later(
  deps: ProcessDeps,
  { identity, owner, epoch }: InboxClaim,
  attempt: number,
  failure: { readonly code: string; readonly retryAfterMs?: number | undefined },
): Promise<Processed> {
  await deps.inbox.release({ identity, owner, epoch, nowMs: deps.clock.now() });
  return { kind: 'later', delayMs: Math.max(backoffMs(attempt), failure.retryAfterMs ?? 0), why: failure.code };
}

/** 30 s, 1 min, 2 min, ... at most 15 min. */
export function backoffMs(attempt: number): number {
  return Math.min(30_000 * 2 ** Math.max(attempt - 1, 0), 900_000);
}
