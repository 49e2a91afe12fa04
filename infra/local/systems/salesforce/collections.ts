import type { SimAnswer } from '../loopback-server.ts';
import { type Call, objectBody, present, typeOf } from './call.ts';
import { json, notFound, SalesforceError } from './errors.ts';
import { fieldOf, type Row, rollBack, rowOf, rowsBy, type Transaction } from './org.ts';
import { keyPrefixes, type SobjectType, sobjectTypes } from './schema.ts';
import { createRow, deleteRow, externalField, liveRow, updateRow } from './sobjects.ts';

type Result = {
  readonly id?: string;
  readonly success: boolean;
  readonly errors: readonly object[];
  readonly created?: boolean;
};
type Work = (call: Call) => { readonly row: Row; readonly created?: boolean };

const rolledBack: Result = {
  success: false,
  errors: [
    {
      statusCode: 'ALL_OR_NONE_OPERATION_ROLLED_BACK',
      message: 'Record rolled back because not all records were valid and the request was using AllOrNone header',
      fields: [],
    },
  ],
};

/** `/composite/sobjects…`: up to 200 creates, updates, upserts or deletes; one result each, in order. */
export function collectionRoute(call: Call): SimAnswer {
  const [, , name, external] = call.rest;
  const { method, query } = call.request;
  if (method === 'DELETE' && name === undefined) {
    const ids = (query.get('ids') ?? '').split(',').filter(Boolean);
    return answered(
      call,
      query.get('allOrNone') === 'true',
      ids.map((id) => (one) => deleted(one, id)),
    );
  }
  if (name !== undefined && external === undefined && method === 'POST') return retrieved(call, name);
  const { allOrNone = false, records } = objectBody(call) as {
    allOrNone?: boolean;
    records?: Record<string, unknown>[];
  };
  if (!Array.isArray(records)) throw new SalesforceError(400, 'JSON_PARSER_ERROR', 'records is required');
  if (method === 'POST' && name === undefined) {
    return answered(
      call,
      allOrNone,
      records.map((record) => (one) => ({ row: createRow(one, typeOfRecord(record), record) })),
    );
  }
  if (method === 'PATCH' && name === undefined) {
    return answered(
      call,
      allOrNone,
      records.map((record) => (one) => updated(one, record)),
    );
  }
  if (method === 'PATCH' && external !== undefined) {
    const type = typeOf(name);
    const field = externalField(call.org, type, external).name;
    return answered(
      call,
      allOrNone,
      records.map((record) => (one) => upserted(one, type, field, record)),
    );
  }
  throw notFound();
}

/** Up to 2,000 records by id, in order; null for one that is not there. */
function retrieved(call: Call, name: string): SimAnswer {
  const type = typeOf(name);
  const { ids, fields } = objectBody(call);
  const listed = (list: unknown): list is string[] =>
    Array.isArray(list) && list.every((one) => typeof one === 'string');
  if (!listed(ids) || !listed(fields))
    throw new SalesforceError(400, 'JSON_PARSER_ERROR', 'ids and fields are required');
  const shown = fields.map((one) => {
    const field = fieldOf(call.org, type, one);
    if (field) return field;
    throw new SalesforceError(400, 'INVALID_FIELD', `No such column '${one}' on entity '${type}'.`);
  });
  const rows = ids.map((id) => rowOf(call.org, type, id));
  return json(
    200,
    rows.map((row) => (row && row.deletedAtMs === null ? present(call, row, shown) : null)),
  );
}

function answered(call: Call, allOrNone: boolean, works: readonly Work[]): SimAnswer {
  if (works.length > 200)
    throw new SalesforceError(400, 'EXCEEDED_MAX_SIZE_REQUEST', 'record count must be less than or equal to 200');
  const results = works.map((work) => resultOf(call, work));
  if (!allOrNone || results.every(({ success }) => success)) return json(200, results);
  rollBack(call.tx);
  return json(
    200,
    results.map((result) => (result.success ? rolledBack : result)),
  );
}

/** One record fails for itself: what it began is taken back and the others stay. */
function resultOf(call: Call, work: Work): Result {
  const tx: Transaction = { undo: [], effects: [], rows: [] };
  try {
    const { row, created } = work({ ...call, tx });
    call.tx.undo.push(...tx.undo);
    call.tx.effects.push(...tx.effects);
    call.tx.rows.push(...tx.rows);
    return { id: row.id, success: true, errors: [], ...(created === undefined ? {} : { created }) };
  } catch (error) {
    if (!(error instanceof SalesforceError)) throw error;
    rollBack(tx);
    return {
      success: false,
      errors: [{ statusCode: error.code, message: error.message, fields: error.fields ?? [], ...error.extra }],
    };
  }
}

function typeOfRecord(record: Record<string, unknown>): SobjectType {
  const { type } = (record.attributes ?? {}) as { type?: string };
  if (type === undefined) throw new SalesforceError(400, 'INVALID_TYPE', 'Must send a concrete entity type.', []);
  return typeOf(type);
}

function updated(call: Call, record: Record<string, unknown>): ReturnType<Work> {
  const id = record.id ?? record.Id;
  if (typeof id !== 'string')
    throw new SalesforceError(400, 'MISSING_ARGUMENT', 'Id not specified in an update call', []);
  const row = liveRow(call.org, typeOfRecord(record), id);
  updateRow(call, row, record);
  return { row };
}

function deleted(call: Call, id: string): ReturnType<Work> {
  const type = sobjectTypes.find((one) => id.startsWith(keyPrefixes[one]));
  if (!type) throw new SalesforceError(400, 'MALFORMED_ID', `malformed id ${id}`, []);
  const row = liveRow(call.org, type, id);
  deleteRow(call, row);
  return { row };
}

function upserted(call: Call, type: SobjectType, field: string, record: Record<string, unknown>): ReturnType<Work> {
  const value = record[field];
  if (typeof value !== 'string' || value === '')
    throw new SalesforceError(400, 'MISSING_ARGUMENT', `${field} not specified`, []);
  const [row, ...others] = rowsBy(call.org, type, field, value);
  if (others.length > 0)
    throw new SalesforceError(400, 'DUPLICATE_EXTERNAL_ID', `Duplicate external id specified: ${value}`, []);
  if (!row) return { row: createRow(call, type, record), created: true };
  updateRow(call, row, record);
  return { row, created: false };
}
