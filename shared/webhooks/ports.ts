import type { EventOutcome, InboxClaim, InboxMessage, KeptMessage } from '../model/event.ts';
import type { JsonObject } from '../model/json.ts';

/** Where verified events wait. Throws `store_unavailable` where not all messages are durable: then nothing may be acknowledged. */
export type EventQueue = { send(messages: readonly InboxMessage[]): Promise<void> };

/** Claims of events: leased, fenced, conditional; a DONE claim is never claimed again. */
export type InboxStore = {
  /**
   * Claims an event for `leaseMs`. `done`: a duplicate, counted. `busy`: another live lease, until `leaseUntilMs`.
   * `conflict` says that the same identity was seen with another body hash: accepted under an identity of its own
   * (`claim.identity`, which `finish` takes) and flagged, and named in the `conflicts` of the claim it differs from.
   */
  claim(input: {
    identity: string;
    bodyHash: string;
    owner: string;
    nowMs: number;
    leaseMs: number;
    /** Stays with the claim, so that the event can be replayed. */
    kept: KeptMessage;
  }): Promise<
    | { readonly kind: 'claimed'; readonly claim: InboxClaim; readonly conflict: boolean }
    | { readonly kind: 'busy'; readonly leaseUntilMs: number }
    | { readonly kind: 'done'; readonly claim: InboxClaim; readonly conflict: boolean }
  >;
  /** PROCESSING -> DONE by its owner and epoch; `lost` where the lease went to another. */
  finish(input: {
    identity: string;
    owner: string;
    epoch: number;
    nowMs: number;
    outcome: EventOutcome;
  }): Promise<'done' | 'lost'>;
  /** Ends the lease of a claim that could not be finished, so that the next attempt need not wait; does nothing where it is lost. */
  release(input: { identity: string; owner: string; epoch: number; nowMs: number }): Promise<void>;
  get(identity: string): Promise<InboxClaim | null>;
};

/** Makes a received message visible again after a delay instead of at the end of its visibility timeout. */
export type EventDelay = { retryIn(receiptHandle: string, delayMs: number): Promise<void> };

/** One way in: `POST /{system}/{channel}`. */
export type SourceName = { readonly system: string; readonly channel: string };

/** When each channel was last heard of. */
export type SourceStore = {
  /** Notes that an event arrived at `atMs`; never goes back in time. */
  seen(source: SourceName, atMs: number): Promise<void>;
  /** What is known of a channel; the first call for it begins the watch. */
  watch(source: SourceName, nowMs: number): Promise<{ watchedSinceMs: number; lastSeenMs: number | null }>;
};

/** How far the changes of one feed have been read. */
export type FeedState = {
  /** `system/feed`. */
  readonly id: string;
  /** Every write adds one and is conditional on the one it read. */
  readonly epoch: number;
  readonly owner: string;
  /** Until when another poller leaves it alone; 0 where nobody polls. */
  readonly leaseUntilMs: number;
  /** Where the next page begins; the feed's own. */
  readonly mark: JsonObject;
  /** Whether a walk is not at its end: the next one goes on and does not begin again. */
  readonly midway: boolean;
  readonly nextAtMs: number;
  /** Failures in a row. */
  readonly failures: number;
  /** Hashes of the changes that were sent last: a walk that overlaps them sends them once. */
  readonly recent: readonly string[];
};

/** States of feeds. Throws `store_unavailable`: a write may have happened. */
export type FeedStore = {
  get(id: string): Promise<FeedState | null>;
  /** Conditional on the epoch that was read, 0 for none; `lost` where another poller was faster. */
  write(next: FeedState, expectedEpoch: number): Promise<'written' | 'lost'>;
};
