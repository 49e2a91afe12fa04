import type { PayloadStore } from '../ledger/ports.ts';
import type { InboxMessage } from '../model/event.ts';
import { sha256Hex } from '../model/ids.ts';
import type { Json } from '../model/json.ts';
import type { DeliveryFacts, WebhookAdapter } from './adapter.ts';
import type { Channel } from './channels.ts';
import { genericAdapter } from './generic-adapter.ts';
import type { SourceName } from './ports.ts';
import { redactPayload, redactText } from './redact.ts';
import { bodyShape, shapeDiff } from './shape.ts';
import type { Proof } from './verify-types.ts';

/** One verified delivery on its way into the queue. */
export type VerifiedDelivery = {
  readonly channel: Channel;
  readonly bodyHash: string;
  readonly receivedAtMs: number;
  readonly verdict: Proof;
  /** A type named by a header; not covered by the signature. */
  readonly unsignedType: string | null;
};

type Puts = Pick<PayloadStore, 'put'>;

/** Above this the body goes to the payload store once, and the messages carry pointer and index. */
const inlineLimitBytes = 200_000;

/**
 * The messages of a readable body: one an item, redacted. An item without an identity becomes a quarantine message of its own,
 * so that it does not hold up the others.
 * @param body the parsed body
 */
export async function readableMessages(
  payloads: Puts,
  delivery: VerifiedDelivery,
  body: Json,
): Promise<readonly InboxMessage[]> {
  const { channel, verdict } = delivery;
  const adapter = channel.adapter ?? genericAdapter(channel.provider, delivery.unsignedType);
  const all = adapter.split(body);
  if (!all) return [await quarantined(payloads, delivery, 'unexpected_shape', redactPayload(body), bodyShape(body))];
  const trusted = verdict.items ? new Set(verdict.items) : null;
  const given = trusted ? all.filter((_item, index) => trusted.has(index)) : all;
  const items = given.map(redactPayload);
  const drafts = items.map((item, index) => draftOrPoison(delivery, adapter, given[index] ?? null, item));
  const sizes = drafts.map((message) => Buffer.byteLength(JSON.stringify(message)));
  if (sizes.reduce((sum, size) => sum + size, 0) <= inlineLimitBytes + drafts.length * 1_000) return drafts;
  const object = await payloads.put(Buffer.from(JSON.stringify(items)));
  return drafts.map((message, index) => ({ ...message, item: { object, index } }));
}

/** The one message of a body that could not be read; its text is kept without what looks like a credential. */
export async function quarantineMessage(
  payloads: Puts,
  delivery: VerifiedDelivery,
  reason: string,
  body: Uint8Array,
): Promise<InboxMessage> {
  return quarantined(payloads, delivery, reason, redactText(Buffer.from(body).toString('utf8').toWellFormed()));
}

/** An item that its adapter cannot take is quarantined alone: one such item must not hold up the others of its batch. */
function draftOrPoison(delivery: VerifiedDelivery, adapter: WebhookAdapter, signed: Json, item: Json): InboxMessage {
  try {
    return draft(delivery, adapter, signed, item);
  } catch {
    const itemHash = sha256Hex(JSON.stringify(signed));
    return {
      ...common(delivery),
      identity: eventIdentity(delivery.channel, `unidentified:${itemHash}`),
      type: 'unreadable',
      itemHash,
      occurredAtMs: null,
      attempt: null,
      item: { inline: item },
      quarantine: 'adapter_failed',
      ...diffOf(adapter, signed),
    };
  }
}

/** Identity and hash come from the item as it was signed; only its redacted form travels. */
function draft(delivery: VerifiedDelivery, adapter: WebhookAdapter, signed: Json, item: Json): InboxMessage {
  const facts = factsOf(delivery);
  const identity = adapter.identity(signed, facts);
  const itemHash = sha256Hex(JSON.stringify(adapter.stable(signed, facts)));
  return {
    ...common(delivery),
    identity: eventIdentity(delivery.channel, identity ?? `unidentified:${itemHash}`),
    type: adapter.type(item, facts).slice(0, 200),
    itemHash,
    occurredAtMs: adapter.occurredAtMs(item),
    attempt: adapter.attempt(item),
    item: { inline: item },
    ...strangeness(adapter, signed, identity),
  };
}

/** An item that nothing tells apart, or that lacks what its provider always sends, waits for a person with the difference. */
function strangeness(adapter: WebhookAdapter, item: Json, identity: string | null) {
  const { diff } = diffOf(adapter, item);
  if (identity === null) return { quarantine: 'no_identity', ...(diff ? { diff } : {}) };
  return diff ? { quarantine: 'drifted', diff } : {};
}

function diffOf(adapter: WebhookAdapter, item: Json): { readonly diff?: readonly string[] } {
  const diff = adapter.shape ? shapeDiff(adapter.shape, item) : [];
  return diff.length === 0 ? {} : { diff };
}

async function quarantined(
  payloads: Puts,
  delivery: VerifiedDelivery,
  reason: string,
  item: Json,
  diff: readonly string[] = [],
): Promise<InboxMessage> {
  const bytes = Buffer.from(JSON.stringify([item]));
  const large = bytes.length > inlineLimitBytes;
  return {
    ...common(delivery),
    identity: eventIdentity(delivery.channel, `unreadable:${delivery.bodyHash}`),
    type: 'unreadable',
    itemHash: delivery.bodyHash,
    occurredAtMs: null,
    attempt: null,
    item: large ? { object: await payloads.put(bytes), index: 0 } : { inline: item },
    quarantine: reason,
    ...(diff.length === 0 ? {} : { diff }),
  };
}

function common(delivery: VerifiedDelivery) {
  const { channel, verdict } = delivery;
  return {
    version: 1,
    system: channel.system,
    channel: channel.channel,
    scheme: channel.scheme,
    bodyHash: delivery.bodyHash,
    receivedAtMs: delivery.receivedAtMs,
    secretIndex: verdict.secretIndex,
    replay: null,
  } as const;
}

function factsOf(delivery: VerifiedDelivery): DeliveryFacts {
  const { system, channel, scheme, params } = delivery.channel;
  const signedId = delivery.verdict.signedId ?? null;
  const { bodyHash, receivedAtMs } = delivery;
  return { system, channel, scheme, bodyHash, signedId, receivedAtMs, params };
}

/**
 * The identity of an event by its channel. One that is long or holds what a path treats specially is hashed: it is a key of a
 * table, and one segment of a path at the operator door.
 */
export function eventIdentity(source: SourceName, identity: string): string {
  const short = /^[^/%?#\\\s]{1,300}$/.test(identity) ? identity : `hash:${sha256Hex(identity)}`;
  return `${source.system}#${source.channel}#${short}`;
}
