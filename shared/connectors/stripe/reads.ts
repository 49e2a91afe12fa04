import { path } from '../../http/path.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { Classified, HttpAnswer, ReadOperation, ReadVerdict } from '../../model/operation.ts';
import { bodyOf } from '../json-body.ts';
import {
  getSpec,
  missingField,
  objectPath,
  operationName,
  permission,
  recordOf,
  type StripeObject,
  type StripeRecord,
} from './client.ts';
import { stripeFailure } from './errors.ts';
import { type SearchClause, searchQuery } from './search-query.ts';

export type GetInput = { readonly id: string };

export type ListInput = {
  /** Filters that Stripe's list takes beside time and paging, such as `customer` or `status`. */
  readonly filter?: JsonObject;
  /** Only records created at or after this time, seconds since the epoch. */
  readonly createdFromS?: number;
  /** At most 100; default 100. */
  readonly limit?: number;
  /** The last id of the page before: older records. */
  readonly after?: string;
  /** The first id of the page before: newer records. Not together with `after`. */
  readonly newerThan?: string;
};

export type SearchInput = {
  /** All of them must hold. */
  readonly clauses: readonly SearchClause[];
  /** At most 100; default 100. */
  readonly limit?: number;
  readonly after?: string;
};

/** One entry of the events feed: what happened to which record. The record itself is to be read live. */
export type StripeEvent = {
  readonly id: string;
  readonly type: string;
  readonly createdAt: string;
  readonly apiVersion: string | null;
  readonly object: string | null;
  readonly recordId: string | null;
};

/** A page; `after` asks for the next one, null is the end. */
type Page<T> = { readonly results: readonly T[]; readonly total: null; readonly after: string | null };

/** Turns an unexpected answer to a read into its error: a read has no outcome that could be unknown. */
export function readError(answer: HttpAnswer): ReadVerdict {
  const { error } = stripeFailure(answer);
  return { kind: 'error', error: error.class === 'unknown_outcome' ? { ...error, class: 'transient' } : error };
}

/** The error of an answer that says success and cannot be read. */
export function unreadable(what: string): Classified {
  return { class: 'transient', code: 'unreadable_answer', message: `Stripe's answer is not ${what}.` };
}

/** The error of a record that lacks a field Stripe always answers: a renamed field must not read as empty. */
export function schemaError(object: StripeObject, record: StripeRecord): Classified | null {
  const missing = missingField(object, record);
  if (missing === null) return null;
  const message = `Stripe did not answer the field ${missing}: it does not exist in this API version, or not any more.`;
  return { class: 'schema', code: 'property_missing', message, target: missing };
}

/** A live record in an answer to a read; a deleted one counts as not found. */
export function readRecord(object: StripeObject, answer: HttpAnswer): StripeRecord | Classified {
  if (answer.status !== 200) {
    const verdict = readError(answer);
    return verdict.kind === 'error' ? verdict.error : unreadable(`a ${object}`);
  }
  const record = recordOf(object, bodyOf(answer) ?? undefined);
  if (!record) return unreadable(`a ${object}`);
  if (record.deleted)
    return { class: 'not_found', code: 'deleted', message: `The ${object} was deleted.`, target: record.id };
  return schemaError(object, record) ?? record;
}

/** Whether {@link readRecord} found a record. */
export function isRecord(value: StripeRecord | Classified): value is StripeRecord {
  return 'properties' in value;
}

/** A page of a list or a search, each row by `rowOf`; one row that cannot be read makes the page unreadable. */
export function pageOf<T extends { readonly id: string }>(
  answer: HttpAnswer,
  rowOf: (row: Json) => T | Classified,
): ReadVerdict {
  if (answer.status !== 200) return readError(answer);
  const body = bodyOf(answer);
  if (!body || !Array.isArray(body.data) || typeof body.has_more !== 'boolean') {
    return { kind: 'error', error: unreadable('a page') };
  }
  const results: T[] = [];
  for (const row of body.data as readonly Json[]) {
    const read = rowOf(row);
    // One row that cannot be read would be left out silently.
    if ('class' in read) return { kind: 'error', error: read };
    results.push(read);
  }
  const cursor = typeof body.next_page === 'string' ? body.next_page : (results.at(-1)?.id ?? null);
  if (body.has_more && cursor === null) return { kind: 'error', error: unreadable('a page with a next one') };
  const page: Page<T> = { results, total: null, after: body.has_more ? cursor : null };
  return { kind: 'ok', data: page as unknown as Json };
}

function recordRow(object: StripeObject) {
  return (row: Json): StripeRecord | Classified => {
    const record = recordOf(object, row);
    return record ? (schemaError(object, record) ?? record) : unreadable(`a page of ${operationName(object)}`);
  };
}

/** The query of a list: 100 records unless fewer are asked for. */
export function listParams(input: ListInput): JsonObject {
  return {
    ...input.filter,
    ...(input.createdFromS === undefined ? {} : { created: { gte: input.createdFromS } }),
    limit: Math.min(input.limit ?? 100, 100),
    ...(input.after === undefined ? {} : { starting_after: input.after }),
    ...(input.newerThan === undefined ? {} : { ending_before: input.newerThan }),
  };
}

const named = (object: StripeObject, verb: string) => ({
  kind: 'read' as const,
  id: `stripe.${operationName(object)}.${verb}`,
  connector: 'stripe',
  scopes: [permission(object, 'read')],
});

/** Reads one record by id. */
export function getOperation(object: StripeObject): ReadOperation<GetInput> {
  return {
    ...named(object, 'get'),
    request: (context, input) => getSpec(context, objectPath(object, input.id)),
    judge: (answer) => {
      const read = readRecord(object, answer);
      return isRecord(read) ? { kind: 'ok', data: read } : { kind: 'error', error: read };
    },
  };
}

/** Lists records, newest first, page by page. It shows what was just written, unlike the search. */
export function listOperation(object: StripeObject): ReadOperation<ListInput> {
  return {
    ...named(object, 'list'),
    request: (context, input) => getSpec(context, objectPath(object), listParams(input)),
    judge: (answer) => pageOf(answer, recordRow(object)),
  };
}

/** Searches records. Stripe's index lags behind writes by up to a minute and more: never proof of absence. */
export function searchOperation(object: StripeObject): ReadOperation<SearchInput> {
  return {
    ...named(object, 'search'),
    request: (context, input) =>
      getSpec(context, `${objectPath(object)}/search`, {
        query: searchQuery(input.clauses),
        limit: Math.min(input.limit ?? 100, 100),
        ...(input.after === undefined ? {} : { page: input.after }),
      }),
    judge: (answer) => pageOf(answer, recordRow(object)),
  };
}

function eventOf(row: Json | undefined): StripeEvent | Classified {
  const held = isObject(row) && isObject(row.data) ? row.data.object : undefined;
  if (!isObject(row) || typeof row.id !== 'string' || typeof row.type !== 'string' || typeof row.created !== 'number') {
    return unreadable('an event');
  }
  return {
    id: row.id,
    type: row.type,
    createdAt: new Date(row.created * 1000).toISOString(),
    apiVersion: typeof row.api_version === 'string' ? row.api_version : null,
    object: isObject(held) && typeof held.object === 'string' ? held.object : null,
    recordId: isObject(held) && typeof held.id === 'string' ? held.id : null,
  };
}

/**
 * The feed of what changed, newest first, kept by Stripe for 30 days: `newerThan` walks forward from the last event seen.
 * `filter.types` names event types.
 * @see https://docs.stripe.com/api/events/list
 */
export function eventsListOperation(): ReadOperation<ListInput> {
  return {
    kind: 'read',
    id: 'stripe.events.list',
    connector: 'stripe',
    scopes: ['rak_event_read'],
    request: (context, input) => getSpec(context, '/v1/events', listParams(input)),
    judge: (answer) => pageOf(answer, eventOf),
  };
}

/** One event by id. */
export function eventsGetOperation(): ReadOperation<GetInput> {
  return {
    kind: 'read',
    id: 'stripe.events.get',
    connector: 'stripe',
    scopes: ['rak_event_read'],
    request: (context, input) => getSpec(context, path`/v1/events/${input.id}`),
    judge: (answer) => {
      if (answer.status !== 200) return readError(answer);
      const event = eventOf(bodyOf(answer) ?? undefined);
      return 'class' in event ? { kind: 'error', error: event } : { kind: 'ok', data: event };
    },
  };
}
