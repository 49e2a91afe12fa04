import { sortedJson } from '../action/canonical.ts';
import type { CaseStore, LedgerStore, PayloadStore } from '../ledger/ports.ts';
import type { Case } from '../model/case.ts';
import type { Clock, Random } from '../model/clock.ts';
import { PlumblineError } from '../model/errors.ts';
import {
  conflictIdentity,
  type EventOutcome,
  forcedIdentity,
  type InboxClaim,
  type InboxMessage,
  type KeptMessage,
} from '../model/event.ts';
import { newId, sha256Hex } from '../model/ids.ts';
import type { Json } from '../model/json.ts';
import type { PlannedCall, RecordRef } from '../model/operation.ts';
import type { Log } from '../observe/log.ts';
import { eventEntry, eventsWaitCase, eventsWaitKey, failedReason, quarantineCase } from './event-record.ts';
import type { InboxStore } from './ports.ts';

/** The live record at the time of processing. `gone`: the system says that it does not exist. */
export type LiveRecord =
  | { readonly kind: 'record'; readonly data: Json; readonly fetchedAtMs: number }
  | { readonly kind: 'gone' }
  /** `lasting`: waiting alone does not help, such as where a right is missing. */
  | {
      readonly kind: 'unavailable';
      readonly code: string;
      readonly retryAfterMs?: number | undefined;
      readonly lasting?: boolean;
    };

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

/** What to do with an event: work on it, or leave it to a person. */
export type EventPlan =
  | {
      readonly kind: 'work';
      readonly message: InboxMessage;
      readonly call: PlannedCall | null;
      readonly record: RecordRef | null;
    }
  /** `account`: what the event says of its account, where that is the reason. */
  | { readonly kind: 'refused'; readonly why: string; readonly account: string | null };

/** What the worker needs. */
export type ProcessDeps = {
  readonly inbox: InboxStore;
  readonly payloads: PayloadStore;
  readonly ledger: Pick<LedgerStore, 'append'>;
  readonly cases: Pick<CaseStore, 'open' | 'settle'>;
  /** Tells the owner of a case that was opened. */
  readonly tell: (opened: Case) => Promise<void>;
  /** What to do with an event, and what to read for it; from the configuration and the connector. */
  readonly plan: (message: InboxMessage, item: Json) => Promise<EventPlan>;
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

/** After so many receives what waiting does not mend is left to a person. */
export const mostFaults = 5;

/** An event comes again at least once an hour, whatever its system asked, milliseconds. */
const longestDelayMs = 3_600_000;

/** Up to here a message stays in its claim itself, bytes. */
const inlineBytes = 4_096;

type Claim = { readonly claim: InboxClaim; readonly conflict: boolean };

/**
 * Processes one event: claim, re-read of the live record, ledger entry, handlers, done.
 * Only a DONE claim is a duplicate. A crash at any point leaves a lease that ends, and the message comes again: what runs twice
 * are reads, ledger appends of one id, and handlers, whose effects carry event keys.
 * Throws `store_unavailable` where a store did not answer.
 * @param attempt how often the message was received, from 1; sets the backoff; @param deadlineMs absolute end of this invocation
 * @param givenUp whether to leave the event to a person, because it fails again and again
 */
export async function processEvent(
  deps: ProcessDeps,
  input: {
    readonly message: InboxMessage;
    readonly attempt: number;
    readonly deadlineMs: number;
    readonly givenUp?: boolean;
  },
): Promise<Processed> {
  const { message } = input;
  const nowMs = deps.clock.now();
  const owner = newId('own', nowMs, deps.random);
  const { kept, bytes } = keptForm(message);
  const key = { identity: claimIdentity(message), bodyHash: message.itemHash };
  const claimed = await deps.inbox.claim({ ...key, owner, nowMs, leaseMs: deps.leaseMs, kept });
  const dimensions = { system: message.system, channel: message.channel };
  if (claimed.kind === 'busy') {
    return { kind: 'later', delayMs: claimed.leaseUntilMs - nowMs + 500, why: 'leased' };
  }
  if (claimed.kind === 'done') {
    deps.log.metric('webhook_duplicate', 1, 'Count', dimensions);
    return { kind: 'done', as: 'duplicate' };
  }
  if (claimed.conflict) deps.log.metric('webhook_identity_conflict', 1, 'Count', dimensions);
  try {
    if (bytes) await deps.payloads.put(bytes);
    const outcome = await decide(deps, input, claimed);
    if (!('code' in outcome)) {
      if (input.attempt >= mostFaults) await noLongerWaits(deps, message);
      return await settle(deps, message, claimed, outcome);
    }
    if (input.attempt >= mostFaults && !outcome.lasting) await tellOfWaiting(deps, message, outcome.code);
    const waits = !outcome.lasting || input.attempt < mostFaults;
    if (waits) return await later(deps, claimed.claim, input.attempt, outcome);
    return await settle(deps, message, claimed, await park(deps, message, { why: failedReason, account: null }));
  } catch (error) {
    await releaseQuietly(deps, claimed.claim);
    throw error;
  }
}

/** Leaves the claim free for the next attempt. Where that fails too, the lease ends by itself and the first fault is told. */
async function releaseQuietly(deps: ProcessDeps, { identity, owner, epoch }: InboxClaim): Promise<void> {
  try {
    await deps.inbox.release({ identity, owner, epoch, nowMs: deps.clock.now() });
  } catch (error) {
    deps.log.warn('The lease of an event ends by its time.', {
      reason: error instanceof Error ? error.name : 'unknown',
    });
  }
}

/** A forced replay is a claim of its own; its handlers still see the original event id. */
function claimIdentity({ identity, replay }: InboxMessage): string {
  return replay?.force ? forcedIdentity(identity, replay.id) : identity;
}

/** A message as it stays with its claim: itself where it is small, else as an object, which is put once the claim is ours. */
function keptForm(message: InboxMessage): { readonly kept: KeptMessage; readonly bytes: Uint8Array | null } {
  const original = { ...message, replay: null };
  const bytes = Buffer.from(JSON.stringify(original));
  if (bytes.length <= inlineBytes) return { kept: { inline: original }, bytes: null };
  return { kept: { object: sha256Hex(bytes) }, bytes };
}

async function decide(
  deps: ProcessDeps,
  input: { readonly message: InboxMessage; readonly deadlineMs: number; readonly givenUp?: boolean },
  { conflict }: Claim,
): Promise<EventOutcome | Extract<LiveRecord, { kind: 'unavailable' }>> {
  const { message, deadlineMs } = input;
  // what could not be read is read again only where a person asks for it
  if (message.quarantine !== undefined && !message.replay?.force) {
    return park(deps, message, { why: message.quarantine, account: null });
  }
  if (input.givenUp) return park(deps, message, { why: failedReason, account: null });
  const item = await itemOf(deps, message);
  const plan = await deps.plan(message, item);
  if (plan.kind === 'refused') return park(deps, message, plan);
  const live = plan.call ? await deps.reRead(plan.call, deadlineMs) : null;
  if (live?.kind === 'unavailable') return live;
  const { message: readable, record } = plan;
  const eventId = conflict ? conflictIdentity(readable.identity, message.itemHash) : readable.identity;
  const wanted = deps.handlers.filter(({ wants }) => wants(readable));
  const actions: string[] = [];
  for (const { handle } of wanted) {
    actions.push(...(await handle({ eventId, message: readable, item, record, live, deadlineMs })));
  }
  return { kind: 'processed', actions, record: record ? [...record] : null, live: proofOf(live) };
}

function proofOf(live: ClaimedEvent['live']): Extract<EventOutcome, { kind: 'processed' }>['live'] {
  if (live?.kind !== 'record') return live ? 'gone' : null;
  return { hash: sha256Hex(sortedJson(live.data)), fetchedAtMs: live.fetchedAtMs };
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

async function park(
  deps: ProcessDeps,
  message: InboxMessage,
  { why, account }: { readonly why: string; readonly account: string | null },
): Promise<EventOutcome> {
  const owner = deps.ownerOf(message.system);
  const opened = await deps.cases.open(quarantineCase({ message, owner, why, account }), deps.clock.now());
  await deps.tell(opened);
  deps.log.metric('webhook_quarantined', 1, 'Count', { system: message.system, channel: message.channel, reason: why });
  return { kind: 'quarantined', why };
}

/** One case a system, however many of its events wait. */
async function tellOfWaiting(deps: ProcessDeps, { system }: InboxMessage, code: string): Promise<void> {
  const opening = eventsWaitCase({ system, owner: deps.ownerOf(system), code });
  await deps.tell(await deps.cases.open(opening, deps.clock.now()));
}

async function noLongerWaits(deps: ProcessDeps, { system }: InboxMessage): Promise<void> {
  const [reason, atMs] = ['The system can be read again.', deps.clock.now()];
  await deps.cases.settle(eventsWaitKey(system), { by: 'service:plumbline', atMs, reason, decision: 'over' });
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
  const delayMs = Math.min(Math.max(backoffMs(attempt), failure.retryAfterMs ?? 0), longestDelayMs);
  return { kind: 'later', delayMs, why: failure.code };
}

/** 30 s, 1 min, 2 min, ... at most 15 min. */
export function backoffMs(attempt: number): number {
  return Math.min(30_000 * 2 ** Math.max(attempt - 1, 0), 900_000);
}
