import type { Json } from '../model/json.ts';
import type { PlannedCall, RecordRef } from '../model/operation.ts';
import type { Shape } from './shape.ts';

/** What is known of the delivery an item came with. `signedId` is an id that the signature covers, or null. */
export type DeliveryFacts = {
  readonly system: string;
  readonly channel: string;
  readonly scheme: string;
  /** SHA-256 of the signed body, hex. */
  readonly bodyHash: string;
  readonly signedId: string | null;
  readonly receivedAtMs: number;
  /** What the channel's configuration says beside its scheme. */
  readonly params?: Readonly<Record<string, string>>;
};

/**
 * What one product's notifications look like; all functions are pure and take verified, redacted data.
 * Integers above 2^53 arrive as strings. A connector exports one as `webhookAdapter` from its `webhook.ts`.
 */
export type WebhookAdapter = {
  /** The signature schemes of the product's own notifications; any other scheme is described by the table of providers. */
  readonly schemes: readonly string[];
  /** What every item has: an item that differs from it is quarantined with the difference. Absent: nothing is known of it. */
  readonly shape?: Shape;
  /** The items of a body, in its order; null where the body has not the expected shape (it is quarantined). */
  split(body: Json): readonly Json[] | null;
  /**
   * The business identity of an item, stable over retries; unique per account, so it names the portal, tenant or realm.
   * Null where the item lacks what identifies it: that item alone is quarantined.
   */
  identity(item: Json, delivery: DeliveryFacts): string | null;
  /** The item without what changes between attempts, such as `attemptNumber`: its hash tells a retry from a conflict. */
  stable(item: Json, delivery?: DeliveryFacts): Json;
  /** The event type as agents and config name it, such as `contact.propertyChange`. */
  type(item: Json, delivery?: DeliveryFacts): string;
  /** When the provider says that it happened; never trusted for order. */
  occurredAtMs(item: Json): number | null;
  /** The provider's own attempt counter, where it sends one. */
  attempt(item: Json): number | null;
  /** The read that fetches the live record this item is about, or null where there is none to read. */
  reRead(item: Json, system: string): PlannedCall | null;
  /** The account this item says it comes from, by the names of `account:` in the configuration; absent or null where it names none. */
  account?(item: Json): Readonly<Record<string, string>> | null;
  /** The record this item is about, for the ledger; absent or null where it names none. */
  record?(item: Json, system: string): RecordRef | null;
};
