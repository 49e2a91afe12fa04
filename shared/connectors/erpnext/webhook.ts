import { sha256Hex } from '../../model/ids.ts';
import { isObject, type JsonObject } from '../../model/json.ts';
import type { PlannedCall } from '../../model/operation.ts';
import type { WebhookAdapter } from '../../webhooks/adapter.ts';
import { type ErpnextObject, erpnextObjectNames, erpnextObjects, isName, isSiteTime } from './client.ts';

/**
 * Frappe's webhooks: one document a delivery, as the JSON template of the webhook has it, and no id of the delivery. The template
 * names site, event, doctype, name and modified; these five together are the identity, since a change moves `modified`. The
 * document is read again before anything is believed.
 * @see https://docs.frappe.io/framework/user/en/guides/integration/webhooks
 */
export const webhookAdapter: WebhookAdapter = {
  schemes: ['frappe'],
  shape: { site: 'text', doctype: 'text', name: 'text', modified: 'text' },
  split: (body) => (isObject(body) ? [body] : null),
  identity: (item) => {
    if (!isObject(item)) return null;
    const { site, doctype, name, modified } = item;
    const event = eventOf(item);
    const whole = isName(site) && isName(doctype) && isName(name) && isSiteTime(modified) && event !== null;
    // Names of documents may be names of people, and an identity stands on the ledger.
    return whole ? `${event}-${sha256Hex(JSON.stringify([site, doctype, name, event, modified])).slice(0, 40)}` : null;
  },
  stable: (item) => item,
  type: (item) => {
    const object = isObject(item) ? objectOf(item) : null;
    const event = isObject(item) ? eventOf(item) : null;
    return object && event ? `${object}.${event}` : 'unknown';
  },
  // The time is one of the site, and its zone is not told.
  occurredAtMs: () => null,
  attempt: () => null,
  account: (item) => (isObject(item) && typeof item.site === 'string' ? { site: item.site } : null),
  reRead: (item, system) => {
    const [object, id] = isObject(item) ? [objectOf(item), item.name] : [null, null];
    return object && isName(id) ? getCall(system, object, id) : null;
  },
  record: (item, system) => {
    const [object, id] = isObject(item) ? [objectOf(item), item.name] : [null, null];
    return object && isName(id) ? [system, object, id] : null;
  },
};

/** @see https://docs.frappe.io/framework/user/en/basics/doctypes/controllers */
const events = [
  'after_insert',
  'on_update',
  'on_submit',
  'on_cancel',
  'on_trash',
  'on_update_after_submit',
  'on_change',
];

function eventOf(item: JsonObject): string | null {
  const event = item.event ?? item.docevent;
  return typeof event === 'string' && events.includes(event) ? event : null;
}

function objectOf(item: JsonObject): ErpnextObject | null {
  return erpnextObjectNames.find((object) => erpnextObjects[object].docType === item.doctype) ?? null;
}

function getCall(system: string, object: ErpnextObject, id: string): PlannedCall {
  const { plural, read } = erpnextObjects[object];
  return { operation: `erpnext.${plural}.get`, system, input: { id, fields: read } };
}
