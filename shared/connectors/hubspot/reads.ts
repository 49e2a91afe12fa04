import { path } from '../../http/path.ts';
import { sha256Hex } from '../../model/ids.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { Classified, HttpAnswer, ReadOperation, ReadVerdict } from '../../model/operation.ts';
import { bodyOf } from '../json-body.ts';
import {
  crmPath,
  type HubspotObject,
  type HubspotRecord,
  hubspotObjects,
  idText,
  objectsPath,
  readOne,
  recordOf,
  refProperty,
} from './client.ts';
import { hubspotFailure } from './errors.ts';

/** One comparison of a search. @see https://developers.hubspot.com/docs/api-reference/search/guide */
export type HubspotFilter = {
  readonly property: string;
  readonly operator:
    | 'EQ'
    | 'NEQ'
    | 'LT'
    | 'LTE'
    | 'GT'
    | 'GTE'
    | 'BETWEEN'
    | 'IN'
    | 'NOT_IN'
    | 'HAS_PROPERTY'
    | 'NOT_HAS_PROPERTY'
    | 'CONTAINS_TOKEN'
    | 'NOT_CONTAINS_TOKEN';
  readonly value?: string;
  readonly highValue?: string;
  readonly values?: readonly string[];
};

export type GetInput = {
  readonly id: string;
  /** The unique property whose value `id` is; absent = HubSpot's own id. */
  readonly idProperty?: string;
  readonly properties: readonly string[];
  readonly associations?: readonly HubspotObject[];
};

export type FindInput = {
  /** Properties and the values they must all have. */
  readonly by: { readonly [property: string]: string };
  readonly properties: readonly string[];
  /** Only together with a unique property: HubSpot's search answers no associations. */
  readonly associations?: readonly HubspotObject[];
};

export type SearchInput = {
  /** Any of the groups, all filters of a group. */
  readonly filters: readonly (readonly HubspotFilter[])[];
  readonly properties: readonly string[];
  readonly sort?: { readonly property: string; readonly direction: 'ASCENDING' | 'DESCENDING' };
  /** At most 200; default 100. */
  readonly limit?: number;
  readonly after?: string;
};

export type ListInput = {
  readonly properties: readonly string[];
  /** At most 100; default 100. */
  readonly limit?: number;
  readonly after?: string;
  readonly archived?: boolean;
  readonly associations?: readonly HubspotObject[];
};

/** Properties that HubSpot keeps unique by itself, beside the one of ours. */
const uniqueProperties: Readonly<Partial<Record<HubspotObject, readonly string[]>>> = { contact: ['email'] };

/** The unique property a lookup uses, or null where only a search can answer. */
export function uniqueOf(object: HubspotObject, by: FindInput['by']): string | null {
  const [name, ...others] = Object.keys(by);
  if (name === undefined || others.length > 0) return null;
  return name === refProperty || uniqueProperties[object]?.includes(name) ? name : null;
}

/** Turns an unexpected answer to a read into its error: a read has no outcome that could be unknown. */
export function readError(answer: HttpAnswer): ReadVerdict {
  const { error } = hubspotFailure(answer);
  return { kind: 'error', error: error.class === 'unknown_outcome' ? { ...error, class: 'transient' } : error };
}

/** The error of an answer that says success and cannot be read. */
export function unreadable(what: string): Classified {
  return { class: 'transient', code: 'unreadable_answer', message: `HubSpot's answer is not ${what}.` };
}

/**
 * The error of a record that lacks a property it was asked for. HubSpot answers an empty property as null and leaves
 * out one that does not exist: a renamed field must not read as empty.
 */
export function missingProperty(record: HubspotRecord, asked: readonly string[]): Classified | null {
  const missing = asked.find((name) => !Object.hasOwn(record.properties, name));
  if (missing === undefined) return null;
  return {
    class: 'schema',
    code: 'property_missing',
    message: `HubSpot did not answer the property ${missing}: it does not exist, or not any more.`,
    target: missing,
  };
}

function readable(answer: HttpAnswer, asked: readonly string[], data: (body: JsonObject) => Json | null): ReadVerdict {
  if (answer.status !== 200) return readError(answer);
  const body = bodyOf(answer);
  const value = body ? data(body) : null;
  if (value === null) return { kind: 'error', error: unreadable('the expected JSON') };
  const records = isObject(value) && Array.isArray(value.results) ? value.results : [value];
  for (const record of records as readonly HubspotRecord[]) {
    const error = missingProperty(record, asked);
    if (error) return { kind: 'error', error };
  }
  return { kind: 'ok', data: value };
}

/** A page of records, or null where one of them cannot be read: none is left out silently. */
function pageOf(body: JsonObject): { results: HubspotRecord[]; total: number | null; after: string | null } | null {
  if (!Array.isArray(body.results)) return null;
  const results: HubspotRecord[] = [];
  for (const entry of body.results as readonly Json[]) {
    const record = recordOf(entry);
    if (!record) return null;
    results.push(record);
  }
  const next = isObject(body.paging) && isObject(body.paging.next) ? body.paging.next.after : undefined;
  return { results, total: typeof body.total === 'number' ? body.total : null, after: idText(next) };
}

function searchBody(input: SearchInput): Json {
  return {
    filterGroups: input.filters.map((group) => ({
      filters: group.map(({ property, ...rest }) => ({ propertyName: property, ...rest })),
    })),
    sorts: input.sort ? [{ propertyName: input.sort.property, direction: input.sort.direction }] : [],
    properties: input.properties,
    limit: Math.min(input.limit ?? 100, 200),
    after: input.after ?? '0',
  };
}

const named = (object: HubspotObject, verb: string) => ({
  kind: 'read' as const,
  id: `hubspot.${hubspotObjects[object].plural}.${verb}`,
  connector: 'hubspot',
  scopes: object === 'note' ? ['crm.objects.contacts.read'] : [`crm.objects.${hubspotObjects[object].plural}.read`],
});

/** Reads one record by id or unique property, with the ids of its associated records in the same request. */
export function getOperation(object: HubspotObject): ReadOperation<GetInput> {
  return {
    ...named(object, 'get'),
    request: ({ apiVersion }, input) => readOne(apiVersion, object, input),
    judge: (answer, input) => readable(answer, input.properties, (body) => recordOf(body)),
  };
}

/** Finds records by property values: data is `{ results, total, after }` for no match, one and several alike. */
export function findOperation(object: HubspotObject): ReadOperation<FindInput> {
  return {
    ...named(object, 'find'),
    request: ({ apiVersion }, input) => {
      const unique = uniqueOf(object, input.by);
      if (unique) {
        const { by, ...rest } = input;
        return readOne(apiVersion, object, { ...rest, id: by[unique] ?? '', idProperty: unique });
      }
      const filters = [
        Object.entries(input.by).map(([property, value]) => ({ property, operator: 'EQ' as const, value })),
      ];
      const body = searchBody({ filters, properties: input.properties });
      return { method: 'POST', path: `${objectsPath(apiVersion, object)}/search`, body: { json: body } };
    },
    judge: (answer, input) => {
      if (!uniqueOf(object, input.by)) return readable(answer, input.properties, pageOf);
      if (answer.status === 404 && hubspotFailure(answer).error.class === 'not_found') {
        return { kind: 'ok', data: { results: [], total: 0, after: null } };
      }
      return readable(answer, input.properties, (body) => {
        const record = recordOf(body);
        return record ? { results: [record], total: 1, after: null } : null;
      });
    },
  };
}

/** Searches records. HubSpot answers at most 10,000 results a query and lags behind writes: never proof of absence. */
export function searchOperation(object: HubspotObject): ReadOperation<SearchInput> {
  return {
    ...named(object, 'search'),
    request: ({ apiVersion }, input) => ({
      method: 'POST',
      path: `${objectsPath(apiVersion, object)}/search`,
      body: { json: searchBody(input) },
    }),
    judge: (answer, input) => readable(answer, input.properties, pageOf),
  };
}

/** Lists records page by page; `after` of one page asks for the next, null is the end. */
export function listOperation(object: HubspotObject): ReadOperation<ListInput> {
  return {
    ...named(object, 'list'),
    request: ({ apiVersion }, input) => {
      const query: [string, string][] = [
        ['limit', String(Math.min(input.limit ?? 100, 100))],
        ['properties', input.properties.join(',')],
        ['archived', String(input.archived ?? false)],
      ];
      if (input.after) query.push(['after', input.after]);
      if (input.associations?.length) {
        query.push(['associations', input.associations.map((name) => hubspotObjects[name].plural).join(',')]);
      }
      return { method: 'GET', path: objectsPath(apiVersion, object), query };
    },
    judge: (answer, input) => readable(answer, input.properties, pageOf),
  };
}

/** Reads the schema of an object: properties with their type and options, and one fingerprint over them. */
export function propertiesOperation(object: HubspotObject): ReadOperation<JsonObject> {
  return {
    ...named(object, 'properties'),
    request: ({ apiVersion }) => ({
      method: 'GET',
      path: crmPath(apiVersion, 'properties') + path`/${hubspotObjects[object].plural}`,
    }),
    judge: (answer) => readable(answer, [], schemaOf),
  };
}

function schemaOf(body: JsonObject): Json | null {
  if (!Array.isArray(body.results)) return null;
  const properties = (body.results as readonly Json[]).filter(isObject).map((property) => ({
    name: String(property.name ?? ''),
    type: String(property.type ?? ''),
    fieldType: String(property.fieldType ?? ''),
    options: (Array.isArray(property.options) ? (property.options as readonly Json[]) : [])
      .filter(isObject)
      .map((option) => String(option.value ?? '')),
    unique: property.hasUniqueValue === true,
    calculated: property.calculated === true,
  }));
  const lines = properties.map(
    ({ name, type, fieldType, options }) => `${name}:${type}:${fieldType}:${options.join(',')}`,
  );
  return { properties, fingerprint: sha256Hex(lines.sort().join('\n')) };
}
