import { isObject, type Json } from '../../model/json.ts';
import type { HttpAnswer, ReadOperation, ReadVerdict, RequestSpec } from '../../model/operation.ts';
import { bodyOf } from '../json-body.ts';
import {
  dataPath,
  getSpec,
  isId,
  objectsPath,
  refuse,
  type SalesforceObject,
  salesforceObjects,
  systemFields,
} from './client.ts';
import { valueIn } from './compare.ts';
import { httpDate, pageOf, readError, readNamed, unreadable } from './reads.ts';
import { soql } from './soql.ts';

/** ISO times, at most 30 days apart and 30 days back; Salesforce ignores the seconds. */
export type ChangesInput = { readonly from: string; readonly to: string };

/** Where a walk over changes stands: everything up to this time, and of that time itself up to this id. */
export type ChangeMark = {
  /** ISO time. */
  readonly since: string;
  readonly afterId?: string;
};
export type ChangedInput = ChangeMark & {
  readonly fields: readonly string[];
  /** ISO time; changes after it are left for the next walk. */
  readonly until?: string;
  /** Most records of one page, 1 to 2000. */
  readonly limit: number;
};

/**
 * Ids of the records that changed in a span: data is `{ ids, coveredUntil }`. The next span begins at `coveredUntil`, which
 * leaves room for what is committed late.
 */
export function updatedOperation(object: SalesforceObject): ReadOperation<ChangesInput> {
  return {
    ...readNamed(object, 'updated'),
    request: (context, input) => changesSpec(`${objectsPath(context, object)}/updated`, input),
    judge: (answer) => changesOf(answer, 'ids', (row) => (typeof row === 'string' ? row : null)),
  };
}

/** Ids of the records that were deleted in a span: data is `{ deleted: { id, deletedAt }[], coveredUntil }`. */
export function deletedOperation(object: SalesforceObject): ReadOperation<ChangesInput> {
  return {
    ...readNamed(object, 'deleted'),
    request: (context, input) => changesSpec(`${objectsPath(context, object)}/deleted`, input),
    judge: (answer) =>
      changesOf(answer, 'deletedRecords', (row) =>
        isObject(row) && typeof row.id === 'string' && typeof row.deletedDate === 'string'
          ? { id: row.id, deletedAt: row.deletedDate }
          : null,
      ),
  };
}

function changesSpec(at: string, { from, to }: ChangesInput): RequestSpec {
  const [start, end] = [from, to].map((iso) => new Date(httpDate(iso)).toISOString().replace(/\.000Z$/, '+00:00'));
  return getSpec(at, [
    ['start', start ?? ''],
    ['end', end ?? ''],
  ]);
}

function changesOf(answer: HttpAnswer, list: 'ids' | 'deletedRecords', read: (row: Json) => Json): ReadVerdict {
  if (answer.status !== 200) return readError(answer);
  const body = bodyOf(answer);
  const held = body?.[list];
  const rows = Array.isArray(held) ? (held as readonly Json[]).map(read) : [null];
  if (typeof body?.latestDateCovered !== 'string' || rows.includes(null)) {
    return { kind: 'error', error: unreadable('a list of changes') };
  }
  return { kind: 'ok', data: { [list === 'ids' ? 'ids' : 'deleted']: rows, coveredUntil: body.latestDateCovered } };
}

/**
 * Reads the next records that changed after a mark, oldest change first: data is `{ results, next }`, `next` the mark to go on
 * from, or null where no more is there. Ties of one second are told apart by id, and a page that Salesforce cut into smaller ones
 * is simply a smaller page. What was begun before the mark and committed after it is not seen: begin some minutes earlier than
 * the last walk ended. It goes by `SystemModstamp`, which changes by automation move too.
 */
export function changedOperation(object: SalesforceObject): ReadOperation<ChangedInput> {
  return {
    ...readNamed(object, 'changed'),
    request: ({ apiVersion }, input) => {
      if (!Number.isInteger(input.limit) || input.limit < 1 || input.limit > 2000) {
        refuse('a page of changes has 1 to 2000 records', 'Ask for more in the next page.');
      }
      const fields = [...systemFields, 'SystemModstamp', ...input.fields];
      const orderBy = ['SystemModstamp', 'Id'].map((field) => ({ field, direction: 'asc' as const }));
      const { type } = salesforceObjects[object];
      const q = soql({ object: type, fields, where: whereOf(input), orderBy, limit: input.limit });
      return getSpec(`${dataPath(apiVersion)}/query`, [['q', q]]);
    },
    judge: (answer, input) => {
      const page = pageOf(object, answer, ['SystemModstamp', ...input.fields], true);
      if (page.kind === 'error') return page;
      const { results, after } = page.data;
      const last = results.at(-1);
      const since = last && valueIn(last.properties, 'SystemModstamp');
      if (last && typeof since !== 'string') return { kind: 'error', error: unreadable('a list of changes') };
      const whole = after === null && results.length < input.limit;
      const next = whole || !last ? null : { since: dateTime(String(since)), afterId: last.id };
      return { kind: 'ok', data: { results, next } };
    },
  };
}

function whereOf({ since, afterId, until }: ChangedInput) {
  if (afterId !== undefined && !isId(afterId))
    refuse('a mark names no record id', 'Give the `next` of the page before.');
  const field = 'SystemModstamp';
  const before = until === undefined ? [] : [{ field, operator: '<=' as const, value: { dateTime: dateTime(until) } }];
  const at = { dateTime: dateTime(since) };
  const later = [{ field, operator: '>' as const, value: at }, ...before];
  if (afterId === undefined) return [later];
  const tied = [
    { field, operator: '=' as const, value: at },
    { field: 'Id', operator: '>' as const, value: afterId },
  ];
  return [later, [...tied, ...before]];
}

/** A time as SOQL reads it. */
function dateTime(iso: string): string {
  const atMs = Date.parse(iso.replace(/([+-]\d{2})(\d{2})$/, '$1:$2'));
  if (Number.isNaN(atMs)) refuse('a time is none', 'Give an ISO time, such as 2026-01-31T12:00:00Z.');
  return new Date(atMs).toISOString();
}
