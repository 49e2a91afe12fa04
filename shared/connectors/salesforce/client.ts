import { path } from '../../http/path.ts';
import { PlumblineError } from '../../model/errors.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { HttpAnswer, RecordRef, RequestContext, RequestSpec } from '../../model/operation.ts';

/** The objects of Salesforce this connector knows, as records name them. */
export type SalesforceObject = 'account' | 'contact' | 'opportunity' | 'case' | 'task';

/** A value as Salesforce keeps it. Dates and times are text. */
export type SalesforceValue = string | number | boolean | null;
export type SalesforceFields = { readonly [field: string]: SalesforceValue };

/** One record as our operations return it. Fields of a parent stand under their path, such as `Owner.Name`. */
export type SalesforceRecord = {
  readonly id: string;
  readonly properties: SalesforceFields;
  readonly createdAt: string | null;
  /** Time of the last change by a user, with whole seconds. */
  readonly updatedAt: string | null;
};

/** The custom field, External ID and Unique in Salesforce, that carries the key of the action that created a record. */
export const refField = 'Plumbline_Ref__c';

/** How long one request to Salesforce may take, milliseconds. */
export const requestTimeoutMs = 20_000;

/**
 * Records of one page: half of what Salesforce would send, since 2,000 live long enough to be moved to memory that is freed late.
 * `test/bench/salesforce-pages.ts` measures it.
 */
export const pageSize = 1000;

type ObjectFacts = {
  readonly plural: string;
  /** Salesforce's own name. */
  readonly type: string;
  /** Fields read where none are named. */
  readonly read: readonly string[];
};

/** What Salesforce calls an object, and which fields are read of it. */
export const salesforceObjects: Readonly<Record<SalesforceObject, ObjectFacts>> = {
  account: {
    plural: 'accounts',
    type: 'Account',
    read: ['Name', 'Type', 'Industry', 'Phone', 'Website', 'BillingCity', 'BillingCountry', 'OwnerId'],
  },
  contact: {
    plural: 'contacts',
    type: 'Contact',
    read: ['FirstName', 'LastName', 'Email', 'Phone', 'Title', 'AccountId', 'OwnerId'],
  },
  opportunity: {
    plural: 'opportunities',
    type: 'Opportunity',
    read: ['Name', 'StageName', 'Amount', 'CloseDate', 'IsClosed', 'IsWon', 'AccountId', 'OwnerId'],
  },
  case: {
    plural: 'cases',
    type: 'Case',
    read: ['CaseNumber', 'Subject', 'Status', 'Priority', 'Origin', 'IsClosed', 'AccountId', 'ContactId', 'OwnerId'],
  },
  task: {
    plural: 'tasks',
    type: 'Task',
    read: ['Subject', 'Status', 'Priority', 'ActivityDate', 'Description', 'WhoId', 'WhatId', 'OwnerId'],
  },
};

/** Every object name. */
export const salesforceObjectNames = Object.keys(salesforceObjects) as readonly SalesforceObject[];

/** Fields every read asks for beside those that are named: the identity and the times of a record. */
export const systemFields = ['Id', 'CreatedDate', 'LastModifiedDate'] as const;

/** Refuses an input before a request is built of it. Throws `invalid_input`; the value is never part of the text. */
export function refuse(what: string, hint: string): never {
  const details = { code: 'invalid_input', retry: 'never', hint } as const;
  throw new PlumblineError(`A request was refused before it was built: ${what}.`, details);
}

/** `/services/data/v62.0`; the version may be written with or without its `v`. */
export function dataPath(apiVersion: string): string {
  return path`/services/data/v${apiVersion.replace(/^v/, '')}`;
}

/** The path of all records of an object. */
export function objectsPath({ apiVersion }: Pick<RequestContext, 'apiVersion'>, object: SalesforceObject): string {
  return `${dataPath(apiVersion)}/sobjects/${salesforceObjects[object].type}`;
}

/**
 * The path of one record. Only an id of 15 or 18 characters is taken: `describe` and `updated` are resources at the same place.
 * Throws `invalid_input`.
 */
export function recordPath(context: Pick<RequestContext, 'apiVersion'>, object: SalesforceObject, id: string): string {
  if (!isId(id)) refuse('a record id is none of Salesforce', 'Give the id of 15 or 18 letters and digits.');
  return objectsPath(context, object) + path`/${id}`;
}

/**
 * The path of the record with this value of an external id. Only custom fields are taken, since `describe` and others are
 * resources at the same place. Throws `invalid_input`.
 */
export function externalPath(
  context: Pick<RequestContext, 'apiVersion'>,
  object: SalesforceObject,
  by: { readonly field: string; readonly value: string },
): string {
  if (!/^[A-Za-z][A-Za-z0-9_]{0,76}__c$/.test(by.field)) {
    refuse('an external id field is no custom field', 'Name a custom field that is marked External ID and Unique.');
  }
  return objectsPath(context, object) + path`/${by.field}/${by.value}`;
}

/** Whether a text has the form of a record id. */
export function isId(value: Json | undefined): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?$/.test(value);
}

/**
 * The 18-character form of an id: the 15-character one and a checksum of its letter case. Other texts stay as they are.
 * @see https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/field_types.htm
 */
export function longId(id: string): string {
  if (id.length !== 15 || !isId(id)) return id;
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345';
  const sum = (from: number) =>
    [...id.slice(from, from + 5)].reduce((bits, char, at) => bits + (/[A-Z]/.test(char) ? 2 ** at : 0), 0);
  return id + [0, 5, 10].map((from) => letters[sum(from)]).join('');
}

/** A read of one path. */
export function getSpec(at: string, query: readonly (readonly [string, string])[] = []): RequestSpec {
  return { method: 'GET', path: at, ...(query.length > 0 ? { query } : {}), timeoutMs: requestTimeoutMs };
}

/** Any JSON in an answer's body; undefined where it is none. */
export function jsonOf(answer: Pick<HttpAnswer, 'bodyText'>): Json | undefined {
  try {
    return JSON.parse(answer.bodyText) as Json;
  } catch {
    return undefined;
  }
}

/** A record as Salesforce answers it, or null where it is not one of this object. */
export function recordOf(object: SalesforceObject, value: Json | undefined): SalesforceRecord | null {
  if (!isObject(value) || !isId(value.Id)) return null;
  if (!isObject(value.attributes) || value.attributes.type !== salesforceObjects[object].type) return null;
  const properties: Record<string, SalesforceValue> = {};
  collect(properties, '', value);
  return {
    id: longId(value.Id),
    properties,
    createdAt: textOrNull(value.CreatedDate),
    updatedAt: textOrNull(value.LastModifiedDate),
  };
}

/** Plain values under their names; those of a parent under its path. Other structures, such as addresses, are not read. */
function collect(into: Record<string, SalesforceValue>, prefix: string, value: JsonObject): void {
  for (const [name, held] of Object.entries(value)) {
    if (name === 'attributes') continue;
    if (held === null || typeof held !== 'object') into[prefix + name] = held;
    else if (isObject(held) && isObject(held.attributes) && prefix.split('.').length <= 5)
      collect(into, `${prefix}${name}.`, held);
  }
}

/** A record reference. The first part names the connector; the caller puts the configured system there. */
export function recordRef(object: SalesforceObject, id: string): RecordRef {
  return ['salesforce', object, id];
}

function textOrNull(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null;
}
