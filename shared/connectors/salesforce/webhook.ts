import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { WebhookAdapter } from '../../webhooks/adapter.ts';
import { salesforceOn } from './calls.ts';
import { isId, longId, type SalesforceObject, salesforceObjectNames } from './client.ts';

/**
 * Outbound Messages: 1 to 100 notifications a delivery, each with an id of its own that stays the same over the attempts of
 * 24 hours. A notification carries the fields its administrator chose, as they are at the time of sending; the record is read
 * again before anything is believed.
 * @see https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_om_outboundmessaging_notifications.htm
 */
export const webhookAdapter: WebhookAdapter = {
  schemes: ['salesforce-outbound'],
  shape: { OrganizationId: 'text', Id: 'text', sObject: 'object' },
  split: (body) => (Array.isArray(body) && body.length > 0 ? (body as readonly Json[]) : null),
  identity: (item) => {
    const [organization, notification] = isObject(item) ? [organizationOf(item), item.Id] : [null, null];
    return organization && isId(notification) ? `${organization}-${longId(notification)}` : null;
  },
  // What is sent again shows the record as it is then: only which notification it is, and of what, stays the same.
  stable: (item) => {
    if (!isObject(item)) return item;
    const { Id = null, OrganizationId = null, ActionId = null } = item;
    return { Id, OrganizationId, ActionId, record: recordIdOf(item) };
  },
  type: (item) => {
    const object = isObject(item) ? objectOf(item) : null;
    return object ? `${object}.outbound` : 'unknown';
  },
  occurredAtMs: (item) => {
    const fields = isObject(item) && isObject(item.sObject) ? item.sObject : {};
    const parsed = typeof fields.SystemModstamp === 'string' ? Date.parse(fields.SystemModstamp) : Number.NaN;
    return Number.isFinite(parsed) ? parsed : null;
  },
  attempt: () => null,
  account: (item) => {
    const organizationId = isObject(item) ? organizationOf(item) : null;
    return organizationId ? { organizationId } : null;
  },
  reRead: (item, system) => {
    const [object, id] = isObject(item) ? [objectOf(item), recordIdOf(item)] : [null, null];
    return object && id ? getCall(system, object, id) : null;
  },
  record: (item, system) => {
    const [object, id] = isObject(item) ? [objectOf(item), recordIdOf(item)] : [null, null];
    return object && id ? [system, object, id] : null;
  },
};

/** The first three characters of an id say of which object the record is. */
const prefixes: Readonly<Record<SalesforceObject, string>> = {
  account: '001',
  contact: '003',
  opportunity: '006',
  case: '500',
  task: '00T',
};

function organizationOf(item: JsonObject): string | null {
  const id = item.OrganizationId;
  return isId(id) && id.startsWith('00D') ? longId(id) : null;
}

function recordIdOf(item: JsonObject): string | null {
  const id = isObject(item.sObject) ? item.sObject.Id : undefined;
  return isId(id) ? longId(id) : null;
}

function objectOf(item: JsonObject): SalesforceObject | null {
  const id = recordIdOf(item);
  return salesforceObjectNames.find((object) => id?.startsWith(prefixes[object])) ?? null;
}

function getCall(system: string, object: SalesforceObject, id: string) {
  const { accounts, contacts, opportunities, cases, tasks } = salesforceOn(system);
  return { account: accounts, contact: contacts, opportunity: opportunities, case: cases, task: tasks }[object].get(id);
}
