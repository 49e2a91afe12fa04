import { sha256Hex } from '../../model/ids.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { WebhookAdapter } from '../../webhooks/adapter.ts';
import { hubspotOn } from './calls.ts';
import { type HubspotObject, hubspotObjectNames, hubspotObjects, idText } from './client.ts';

/**
 * HubSpot's notifications: an array of up to 100 items. `eventId` alone is documented as not unique, so the identity is
 * a hash over everything that tells two events apart; a hash, because property values are personal data.
 * @see https://developers.hubspot.com/docs/api-reference/webhooks-webhooks-v3/guide
 */
export const webhookAdapter: WebhookAdapter = {
  schemes: ['hubspot-v3'],
  shape: { portalId: 'number', subscriptionType: 'text', occurredAt: 'number' },
  split: (body) => (Array.isArray(body) ? (body as readonly Json[]) : null),
  identity,
  stable: (item) => {
    if (!isObject(item)) return item;
    const { attemptNumber: _attempt, ...rest } = item;
    return rest;
  },
  type: (item) => typeOf(item) ?? 'unknown',
  occurredAtMs: (item) => numberOf(item, 'occurredAt'),
  attempt: (item) => numberOf(item, 'attemptNumber'),
  reRead,
  account: (item) => {
    const portalId = isObject(item) ? idText(item.portalId) : null;
    return portalId === null ? null : { portalId };
  },
  record: (item, system) => {
    const [object, id] = isObject(item) ? [objectOf(item), recordIdOf(item)] : [null, null];
    return object && id !== null ? [system, object, id] : null;
  },
};

function identity(item: Json): string | null {
  if (!isObject(item)) return null;
  const portalId = idText(item.portalId);
  const record = recordIdOf(item);
  const type = typeOf(item);
  if (portalId === null || record === null || type === null || numberOf(item, 'occurredAt') === null) return null;
  const rest = ['appId', 'subscriptionId', 'eventId', 'occurredAt', 'propertyName', 'propertyValue'] as const;
  const association = [
    'fromObjectId',
    'toObjectId',
    'associationType',
    'associationRemoved',
    'mergedObjectIds',
  ] as const;
  const parts = [type, record, ...[...rest, ...association].map((name) => item[name] ?? null)];
  return `${portalId}-${sha256Hex(JSON.stringify(parts)).slice(0, 40)}`;
}

/** The generic subscriptions name the object by type id: `object.creation` of `0-3` is `deal.creation`. */
function typeOf(item: Json): string | null {
  const raw = isObject(item) ? item.subscriptionType : undefined;
  if (typeof raw !== 'string' || !/^[A-Za-z_]+\.[A-Za-z_]+$/.test(raw)) return null;
  const object = isObject(item) ? objectOf(item) : null;
  return raw.startsWith('object.') && object ? `${object}.${raw.slice('object.'.length)}` : raw;
}

function objectOf(item: JsonObject): HubspotObject | null {
  const named = typeof item.subscriptionType === 'string' ? item.subscriptionType.split('.')[0] : '';
  const typeId = item.objectTypeId ?? item.fromObjectTypeId;
  const byName = hubspotObjectNames.find((name) => name === named);
  return byName ?? hubspotObjectNames.find((name) => hubspotObjects[name].typeId === typeId) ?? null;
}

/** An association change names no `objectId`: it is about the record it starts from. */
function recordIdOf(item: JsonObject): string | null {
  const id = idText(item.objectId) ?? idText(item.fromObjectId);
  return id !== null && /^[0-9]{1,20}$/.test(id) ? id : null;
}

function reRead(item: Json, system: string) {
  if (!isObject(item)) return null;
  const [object, id] = [objectOf(item), recordIdOf(item)];
  if (!object || id === null) return null;
  const calls = hubspotOn(system);
  const plural = hubspotObjects[object].plural as keyof typeof calls;
  return calls[plural].get(id);
}

function numberOf(item: Json, name: string): number | null {
  const value = isObject(item) ? item[name] : undefined;
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}
