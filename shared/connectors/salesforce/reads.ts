import type { Json } from '../../model/json.ts';
import type { Classified, HttpAnswer, ReadOperation, ReadVerdict, RequestSpec } from '../../model/operation.ts';
import { bodyOf } from '../json-body.ts';
import {
  dataPath,
  externalPath,
  getSpec,
  pageSize,
  recordOf,
  recordPath,
  refuse,
  type SalesforceObject,
  type SalesforceRecord,
  salesforceObjects,
  systemFields,
} from './client.ts';
import { hasField } from './compare.ts';
import { salesforceFailure } from './errors.ts';
import { type SoqlCondition, soql } from './soql.ts';

/** An external id: a custom field, marked External ID and Unique, and its value. */
export type ExternalId = { readonly field: string; readonly value: string };

export type GetInput = { readonly fields: readonly string[] } & (
  | { readonly id: string }
  | { readonly externalId: ExternalId }
);

export type QueryInput = {
  readonly fields: readonly string[];
  /** Any of the groups, all conditions of a group. */
  readonly where?: readonly (readonly SoqlCondition[])[];
  readonly orderBy?: readonly { readonly field: string; readonly direction: 'asc' | 'desc' }[];
  readonly limit?: number;
  /** Also those that were deleted and not yet purged; they show `IsDeleted`. */
  readonly withDeleted?: boolean;
};

/** The `after` of the page before, and the fields that were asked for. */
export type NextInput = { readonly after: string; readonly fields: readonly string[] };

/** Turns an unexpected answer to a read into its error: a read has no outcome that could be unknown. */
export function readError(answer: HttpAnswer): ReadVerdict & { readonly kind: 'error' } {
  const { error } = salesforceFailure(answer);
  return { kind: 'error', error: error.class === 'unknown_outcome' ? { ...error, class: 'transient' } : error };
}

/** The error of an answer that says success and cannot be read. */
export function unreadable(what: string): Classified {
  return { class: 'transient', code: 'unreadable_answer', message: `Salesforce's answer is not ${what}.` };
}

/**
 * The error of a record that lacks a field it was asked for: it does not exist, not any more, or not for this user. A renamed
 * field must not read as empty. A parent that is not set answers none of its fields.
 */
export function missingField(record: SalesforceRecord, asked: readonly string[]): Classified | null {
  const answered = (name: string): boolean => {
    if (hasField(record.properties, name)) return true;
    const parent = name.slice(0, Math.max(0, name.lastIndexOf('.')));
    return parent !== '' && answered(parent);
  };
  const missing = asked.find((name) => !answered(name));
  if (missing === undefined) return null;
  const message = `Salesforce did not answer the field ${missing}: it does not exist, or not any more, or not for this user.`;
  return { class: 'schema', code: 'field_missing', message, target: missing };
}

/** Asks for one record. By external id Salesforce answers every field; by id those that are named. */
export function readOne(
  context: { readonly apiVersion: string },
  object: SalesforceObject,
  input: GetInput,
): RequestSpec {
  if ('externalId' in input) return getSpec(externalPath(context, object, input.externalId));
  const fields = [...new Set([...systemFields, ...input.fields])];
  if (!fields.every((name) => /^[A-Za-z][A-Za-z0-9_.]{0,250}$/.test(name))) {
    refuse('a field name is no identifier', 'Name fields as the describe of the object lists them.');
  }
  return getSpec(recordPath(context, object, input.id), [['fields', fields.join(',')]]);
}

/** The record of an answer to {@link readOne}, or its error. */
export function judgeOne(
  object: SalesforceObject,
  answer: HttpAnswer,
  asked: readonly string[],
): SalesforceRecord | Classified {
  if (answer.status !== 200) return readError(answer).error;
  const record = recordOf(object, bodyOf(answer) ?? undefined);
  if (!record) return unreadable(`a record of ${salesforceObjects[object].type}`);
  return missingField(record, asked) ?? record;
}

/** Whether {@link judgeOne} found a record. */
export function isRecord(value: SalesforceRecord | Classified): value is SalesforceRecord {
  return 'properties' in value;
}

const pageHeaders = { 'sforce-query-options': `batchSize=${pageSize}` };

const nextPath = /^\/services\/data\/v[0-9]{1,3}\.[0-9]\/(?:query|queryAll)\/[A-Za-z0-9]{15,64}-[0-9]{1,9}$/;

/** A page of records; `after` asks for the next one. */
export type Page = {
  readonly results: readonly SalesforceRecord[];
  /** Null where there are more than were asked for: Salesforce does not count these. */
  readonly total: number | null;
  readonly after: string | null;
  /** Whether there are more than the `limit` of the query, which no `after` leads to. */
  readonly more?: boolean;
};
type PageVerdict = { readonly kind: 'ok'; readonly data: Page } | (ReadVerdict & { readonly kind: 'error' });

/**
 * One page of a query as `{ results, total, after }`. A page that says there is more and does not say where, points anywhere but
 * to a further page of a query, or ends before its own total is an error, never a short answer.
 */
export function pageOf(
  object: SalesforceObject,
  answer: HttpAnswer,
  asked: readonly string[],
  first: boolean,
): PageVerdict {
  if (answer.status !== 200) return readError(answer);
  const body = bodyOf(answer);
  if (!body || !Array.isArray(body.records) || typeof body.done !== 'boolean' || typeof body.totalSize !== 'number') {
    return { kind: 'error', error: unreadable('a page of records') };
  }
  const results: SalesforceRecord[] = [];
  for (const row of body.records as readonly Json[]) {
    const record = recordOf(object, row);
    // One row that cannot be read would be left out silently.
    if (!record) return { kind: 'error', error: unreadable('a page of records') };
    const error = missingField(record, asked);
    if (error) return { kind: 'error', error };
    results.push(record);
  }
  const next = body.nextRecordsUrl;
  const goesOn = typeof next === 'string' && nextPath.test(next);
  const short = body.done ? first && results.length !== body.totalSize : !goesOn;
  if (short) return { kind: 'error', error: { ...unreadable('a whole page'), code: 'incomplete_result' } };
  return { kind: 'ok', data: { results, total: body.totalSize, after: body.done ? null : (next as string) } };
}

/** Id, connector and scope of one read. */
export const readNamed = (object: SalesforceObject, verb: string) => ({
  kind: 'read' as const,
  id: `salesforce.${salesforceObjects[object].plural}.${verb}`,
  connector: 'salesforce',
  scopes: ['api'],
});

/** Reads one record by id or by external id. */
export function getOperation(object: SalesforceObject): ReadOperation<GetInput> {
  return {
    ...readNamed(object, 'get'),
    request: (context, input) => readOne(context, object, input),
    judge: (answer, input) => {
      const read = judgeOne(object, answer, input.fields);
      return isRecord(read) ? { kind: 'ok', data: read } : { kind: 'error', error: read };
    },
  };
}

/** Queries records: data is `{ results, total, after }` for no match, one and several alike. It shows what was just written. */
export function queryOperation(object: SalesforceObject): ReadOperation<QueryInput> {
  return {
    ...readNamed(object, 'query'),
    request: ({ apiVersion }, input) => {
      const { type } = salesforceObjects[object];
      const fields = [...systemFields, ...(input.withDeleted ? ['IsDeleted'] : []), ...input.fields];
      const orderBy = input.orderBy ?? [{ field: 'Id', direction: 'asc' as const }];
      const at = `${dataPath(apiVersion)}/${input.withDeleted ? 'queryAll' : 'query'}`;
      // One too many says that there are more: Salesforce counts no further than its limit.
      const limit = input.limit === undefined ? {} : { limit: Math.min(input.limit + 1, 50_000) };
      const q = soql({ ...input, ...limit, object: type, fields, orderBy });
      return { ...getSpec(at, [['q', q]]), headers: pageHeaders };
    },
    judge: (answer, { fields, limit }) => {
      const page = pageOf(object, answer, fields, true);
      if (page.kind === 'error' || limit === undefined || page.data.results.length <= limit) return page;
      const results = page.data.results.slice(0, limit);
      return { kind: 'ok', data: { results, total: null, after: null, more: true } };
    },
  };
}

/** Reads the next page of a query, at the place the page before named. Any other place is refused before a request is made. */
export function nextOperation(object: SalesforceObject): ReadOperation<NextInput> {
  return {
    ...readNamed(object, 'next'),
    request: ({ apiVersion }, { after }) => {
      if (!nextPath.test(after) || !after.startsWith(`${dataPath(apiVersion)}/query`)) {
        refuse('a next page is not one of this query', 'Give the `after` of the page before, unchanged.');
      }
      return { ...getSpec(after), headers: pageHeaders };
    },
    judge: (answer, input) => pageOf(object, answer, input.fields, false),
  };
}

/** An ISO time as HTTP writes it, whole seconds. Throws `invalid_input`. @see https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7 */
export function httpDate(iso: string): string {
  const atMs = Date.parse(iso.replace(/([+-]\d{2})(\d{2})$/, '$1:$2'));
  if (Number.isNaN(atMs)) refuse('a time is none', 'Give an ISO time, such as 2026-01-31T12:00:00Z.');
  return new Date(atMs).toUTCString();
}
