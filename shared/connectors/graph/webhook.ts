import { sha256Hex } from '../../model/ids.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { PlannedCall, RecordRef } from '../../model/operation.ts';
import type { DeliveryFacts, WebhookAdapter } from '../../webhooks/adapter.ts';
import { graphOn } from './calls.ts';
import { isId, textOrNull } from './client.ts';

/** Reauthorization is asked for again every 15 minutes while it is due; what comes within this time is one demand. */
const sameDemandMs = 600_000;

const lifecycleEvents = ['reauthorizationRequired', 'subscriptionRemoved', 'missed'];

/**
 * Notifications of Microsoft Graph: several a delivery, of any tenant and subscription, without ids of their own. What identifies
 * a change is the record, what happened to it and its version; where Graph names no version, the same within ten minutes is one.
 * Lifecycle notifications are events of their own types and name no record: `lifecycle.reauthorizationRequired` asks to renew the
 * subscription, `lifecycle.subscriptionRemoved` to make it again, `lifecycle.missed` to read the changes by delta.
 * @see https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks
 * and https://learn.microsoft.com/en-us/graph/change-notifications-lifecycle-events
 */
export const webhookAdapter: WebhookAdapter = {
  schemes: ['graph'],
  shape: { subscriptionId: 'text', tenantId: 'text' },
  split: (body) => (isObject(body) && Array.isArray(body.value) && body.value.length > 0 ? body.value : null),
  identity,
  // The end of the subscription moves with each renewal, and the client state with each rotation of the secret.
  stable: (item) => {
    if (!isObject(item)) return item;
    const { subscriptionExpirationDateTime: _end, clientState: _secret, ...rest } = item;
    return rest;
  },
  type: (item) => {
    if (!isObject(item)) return 'unknown';
    const lifecycle = lifecycleOf(item);
    if (lifecycle) return `lifecycle.${lifecycle}`;
    const [about, change] = [aboutOf(item), changeOf(item)];
    return about && change ? `${about.object}.${change}` : 'unknown';
  },
  // No notification says when it happened.
  occurredAtMs: () => null,
  attempt: () => null,
  account: (item) => {
    const tenantId = isObject(item) ? guid(item.tenantId) : null;
    return tenantId === null ? null : { tenantId };
  },
  reRead: (item, system) => {
    const about = isObject(item) && lifecycleOf(item) === null ? aboutOf(item) : null;
    return about ? readCall(system, about) : null;
  },
  record: (item, system): RecordRef | null => {
    if (!isObject(item)) return null;
    const subscriptionId = guid(item.subscriptionId);
    if (lifecycleOf(item) !== null) return subscriptionId === null ? null : [system, 'subscription', subscriptionId];
    const about = aboutOf(item);
    return about ? [system, about.object, about.id] : null;
  },
};

function identity(item: Json, delivery: DeliveryFacts): string | null {
  if (!isObject(item)) return null;
  const [tenantId, subscriptionId] = [guid(item.tenantId), guid(item.subscriptionId)];
  if (tenantId === null || subscriptionId === null) return null;
  const window = String(Math.floor(delivery.receivedAtMs / sameDemandMs));
  const lifecycle = lifecycleOf(item);
  if (lifecycle) return named([tenantId, subscriptionId, lifecycle, window]);
  const [about, change] = [aboutOf(item), changeOf(item)];
  if (about === null || change === null) return null;
  return named([tenantId, subscriptionId, change, about.object, about.userId, about.id, about.etag ?? `@${window}`]);
}

/** A hash: an identity stands on the ledger, and a mailbox may be named by an address. */
function named(parts: readonly string[]): string {
  return sha256Hex(JSON.stringify(parts)).slice(0, 40);
}

function guid(value: Json | undefined): string | null {
  const text = textOrNull(value);
  return text !== null && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) ? text.toLowerCase() : null;
}

function lifecycleOf(item: JsonObject): string | null {
  const event = textOrNull(item.lifecycleEvent);
  return event !== null && lifecycleEvents.includes(event) ? event : null;
}

function changeOf(item: JsonObject): string | null {
  const change = textOrNull(item.changeType);
  return change !== null && ['created', 'updated', 'deleted'].includes(change) ? change : null;
}

type About = {
  readonly object: 'user' | 'message' | 'event';
  readonly userId: string;
  readonly id: string;
  readonly etag: string | null;
};

const resourceForm =
  /^\/?users(?:\/|\(')([^/()']+)(?:'\))?(?:\/(?:mailFolders(?:\/|\(')[^/()']+(?:'\))?\/)?(messages|events)(?:\/|\(')([^/()']+)(?:'\))?)?$/i;

/** The record a notification names, by its path; only plain ids are taken. */
function aboutOf(item: JsonObject): About | null {
  const data = isObject(item.resourceData) ? item.resourceData : {};
  const match = resourceForm.exec(textOrNull(item.resource) ?? '');
  const userId = match?.[1];
  if (!isId(userId)) return null;
  // Objects of the directory name a number of the change instead.
  const { sequenceNumber } = data;
  const numbered = typeof sequenceNumber === 'number' || typeof sequenceNumber === 'string';
  const etag = textOrNull(data['@odata.etag']) ?? (numbered ? String(sequenceNumber) : null);
  const list = match?.[2]?.toLowerCase();
  if (list === undefined) return { object: 'user', userId, id: userId, etag };
  const id = match?.[3];
  if (!isId(id)) return null;
  return { object: list === 'events' ? 'event' : 'message', userId, id, etag };
}

function readCall(system: string, { object, userId, id }: About): PlannedCall {
  const { users, messages, events } = graphOn(system);
  if (object === 'user') return users.get(userId);
  return object === 'message' ? messages.get(userId, id) : events.get(userId, id);
}
