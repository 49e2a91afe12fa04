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
  /** Set by replay: who asked, and why. `force`: process a DONE event again; its effects keep their event keys. */
  readonly replay: { readonly by: string; readonly reason: string; readonly force?: boolean } | null;
};

/** What became of one event. */
export type EventOutcome =
  | {
      readonly kind: 'processed';
      readonly actions: readonly string[];
      readonly record: readonly string[] | null;
      readonly reRead: boolean;
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
  readonly outcome: EventOutcome | null;
};
