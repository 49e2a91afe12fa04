import { createHmac } from 'node:crypto';
import { createDeliveries, type Deliveries, type DeliveryWay, statusOf } from '../deliveries.ts';
import type { Body } from './account.ts';

/** Where the account's one event destination delivers. */
export type WebhookTarget = {
  readonly url: string;
  /** The destination's signing secret, `whsec_…`, used as text. */
  readonly secret: string;
  /** Thin events name the record and nothing of it. */
  readonly thin?: boolean;
  /** Only these event types; absent: all. */
  readonly types?: readonly string[];
};

/** Delays between attempts of a sandbox, milliseconds; one more attempt than delays. */
export const defaultRetryDelaysMs: readonly number[] = [60_000, 900_000, 3_600_000];

type Waiting = { readonly id: string; readonly event: Body; readonly attempt: number };

/** The sender of webhooks. */
export type WebhookSender = Deliveries<WebhookTarget, Waiting, { readonly event: string; readonly type: string }> & {
  onEvent(event: Body): void;
};

/** The signature header. @see https://docs.stripe.com/webhooks/signature */
export function signatureHeader(secret: string, body: string, atS: number): string {
  return `t=${atS},v1=${createHmac('sha256', secret).update(`${atS}.${body}`).digest('hex')}`;
}

/** Sends each event by itself, signed, at least once; a restart sends again what was not acknowledged. */
export function createWebhookSender(
  deps: Pick<DeliveryWay<WebhookTarget, Waiting, object>, 'clock' | 'file' | 'retryDelaysMs'>,
): WebhookSender {
  const deliveries: Omit<WebhookSender, 'onEvent'> = createDeliveries({
    ...deps,
    kind: 'webhook',
    atOnce: 1,
    send: (target: WebhookTarget, { event }: Waiting) => {
      const body = JSON.stringify(target.thin ? thinEvent(event) : event, null, 2);
      const headers = {
        'content-type': 'application/json; charset=utf-8',
        'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
        'stripe-signature': signatureHeader(target.secret, body, Math.floor(deps.clock.now() / 1000)),
      };
      return statusOf(target.url, { headers, body, withinMs: 10_000, closed: deliveries.closed });
    },
    says: ({ event }) => ({ event: event.id, type: String(event.type) }),
  });
  return {
    ...deliveries,
    onEvent(event) {
      const target = deliveries.aimedAt();
      if (target === null || (target.types && !target.types.includes(String(event.type)))) return;
      deliveries.offer(() => ({ id: event.id, event, attempt: 0 }));
    },
  };
}

/** The thin form of an event: what happened to which record, and where to read the rest. */
export function thinEvent(event: Body): Record<string, unknown> {
  const record = (event.data as { object: Body }).object;
  const related = { id: record.id, type: record.object, url: `/v1/${record.object}s/${record.id}` };
  const created = new Date(Number(event.created) * 1000).toISOString();
  const { id, livemode, type } = event;
  return {
    id,
    object: 'v2.core.event',
    context: null,
    created,
    livemode,
    reason: null,
    related_object: related,
    type: `v1.${String(type)}`,
  };
}
