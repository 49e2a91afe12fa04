import { path } from '../../http/path.ts';
import { sha256Hex } from '../../model/ids.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { Classified, HttpAnswer, ReadOperation, ReadVerdict, RequestSpec } from '../../model/operation.ts';
import {
  dataOf,
  type ErpnextObject,
  type ErpnextRecord,
  erpnextObjects,
  getSpec,
  isName,
  objectsPath,
  recordOf,
  recordPath,
  refuse,
  right,
  rowFields,
} from './client.ts';
import { erpnextFailure } from './errors.ts';
import { afterText, behind, type Condition, fieldText, filterText, type Place, placeOf } from './filters.ts';

export type GetInput = { readonly id: string; readonly fields: readonly string[] };
export type ListInput = {
  readonly fields: readonly string[];
  /** All of them must hold. */
  readonly where?: readonly Condition[];
  /** `asc` by `modified` and `name` misses nothing while records change; `desc` shows what changed last. */
  readonly direction?: 'asc' | 'desc';
  /** 1 to 500; default 100. */
  readonly limit?: number;
  /** The `after` of the page before. */
  readonly after?: string;
};
/** A time of the site, without zone. */
export type DeletedInput = { readonly since?: string; readonly limit?: number; readonly after?: string };

/** Turns an unexpected answer to a read into its error: a read has no outcome that could be unknown. */
export function readError(answer: HttpAnswer): Classified {
  const { error } = erpnextFailure(answer);
  return error.class === 'unknown_outcome' ? { ...error, class: 'transient' } : error;
}

/** The error of an answer that says success and cannot be read. */
export function unreadable(what: string): Classified {
  return { class: 'transient', code: 'unreadable_answer', message: `The site's answer is not ${what}.` };
}

/** The error of a record that is not there, or not for this user. */
export function noRecord(object: ErpnextObject): Classified {
  const message = `There is no such ${erpnextObjects[object].docType}, or this user may not read it.`;
  return { class: 'not_found', code: 'no_record', message };
}

/** Whether a read found a record. */
export function isRecord(value: ErpnextRecord | Classified): value is ErpnextRecord {
  return 'properties' in value;
}

const always = ['name', 'modified'];

/** Asks for rows; the answer to one too many says that there are more. */
function rowsSpec(at: string, input: ListInput): RequestSpec {
  const { fields, where = [], direction = 'asc', limit = 100, after } = input;
  if (!Number.isInteger(limit) || limit < 1 || limit > 500) refuse('a limit is not between 1 and 500', 'Ask for less.');
  const place = after === undefined ? null : behind(placeOf(after), direction);
  return getSpec(at, [
    ['fields', fieldText([...always, ...fields])],
    ['filters', filterText([...where, ...(place?.all ?? [])])],
    ...(place ? [['or_filters', filterText(place.any)] as const] : []),
    ['order_by', `modified ${direction}, name ${direction}`],
    ['limit_page_length', String(limit + 1)],
  ]);
}

/** The rows of an answer as records with every field that was asked for, or the error. */
function rowsOf(answer: HttpAnswer, asked: readonly string[]): readonly ErpnextRecord[] | Classified {
  if (answer.status !== 200) return readError(answer);
  const data = dataOf(answer);
  if (!Array.isArray(data)) return unreadable('a list of records');
  const records: ErpnextRecord[] = [];
  for (const row of data as readonly Json[]) {
    const record = recordOf(row);
    // One row that cannot be read would be left out silently.
    if (!record) return unreadable('a list of records');
    const missing = asked.find((name) => name !== 'name' && !Object.hasOwn(record.properties, name));
    if (missing !== undefined) return fieldMissing(missing);
    records.push(record);
  }
  return records;
}

function isRows(value: readonly ErpnextRecord[] | Classified): value is readonly ErpnextRecord[] {
  return Array.isArray(value);
}

/** A field that is not answered does not exist, not any more, or not for this user: it must not read as empty. */
function fieldMissing(field: string): Classified {
  const message = `The site did not answer the field ${field}: it does not exist, or not any more, or not for this user.`;
  return { class: 'schema', code: 'field_missing', message, target: field };
}

/** Asks for one record by its name, as a list of at most one: a list answers empty fields too and refuses unknown ones. */
export function readOne(object: ErpnextObject, { id, fields }: GetInput): RequestSpec {
  return readBy(object, { field: 'name', operator: '=', value: id }, fields);
}

/** Asks for the records that meet one condition of which at most one record can. */
export function readBy(object: ErpnextObject, condition: Condition, fields: readonly string[]): RequestSpec {
  return rowsSpec(objectsPath(object), { fields, where: [condition], limit: 1 });
}

/** The records of an answer to {@link readBy}, or its error. */
export function judgeBy(answer: HttpAnswer, asked: readonly string[]): readonly ErpnextRecord[] | Classified {
  return rowsOf(answer, asked);
}

/** The record of an answer to {@link readOne}, or its error. A name that differs in its letters is another record's. */
export function judgeOne(object: ErpnextObject, answer: HttpAnswer, { id, fields }: GetInput) {
  const rows = rowsOf(answer, fields);
  if (!isRows(rows)) return rows;
  return rows.find((row) => row.id === id) ?? noRecord(object);
}

/**
 * A page as `{ results, after }`. A site that answers more than it was asked for, or again the record that the page before ended
 * with, has not understood the question: that is an error, never a short answer or a loop.
 */
function pageOf(
  answer: HttpAnswer,
  { fields, limit = 100, after: before }: ListInput,
  show: (record: ErpnextRecord) => Json,
): ReadVerdict {
  const rows = rowsOf(answer, fields);
  if (!isRows(rows)) return { kind: 'error', error: rows };
  if (rows.length > limit + 1) return { kind: 'error', error: { ...unreadable('a page'), code: 'limit_ignored' } };
  const place = before === undefined ? null : placeOf(before);
  if (place && rows.some(({ id, version }) => id === place.name && version === place.version)) {
    return { kind: 'error', error: { ...unreadable('the page behind the one before'), code: 'place_ignored' } };
  }
  const results = rows.slice(0, limit);
  const last = results.at(-1);
  const more = rows.length > limit && last !== undefined;
  const after = more ? afterText({ version: last.version, name: last.id } satisfies Place) : null;
  return { kind: 'ok', data: { results: results.map(show), after } };
}

const named = (object: ErpnextObject, verb: string) => ({
  kind: 'read' as const,
  id: `erpnext.${erpnextObjects[object].plural}.${verb}`,
  connector: 'erpnext',
  scopes: [right(object, 'read')],
});

/** Reads one record by its name. Orders and invoices come with their rows under `items`. */
export function getOperation(object: ErpnextObject): ReadOperation<GetInput> {
  const whole = erpnextObjects[object].writes === 'submit';
  return {
    ...named(object, 'get'),
    request: (_context, input) => (whole ? getSpec(recordPath(object, input.id)) : readOne(object, input)),
    judge: (answer, input) => {
      const read = whole ? judgeWhole(answer, input) : judgeOne(object, answer, input);
      return isRecord(read) ? { kind: 'ok', data: read } : { kind: 'error', error: read };
    },
  };
}

/** A whole document leaves its empty fields out; those that no order is without must be there. */
function judgeWhole(answer: HttpAnswer, { id, fields }: GetInput): ErpnextRecord | Classified {
  if (answer.status !== 200) return readError(answer);
  const record = recordOf(dataOf(answer));
  if (!record || record.id !== id || !Array.isArray(record.properties.items)) return unreadable('the document');
  const missing = ['docstatus', 'status', 'grand_total', 'currency'].find((name) => !(name in record.properties));
  if (missing !== undefined) return fieldMissing(missing);
  const items = record.properties.items.map((row) =>
    Object.fromEntries(rowFields.flatMap((name) => (row[name] === undefined ? [] : [[name, row[name]]]))),
  ) as readonly JsonObject[];
  const pairs = fields.map((name) => [name, record.properties[name] ?? null] as const);
  return { ...record, properties: { ...Object.fromEntries(pairs), modified: record.version, items } };
}

/** Lists records: data is `{ results, after }` for no match, one and several alike. It shows what was just written. */
export function listOperation(object: ErpnextObject): ReadOperation<ListInput> {
  return {
    ...named(object, 'list'),
    request: (_context, input) => rowsSpec(objectsPath(object), input),
    judge: (answer, input) => pageOf(answer, input, (record) => record),
  };
}

/**
 * Names of the records that were deleted since a time of the site: data is `{ results: { id, deletedAt }[], after }`. Only a
 * user with the right to read `Deleted Document` is answered.
 */
export function deletedOperation(object: ErpnextObject): ReadOperation<DeletedInput> {
  const fields = ['deleted_name', 'creation'];
  return {
    ...named(object, 'deleted'),
    scopes: ['Deleted Document: read'],
    request: (_context, { since, ...page }) => {
      const ofType: Condition = { field: 'deleted_doctype', operator: '=', value: erpnextObjects[object].docType };
      const from: readonly Condition[] =
        since === undefined ? [] : [{ field: 'modified', operator: '>=', value: since }];
      return rowsSpec(path`/api/resource/${'Deleted Document'}`, { ...page, fields, where: [ofType, ...from] });
    },
    judge: (answer, page) =>
      pageOf(answer, { ...page, fields }, ({ properties }) => ({
        id: isName(properties.deleted_name as Json) ? String(properties.deleted_name) : '',
        deletedAt: String(properties.creation ?? ''),
      })),
  };
}

/** Reads the schema of an object, custom fields included, and one fingerprint over it. Frappe 15 and newer. */
export function metaOperation(object: ErpnextObject): ReadOperation<JsonObject> {
  return {
    ...named(object, 'meta'),
    request: () => getSpec(path`/api/v2/doctype/${erpnextObjects[object].docType}/meta`),
    judge: (answer) => {
      if (answer.status !== 200) return { kind: 'error', error: readError(answer) };
      const meta = dataOf(answer);
      const rows =
        isObject(meta) && Array.isArray(meta.fields) ? (meta.fields as readonly Json[]).filter(isObject) : [];
      if (rows.length === 0) return { kind: 'error', error: unreadable('a description of fields') };
      const fields = rows.map((row) => ({
        name: String(row.fieldname ?? ''),
        type: String(row.fieldtype ?? ''),
        options: typeof row.options === 'string' ? row.options : null,
        required: row.reqd === 1,
        unique: row.unique === 1,
        readOnly: row.read_only === 1,
      }));
      const lines = fields.map((field) => `${field.name}:${field.type}:${field.options}:${field.required}`);
      return { kind: 'ok', data: { fields, fingerprint: sha256Hex(lines.sort().join('\n')) } };
    },
  };
}

/** Reads the time zone that all times of a site are in: data is `{ timeZone }`. */
export function timeZoneOperation(): ReadOperation<JsonObject> {
  return {
    kind: 'read',
    id: 'erpnext.site.time_zone',
    connector: 'erpnext',
    scopes: [],
    request: () => getSpec('/api/method/frappe.client.get_time_zone'),
    judge: (answer) => {
      if (answer.status !== 200) return { kind: 'error', error: readError(answer) };
      const said = dataOf(answer);
      const timeZone = isObject(said) ? said.time_zone : undefined;
      return typeof timeZone === 'string'
        ? { kind: 'ok', data: { timeZone } }
        : { kind: 'error', error: unreadable('a time zone') };
    },
  };
}
