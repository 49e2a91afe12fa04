import type { Json } from './json.ts';

/** One verified inbound notification as it travels in the inbox queue: ids and metadata, the item's bytes or a pointer. */
export type InboxMessage = {
  readonly version: 1;
  /** `system#channel#identity`: the business identity of the event; its claim key. */
  readonly identity: string;
  readonly system: string;
  readonly channel: string;
  readonly scheme: string;
  readonly type: string;
  /** SHA-256 of the signed body, and of this item without what changes between attempts. Unsigned ids never stand alone. */
  readonly bodyHash: string;
  readonly itemHash: string;
  readonly occurredAtMs: number | null;
  readonly receivedAtMs: number;
  readonly attempt: number | null;
  readonly secretIndex: number;
  /** The item inline, or the payload object that holds the whole body with the item's index. */
  readonly item: { readonly inline: Json } | { readonly object: string; readonly index: number };
  /** Why a verified body or item could not be read as events; then a person decides. Absent for readable ones. */
  readonly quarantine?: string;
  /** How it differs from what the provider sends, in names and kinds; beside `quarantine`, where a shape is known. */
  readonly diff?: readonly string[];
  /** Set by replay. */
  readonly replay: Replay | null;
};

/** One request of a person to work on an event again. `force`: also where it is DONE; its effects keep their event keys. */
export type Replay = {
  /** Names this request, so that a second delivery of it is not a second request. */
  readonly id: string;
  readonly by: string;
  readonly reason: string;
  readonly force?: boolean;
};

/** What became of one event. */
export type EventOutcome =
  | {
      readonly kind: 'processed';
      readonly actions: readonly string[];
      readonly record: readonly string[] | null;
      /** What the system said of the record: the hash of its canonical JSON, or that it is gone; null where nothing was read. */
      readonly live: { readonly hash: string; readonly fetchedAtMs: number } | 'gone' | null;
    }
  | { readonly kind: 'ignored'; readonly why: string }
  | { readonly kind: 'quarantined'; readonly why: string };

/** The claim of one event: a lease, then done. Only DONE is a duplicate. */
export type InboxClaim = {
  readonly identity: string;
  readonly state: 'PROCESSING' | 'DONE';
  readonly owner: string;
  readonly epoch: number;
  readonly leaseUntilMs: number;
  readonly bodyHash: string;
  readonly firstSeenAtMs: number;
  readonly doneAtMs: number | null;
  readonly duplicates: number;
  /** Claims of deliveries that had this identity and another content. */
  readonly conflicts: readonly string[];
  readonly outcome: EventOutcome | null;
  /** The event as it was queued, for a replay; as long as the claim. */
  readonly kept: KeptMessage | null;
};

/** A queued event inline, or the payload object that holds it. */
export type KeptMessage = { readonly inline: InboxMessage } | { readonly object: string };

/** How long a decided event is known and can be replayed: longer than any provider sends again, milliseconds. */
export const eventRetentionMs = 90 * 86_400_000;

/**
 * The claim of a delivery whose identity was seen with another content; also its event id, so that both are events of their own.
 */
export function conflictIdentity(identity: string, itemHash: string): string {
  return `${identity}~${itemHash}`;
}

/** The claim of a forced replay. It is one for the claim only: handlers see the event's own id. */
export function forcedIdentity(identity: string, replayId: string): string {
  return `${identity}~forced:${replayId}`;
}

/** Whose an event is on the ledger: its channel's, so that the events of a channel and a day can be listed. */
export function sourcePrincipal({ system, channel }: Pick<InboxMessage, 'system' | 'channel'>): string {
  return `service:${system}/${channel}`;
}
