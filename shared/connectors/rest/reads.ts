import type { RestRead } from '../../config/rest-schema.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { Classified, HttpAnswer, ReadOperation, ReadVerdict, RequestContext } from '../../model/operation.ts';
import { bodyOf, inputOf, type RestInput, type RestSystem, requestOf, valueAt } from './client.ts';
import { restFailure, succeeded } from './errors.ts';
import { fromLocal } from './local-time.ts';
import { judgePage, pageQuery } from './paging.ts';

/** One record as our operations return it: only the fields that the description names. */
export type RestRecord = { readonly id: string; readonly properties: JsonObject };

/** The id of an operation as tools and records name it. */
export function operationId(system: string, name: string): string {
  return `rest.${system}.${name}`;
}

/** The request of a read. */
export function readRequest(
  system: RestSystem,
  read: RestRead,
  context: Pick<RequestContext, 'providerKey'>,
  input: RestInput,
) {
  const { method, path, body } = read;
  return requestOf(system, { method, path, body, ...pageQuery(read, input) }, context, input);
}

/** The error of an answer to a read; a read has no outcome that could be unknown. */
export function readError({ rest }: RestSystem, read: RestRead, answer: HttpAnswer): Classified {
  const { error } = restFailure(rest, answer);
  if (error.class !== 'unknown_outcome') return error;
  const unread = (read.success ?? rest.success).status.includes(answer.status);
  return {
    ...error,
    class: 'transient',
    code: unread && error.code.startsWith('http_') ? 'unreadable_answer' : error.code,
  };
}

function unreadable(what: string): Classified {
  return {
    class: 'schema',
    code: 'unreadable_answer',
    message: `The answer holds no ${what} where the description says.`,
  };
}

/** A record as the answer holds it; a field that is named and missing is an error: renamed, it must not read as empty. */
export function recordOf(
  read: Pick<RestRead, 'object' | 'id' | 'fields' | 'maybe' | 'times'>,
  value: Json | undefined,
): RestRecord | Classified {
  const id = valueAt(value, read.id);
  if (!isObject(value)) return unreadable(read.object);
  if ((typeof id !== 'string' && typeof id !== 'number') || id === '') return missing(read.id);
  const properties: Record<string, Json> = {};
  for (const field of [...read.fields, ...read.maybe]) {
    const held = valueAt(value, field);
    if (held === undefined && !read.maybe.includes(field)) return missing(field);
    const zone = read.times[field];
    const moment = zone === undefined || typeof held !== 'string' || held === '' ? held : fromLocal(held, zone);
    if (moment === null && held !== null) return { ...missing(field), message: `The field ${field} holds no time.` };
    properties[field] = moment ?? null;
  }
  return { id: String(id), properties };
}

function missing(field: string): Classified {
  const message = `The system did not answer the field ${field}: it was renamed or removed.`;
  return { class: 'schema', code: 'property_missing', message, target: field };
}

/** Whether {@link recordOf} found a record. */
export function isRecord(value: RestRecord | Classified): value is RestRecord {
  return 'properties' in value;
}

/** The one record of an answer, or why there is none. */
export function readRecord(system: RestSystem, read: RestRead, answer: HttpAnswer): RestRecord | Classified {
  if (!succeeded(system.rest, read, answer) || bodyOf(answer) === undefined) return readError(system, read, answer);
  const value = valueAt(bodyOf(answer), read.record ?? '.');
  // Systems that answer 200 to everything tell absence by an empty answer.
  if (value === null) return { class: 'not_found', code: 'not_found', message: `There is no such ${read.object}.` };
  return recordOf(read, value);
}

/** The rows of one answer. A row that cannot be read is an error, because it would be left out silently. */
export function readRows(system: RestSystem, read: RestRead, answer: HttpAnswer): readonly RestRecord[] | Classified {
  if (!succeeded(system.rest, read, answer) || bodyOf(answer) === undefined) return readError(system, read, answer);
  const list = valueAt(bodyOf(answer), read.rows ?? '.');
  if (!Array.isArray(list)) return unreadable(`list of ${read.object}`);
  const rows: RestRecord[] = [];
  for (const value of list as readonly Json[]) {
    const row = recordOf(read, value);
    if (!isRecord(row)) return row;
    rows.push(row);
  }
  return rows;
}

/** Rows without those that say the same twice; two that have one id and differ both stay, for a person to see. */
function withoutEchoes(rows: readonly RestRecord[]): readonly RestRecord[] {
  const seen = new Set<string>();
  return rows.filter((row) => {
    const text = JSON.stringify(row);
    return !seen.has(text) && seen.add(text);
  });
}

/** A read of the description as an operation: one record, or one page of a list as `{ results, total, after }`. */
export function readOperation(system: RestSystem, name: string, read: RestRead): ReadOperation {
  return {
    kind: 'read',
    id: operationId(system.name, name),
    connector: 'rest',
    scopes: [],
    request: (context, input) => readRequest(system, read, context, inputOf(input)),
    judge: (answer, input) =>
      read.rows === undefined ? oneOf(system, read, answer) : pageOf(system, read, answer, inputOf(input)),
  };
}

function oneOf(system: RestSystem, read: RestRead, answer: HttpAnswer): ReadVerdict {
  const record = readRecord(system, read, answer);
  return isRecord(record) ? { kind: 'ok', data: record } : { kind: 'error', error: record };
}

function pageOf(system: RestSystem, read: RestRead, answer: HttpAnswer, input: RestInput): ReadVerdict {
  const rows = readRows(system, read, answer);
  if (!Array.isArray(rows)) return { kind: 'error', error: rows as Classified };
  const { path } = readRequest(system, read, { providerKey: '' }, input);
  const page = judgePage(read, answer, rows as readonly RestRecord[], { input, origin: system.origin, path });
  if (page.kind === 'error') return page;
  return { kind: 'ok', data: { results: withoutEchoes(page.rows), total: null, after: page.after } };
}
