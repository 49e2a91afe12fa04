import { createHmac } from 'node:crypto';
import { mintEventHandle } from '../../action/event-handle.ts';
import { decodeStrict } from '../encoding.ts';
import type { DeliveryMessage } from './ports.ts';
import { deliveryId } from './subscribers.ts';

/** What is posted to a subscriber: the bytes and the headers that sign them. */
export type SignedDelivery = { readonly body: Uint8Array; readonly headers: Readonly<Record<string, string>> };

/**
 * The delivery of an event under Standard Webhooks: its type, and ids. The subscriber reads the record itself, under its own
 * permission. The body and `webhook-id` are the same for every attempt; the signature covers the attempt's time. During a
 * rotation it is signed under both secrets.
 * @param input.keys of the endpoint's secret, current first; see {@link signingKey}
 * @param input.handleKey the key under which event handles are made
 * @see https://www.standardwebhooks.com
 */
export function signedDelivery(input: {
  readonly message: DeliveryMessage;
  readonly keys: readonly Uint8Array[];
  readonly handleKey: Uint8Array;
  readonly nowMs: number;
}): SignedDelivery {
  const { message } = input;
  const id = deliveryId(message);
  const atS = String(Math.floor(input.nowMs / 1000));
  const body = Buffer.from(JSON.stringify(contentOf(message, input.handleKey)));
  const signatures = input.keys.map((key) => {
    const mac = createHmac('sha256', key).update(`${id}.${atS}.`).update(body);
    return `v1,${mac.digest('base64')}`;
  });
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'plumbline',
      'webhook-id': id,
      'webhook-timestamp': atS,
      'webhook-signature': signatures.join(' '),
    },
  };
}

function contentOf(
  { eventId, agent, type, system, record, occurredAtMs, queuedAtMs }: DeliveryMessage,
  key: Uint8Array,
) {
  const handle = mintEventHandle(key, { eventId, principal: `agent:${agent}`, atMs: queuedAtMs });
  const [object = null, ...rest] = record?.split('/') ?? [];
  return {
    type,
    timestamp: new Date(queuedAtMs).toISOString(),
    data: {
      event_id: eventId,
      event_handle: handle,
      system,
      record: object === null ? null : { object, id: rest.join('/') },
      occurred_at: occurredAtMs === null ? null : new Date(occurredAtMs).toISOString(),
    },
  };
}

/** Shorter keys are none: the standard's least. */
const leastKeyBytes = 24;

/**
 * The key in an endpoint's secret: `whsec_` and base64 is the key itself, as the standard writes it; any other text is taken as it
 * stands. Null where it is no base64 or too short: with such a key anybody could sign in our name.
 */
export function signingKey(secret: string): Uint8Array | null {
  const prefix = 'whsec_';
  const key = secret.startsWith(prefix) ? decodeStrict(secret.slice(prefix.length), 'base64') : Buffer.from(secret);
  return key && key.byteLength >= leastKeyBytes ? key : null;
}
