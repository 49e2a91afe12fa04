import { sha256Hex } from '../../model/ids.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { PlannedCall, RecordRef } from '../../model/operation.ts';
import type { DeliveryFacts, WebhookAdapter } from '../../webhooks/adapter.ts';
import { stripeOn } from './calls.ts';
import { type StripeObject, stripeObjectNames, stripeObjects } from './client.ts';

/**
 * Stripe's notifications: one event a delivery, whole (`event`) or thin (`v2.core.event`, which names its record and nothing
 * of it). An event's id is its identity. A channel may declare event types that tell one and the same change, such as
 * `same: "invoice.paid = invoice.payment_succeeded"`: the first one of a record is processed under the first name, the others
 * are its duplicates. Declare only what happens once to a record.
 * @see https://docs.stripe.com/webhooks and https://docs.stripe.com/event-destinations#thin-events
 */
export const webhookAdapter: WebhookAdapter = {
  schemes: ['stripe'],
  shape: { id: 'text', object: 'text', type: 'text' },
  split: (body) => (isEvent(body) ? [body] : null),
  identity,
  stable: (item, delivery) => {
    if (!isEvent(item)) return item;
    const change = declaredChange(item, delivery);
    if (change) return change;
    // How many deliveries are still to come changes between attempts.
    const { pending_webhooks: _pending, ...rest } = item;
    return rest;
  },
  type: (item, delivery) => {
    if (!isEvent(item)) return 'unknown';
    return declaredChange(item, delivery)?.type ?? typeOf(item) ?? 'unknown';
  },
  occurredAtMs,
  attempt: () => null,
  account: (item) => {
    const accountId = isObject(item) ? accountOf(item) : 'own';
    return accountId === 'own' ? null : { accountId };
  },
  reRead: (item, system) => {
    const about = aboutOf(item);
    return about?.object ? getCall(system, about.object, about.id) : null;
  },
  record: (item, system): RecordRef | null => {
    const about = aboutOf(item);
    return about ? [system, about.object ?? about.named, about.id] : null;
  },
};

type Event = JsonObject & { readonly id: string };

function isEvent(value: Json): value is Event {
  if (!isObject(value) || (value.object !== 'event' && value.object !== 'v2.core.event')) return false;
  return typeof value.id === 'string' && /^evt_[A-Za-z0-9_]{1,200}$/.test(value.id);
}

function identity(item: Json, delivery: DeliveryFacts): string | null {
  if (!isEvent(item) || typeOf(item) === null) return null;
  const account = accountOf(item);
  const change = declaredChange(item, delivery);
  return change ? `${account}-${sha256Hex(JSON.stringify(change)).slice(0, 40)}` : `${account}-${item.id}`;
}

/** Events of connected accounts name theirs; thin events carry it as `context`. */
function accountOf(item: JsonObject): string {
  const named = item.account ?? item.context;
  return typeof named === 'string' && /^acct_[A-Za-z0-9]{1,60}$/.test(named) ? named : 'own';
}

function typeOf(item: JsonObject): string | null {
  return typeof item.type === 'string' && /^[a-z0-9_.[\]]{3,120}$/.test(item.type) ? item.type : null;
}

/** The one change that the channel says several types tell, of this record; null where the type is none of them. */
function declaredChange(item: JsonObject, delivery?: DeliveryFacts): { type: string; record: string } | null {
  const type = typeOf(item);
  const about = aboutOf(item);
  if (type === null || about === null) return null;
  const groups = (delivery?.params?.same ?? '').split(';').map((group) => group.split('=').map((name) => name.trim()));
  const group = groups.find((names) => names.length > 1 && names.includes(type));
  return group?.[0] ? { type: group[0], record: about.id } : null;
}

/** The record an event is about: inside a whole event, named by a thin one. Only a plain id is taken. */
function aboutOf(item: Json): { object: StripeObject | null; named: string; id: string } | null {
  if (!isObject(item)) return null;
  const inside = isObject(item.data) ? item.data.object : undefined;
  const named = item.object === 'v2.core.event' ? item.related_object : inside;
  if (!isObject(named) || typeof named.id !== 'string' || !/^[A-Za-z0-9_]{1,120}$/.test(named.id)) return null;
  const kind = typeof named.object === 'string' ? named.object : named.type;
  if (typeof kind !== 'string' || !/^[a-z0-9_.]{1,80}$/.test(kind)) return null;
  return {
    object: stripeObjectNames.find((name) => stripeObjects[name].type === kind) ?? null,
    named: kind,
    id: named.id,
  };
}

function getCall(system: string, object: StripeObject, id: string): PlannedCall {
  const calls = stripeOn(system);
  const byObject = {
    customer: calls.customers,
    product: calls.products,
    price: calls.prices,
    invoice: calls.invoices,
    invoice_item: calls.invoiceItems,
    refund: calls.refunds,
    payment_intent: calls.paymentIntents,
  };
  return byObject[object].get(id);
}

/** Whole events count seconds, thin ones write a date. */
function occurredAtMs(item: Json): number | null {
  const created = isObject(item) ? item.created : undefined;
  if (typeof created === 'number' && Number.isSafeInteger(created) && created >= 0) return created * 1000;
  const parsed = typeof created === 'string' ? Date.parse(created) : Number.NaN;
  return Number.isFinite(parsed) ? parsed : null;
}
