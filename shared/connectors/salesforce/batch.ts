import { path } from '../../http/path.ts';
import { isObject, type Json } from '../../model/json.ts';
import type { Classified, HttpAnswer, RequestContext, RequestSpec, WriteVerdict } from '../../model/operation.ts';
import { failedWrite, unknownOutcome } from '../write-verdict.ts';
import {
  dataPath,
  externalPath,
  isId,
  jsonOf,
  longId,
  recordPath,
  recordRef,
  refField,
  refuse,
  requestTimeoutMs,
  type SalesforceFields,
  type SalesforceObject,
  salesforceObjects,
} from './client.ts';
import { itemFailure } from './errors.ts';
import { type ExternalId, unreadable } from './reads.ts';
import { writable, writeFailure, writeHeaders } from './writes.ts';

/** The most records one collection request takes. */
export const maxCollection = 200;

/**
 * One record of a collection. `providerKey` is the key of the action that creates it: each item has one of its own, by which it
 * is found again.
 */
export type CollectionItem =
  | { readonly change: 'create'; readonly providerKey: string; readonly properties: SalesforceFields }
  | { readonly change: 'update'; readonly id: string; readonly properties: SalesforceFields }
  | { readonly change: 'upsert'; readonly externalId: ExternalId; readonly properties: SalesforceFields }
  | { readonly change: 'delete'; readonly id: string };

/** Several actions of one kind on one object. `allOrNone`: Salesforce carries out all of them or nothing. */
export type Collection = {
  readonly object: SalesforceObject;
  readonly items: readonly CollectionItem[];
  readonly allOrNone: boolean;
};

/**
 * One request for up to 200 creates, updates, upserts by one external id field, or deletes of one object. Throws `invalid_input`
 * for mixed, too many or no items.
 * @see https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_sobjects_collections.htm
 */
export function collectionRequest(
  { apiVersion }: RequestContext | { readonly apiVersion: string },
  collection: Collection,
): RequestSpec {
  const { object, items, allOrNone } = collection;
  const change = items[0]?.change;
  if (items.length > maxCollection || change === undefined || items.some((item) => item.change !== change)) {
    refuse('a collection is not 1 to 200 changes of one kind', 'Send the others in a request of their own.');
  }
  const at = `${dataPath(apiVersion)}/composite/sobjects`;
  if (change === 'delete') {
    const ids = items.flatMap((item) => ('id' in item ? [checkedId(apiVersion, object, item.id)] : []));
    const query = [['ids', ids.join(',')] as const, ['allOrNone', String(allOrNone)] as const];
    return { method: 'DELETE', path: at, query, headers: writeHeaders, timeoutMs: requestTimeoutMs };
  }
  const records = items.map((item) => recordBody(apiVersion, object, item));
  return {
    method: change === 'create' ? 'POST' : 'PATCH',
    path: change === 'upsert' ? at + externalField(apiVersion, collection) : at,
    headers: writeHeaders,
    body: { json: { allOrNone, records } },
    timeoutMs: requestTimeoutMs,
  };
}

function recordBody(apiVersion: string, object: SalesforceObject, item: CollectionItem): Json {
  const attributes = { type: salesforceObjects[object].type };
  if (item.change === 'create') return { attributes, ...writable(item.properties), [refField]: item.providerKey };
  if (item.change === 'delete') return { attributes, id: item.id };
  if (item.change === 'upsert') {
    const { field, value } = item.externalId;
    return { attributes, ...writable(withoutKey(item)), [field]: value };
  }
  return { attributes, id: checkedId(apiVersion, object, item.id), ...writable(item.properties) };
}

/** The path of the one external id field of all items, checked as in the path of a record. */
function externalField(apiVersion: string, { object, items }: Collection): string {
  const by = items.flatMap((item) => (item.change === 'upsert' ? [item.externalId] : []));
  for (const one of by) externalPath({ apiVersion }, object, one);
  const fields = [...new Set(by.map(({ field }) => field))];
  if (fields.length > 1) refuse('an upsert names two external id fields', 'Send each field in a request of its own.');
  return path`/${salesforceObjects[object].type}/${fields[0] ?? ''}`;
}

/** What is written beside the external id itself. */
function withoutKey({ externalId, properties }: CollectionItem & { readonly change: 'upsert' }): SalesforceFields {
  const key = externalId.field.toLowerCase();
  return Object.fromEntries(Object.entries(properties).filter(([name]) => name.toLowerCase() !== key));
}

/** An id that has passed the check of a path. */
function checkedId(apiVersion: string, object: SalesforceObject, id: string): string {
  recordPath({ apiVersion }, object, id);
  return id;
}

/**
 * The verdict of each item, in order. Salesforce answers one result an item; where it does not, or says the same id of two
 * items, every outcome is unknown. Where all were rolled back because of one, the others may be sent again without it.
 */
export function collectionVerdicts(answer: HttpAnswer, { object, items }: Collection): readonly WriteVerdict[] {
  const rows = answer.status === 200 ? jsonOf(answer) : undefined;
  if (answer.status !== 200) return items.map(() => writeFailure(answer));
  const results = Array.isArray(rows) ? (rows as readonly Json[]) : [];
  const ids = results.flatMap((row) => (isObject(row) && row.success === true && isId(row.id) ? [longId(row.id)] : []));
  if (results.length !== items.length || new Set(ids).size !== ids.length) {
    return items.map(() => unknownOutcome('incomplete_batch', 'Salesforce did not answer one result for each record.'));
  }
  return items.map((item, at) => itemVerdict(object, item, results[at]));
}

function itemVerdict(object: SalesforceObject, item: CollectionItem, row: Json | undefined): WriteVerdict {
  if (!isObject(row) || typeof row.success !== 'boolean') return unread('a result');
  if (!row.success) {
    return failedWrite(itemFailure(row.errors));
  }
  const id = isId(row.id) ? longId(row.id) : null;
  if (id === null || ('id' in item && longId(item.id) !== id)) return unread('about the record of this item');
  const records = [recordRef(object, id)];
  if (item.change === 'delete') return { kind: 'applied', data: { id, deleted: true }, records };
  if (item.change === 'upsert') {
    const created = row.created === true;
    return { kind: 'applied', data: { id, properties: withoutKey(item), created }, records, created };
  }
  const created = item.change === 'create';
  const data = { id, properties: item.properties, created };
  return created ? { kind: 'applied', data, records, created } : { kind: 'applied', data, records };
}

function unread(what: string): WriteVerdict {
  const error: Classified = { ...unreadable(what), class: 'unknown_outcome' };
  return { kind: 'unknown', error };
}
