import { createHmac } from 'node:crypto';
import { createDeliveries, type Deliveries, statusOf } from '../deliveries.ts';
import type { Account, Body } from './account.ts';
import { isEnabled, registerEndpoint, switchEndpoint } from './endpoint.ts';

/** Where the account's one event destination delivers. */
export type WebhookTarget = {
  readonly url: string;
  /** The address that it is registered under, if it is not `url`. */
  readonly publicUrl?: string;
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
  /**
   * Switches the endpoint off after so many failed attempts in a row; null: never. Stripe does it after some days, and documents
   * no number.
   */
  disableAfter(attempts: number | null): void;
  /** Switches the endpoint on or off, as somebody does in the dashboard; false where there is none. */
  turn(status: 'enabled' | 'disabled'): boolean;
};

/** The signature header. @see https://docs.stripe.com/webhooks/signature */
export function signatureHeader(secret: string, body: string, atS: number): string {
  return `t=${atS},v1=${createHmac('sha256', secret).update(`${atS}.${body}`).digest('hex')}`;
}

/**
 * Sends each event by itself, signed, at least once; a restart sends again what was not acknowledged. To an endpoint that is
 * switched off nothing is sent, and what happened meanwhile is not sent later.
 */
export function createWebhookSender(account: Account, retryDelaysMs: readonly number[]): WebhookSender {
  const { clock, file } = account;
  const failing = { inARow: 0, most: Number.POSITIVE_INFINITY };
  const addressOf = ({ publicUrl, url }: WebhookTarget) => publicUrl ?? url;
  const deliveries: Omit<WebhookSender, 'onEvent' | 'disableAfter' | 'turn'> = createDeliveries({
    ...{ clock, file, retryDelaysMs, kind: 'webhook', atOnce: 1 },
    async send(target: WebhookTarget, { event }: Waiting) {
      if (!isEnabled(account, addressOf(target))) return { status: null, last: true };
      const body = JSON.stringify(target.thin ? thinEvent(event) : event, null, 2);
      const headers = {
        'content-type': 'application/json; charset=utf-8',
        'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
        'stripe-signature': signatureHeader(target.secret, body, Math.floor(clock.now() / 1000)),
      };
      const answered = await statusOf(target.url, { headers, body, withinMs: 10_000, closed: deliveries.closed });
      const isAccepted = answered.status !== null && answered.status >= 200 && answered.status < 300;
      failing.inARow = isAccepted ? 0 : failing.inARow + 1;
      if (failing.inARow >= failing.most) switchEndpoint(account, addressOf(target), 'disabled');
      return answered;
    },
    says: ({ event }) => ({ event: event.id, type: String(event.type) }),
  });
  return {
    ...deliveries,
    target(target) {
      if (target !== null) registerEndpoint(account, addressOf(target), target.types);
      deliveries.target(target);
    },
    onEvent(event) {
      const target = deliveries.aimedAt();
      if (target === null || (target.types && !target.types.includes(String(event.type)))) return;
      if (isEnabled(account, addressOf(target))) deliveries.offer(() => ({ id: event.id, event, attempt: 0 }));
    },
    disableAfter(attempts) {
      failing.most = attempts ?? Number.POSITIVE_INFINITY;
    },
    turn(status) {
      const target = deliveries.aimedAt();
      failing.inARow = 0;
      if (target !== null) switchEndpoint(account, addressOf(target), status);
      return target !== null;
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
