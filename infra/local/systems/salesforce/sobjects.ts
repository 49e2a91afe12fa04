import type { SimAnswer } from '../loopback-server.ts';
import { allowsDuplicates, type Call, logEffect, mayWrite, objectBody, present, typeOf } from './call.ts';
import { json, notFound, SalesforceError } from './errors.ts';
import { change, fieldOf, insert, type Org, type Row, rowOf, rowsBy, seconds, stamp } from './org.ts';
import { describeField, keyPrefixes, type SobjectType, sobjectTypes } from './schema.ts';
import { checkValues } from './validate.ts';

/** `/sobjects…`: the list of objects, their description, what changed, and single records. */
export function sobjectRoute(call: Call): SimAnswer {
  const [, name, first, ...more] = call.rest;
  const { method } = call.request;
  if (name === undefined)
    return json(200, {
      encoding: 'UTF-8',
      maxBatchSize: 200,
      sobjects: sobjectTypes.map((one) => objectFacts(call, one)),
    });
  const type = typeOf(name);
  if (first === undefined) {
    if (method === 'POST') return createRoute(call, type);
    if (method === 'GET') return json(200, { objectDescribe: objectFacts(call, type), recentItems: [] });
    throw wrongMethod(method);
  }
  if (more.length === 0 && first === 'describe' && method === 'GET') return describeRoute(call, type);
  if (more.length === 0 && (first === 'updated' || first === 'deleted') && method === 'GET')
    return changesRoute(call, type, first);
  if (more.length === 0) return rowRoute(call, type, first);
  if (more.length === 1) return externalRoute(call, type, first, more[0] ?? '');
  throw notFound();
}

function wrongMethod(method: string): SalesforceError {
  return new SalesforceError(
    405,
    'METHOD_NOT_ALLOWED',
    `HTTP Method '${method}' not allowed. Allowed are HEAD,GET,POST`,
  );
}

/** Creates one record. @throws SalesforceError; nothing is written then */
export function createRow(call: Call, type: SobjectType, body: Readonly<Record<string, unknown>>): Row {
  mayWrite(call, type);
  const values = checkValues(call.org, { type, row: null, body, allowSave: allowsDuplicates(call) });
  const row = insert(call.org, call.tx, type, values);
  logEffect(call, 'create', row, values);
  return row;
}

/** Changes one record. @throws SalesforceError; nothing is written then */
export function updateRow(call: Call, row: Row, body: Readonly<Record<string, unknown>>): void {
  mayWrite(call, row.type);
  const values = checkValues(call.org, { type: row.type, row, body, allowSave: allowsDuplicates(call) });
  change(call.org, call.tx, row, values);
  logEffect(call, 'update', row, values);
}

/** What goes with its record when that is deleted. */
const details: Partial<Record<SobjectType, { readonly type: SobjectType; readonly by: string }>> = {
  Opportunity: { type: 'OpportunityContactRole', by: 'OpportunityId' },
  Case: { type: 'CaseComment', by: 'ParentId' },
};

/** Deletes one record. @throws SalesforceError */
export function deleteRow(call: Call, row: Row): void {
  mayWrite(call, row.type);
  change(call.org, call.tx, row, null);
  const child = details[row.type];
  const belonging = child ? rowsBy(call.org, child.type, child.by, row.id) : [];
  for (const one of belonging) change(call.org, call.tx, one, null);
  logEffect(call, 'archive', row, {});
}

/** The live record with this id. @throws SalesforceError 404, 400 where the text is no id of this object */
export function liveRow(org: Org, type: SobjectType, id: string): Row {
  if (!/^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$/.test(id)) throw notFound();
  const row = rowOf(org, type, id);
  if (row && row.deletedAtMs !== null) throw new SalesforceError(404, 'ENTITY_IS_DELETED', 'entity is deleted', []);
  if (!row) throw notFound();
  return row;
}

function createRoute(call: Call, type: SobjectType): SimAnswer {
  const row = createRow(call, type, objectBody(call));
  const location = `/services/data/v${call.version}/sobjects/${type}/${row.id}`;
  return json(201, { id: row.id, success: true, errors: [] }, { location });
}

function rowRoute(call: Call, type: SobjectType, id: string): SimAnswer {
  const row = liveRow(call.org, type, id);
  switch (call.request.method) {
    case 'GET':
      return json(200, present(call, row, namedFields(call, type)));
    case 'PATCH':
      checkUnmodified(call, row);
      updateRow(call, row, objectBody(call));
      return json(204, null);
    case 'DELETE':
      deleteRow(call, row);
      return json(204, null);
    default:
      throw wrongMethod(call.request.method);
  }
}

/** The fields a request names, or undefined for all. @throws SalesforceError 400 */
function namedFields({ org, request }: Call, type: SobjectType) {
  const named = request.query.get('fields');
  return named?.split(',').map((name) => {
    const field = fieldOf(org, type, name.trim());
    if (field) return field;
    throw new SalesforceError(
      400,
      'INVALID_FIELD',
      `No such column '${name}' on entity '${type}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name.`,
    );
  });
}

/** @see https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/intro_rest_conditional_requests.htm */
function checkUnmodified({ request }: Call, row: Row): void {
  const given = request.headers['if-unmodified-since'];
  if (given === undefined) return;
  const sinceMs = Date.parse(given);
  if (Number.isNaN(sinceMs)) throw new SalesforceError(400, 'INVALID_HEADER', 'If-Unmodified-Since is not a date');
  if (row.modifiedAtMs > sinceMs)
    throw new SalesforceError(412, 'PRECONDITION_FAILED', 'The record was modified after the given date');
}

/** The external id field a path names. @throws SalesforceError 404 */
export function externalField(org: Org, type: SobjectType, name: string) {
  const field = fieldOf(org, type, name);
  if (field?.externalId) return field;
  throw new SalesforceError(
    404,
    'NOT_FOUND',
    `Provided external ID field does not exist or is not accessible: ${name}`,
  );
}

function externalRoute(call: Call, type: SobjectType, name: string, value: string): SimAnswer {
  const { org, request } = call;
  const field = externalField(org, type, name);
  const rows = rowsBy(org, type, field.name, value);
  if (rows.length > 1)
    return json(
      300,
      rows.map(({ id }) => `/services/data/v${call.version}/sobjects/${type}/${id}`),
    );
  const [row] = rows;
  if (request.method === 'PATCH') return upsertRoute(call, type, { field: field.name, value, row: row ?? null });
  if (!row) throw notFound();
  if (request.method === 'GET') return json(200, present(call, row));
  if (request.method !== 'DELETE') throw wrongMethod(request.method);
  deleteRow(call, row);
  return json(204, null);
}

function upsertRoute(call: Call, type: SobjectType, at: { field: string; value: string; row: Row | null }): SimAnswer {
  const body = objectBody(call);
  const repeated = Object.keys(body).find((name) => [at.field.toLowerCase(), 'id'].includes(name.toLowerCase()));
  if (repeated !== undefined) {
    throw new SalesforceError(
      400,
      'INVALID_FIELD',
      `The ${repeated} field should not be specified in the sobject data.`,
      [repeated],
    );
  }
  if (at.row) {
    updateRow(call, at.row, body);
    const withBody = Number(call.version) >= 46 && !call.org.knobs.upsertWithoutBody;
    return withBody ? json(200, { id: at.row.id, success: true, errors: [], created: false }) : json(204, null);
  }
  if (call.request.query.get('updateOnly') === 'true') throw notFound();
  const row = createRow(call, type, { ...body, [at.field]: at.value });
  return json(201, { id: row.id, success: true, errors: [], created: true });
}

function objectFacts({ version }: Call, type: SobjectType) {
  const at = `/services/data/v${version}/sobjects/${type}`;
  const may = type !== 'User' && type !== 'Organization';
  const can = {
    createable: may,
    updateable: may,
    deletable: may,
    queryable: true,
    retrieveable: true,
    replicateable: may,
  };
  const urls = { sobject: at, describe: `${at}/describe`, rowTemplate: `${at}/{ID}` };
  return {
    name: type,
    label: type,
    labelPlural: `${type}s`,
    keyPrefix: keyPrefixes[type],
    custom: false,
    ...can,
    urls,
  };
}

function describeRoute(call: Call, type: SobjectType): SimAnswer {
  const { org, request } = call;
  const since = request.headers['if-modified-since'];
  if (since !== undefined && Date.parse(since) >= org.schemaChangedAtMs) return json(304, null);
  const fields = [...org.fields[type].values()].map(describeField);
  const headers = { 'last-modified': new Date(org.schemaChangedAtMs).toUTCString() };
  return json(200, { ...objectFacts(call, type), childRelationships: [], fields }, headers);
}

const dayMs = 86_400_000;

/** Which records were changed or deleted in a span of at most 30 days; the seconds of its ends are ignored. */
function changesRoute({ org, request }: Call, type: SobjectType, what: 'updated' | 'deleted'): SimAnswer {
  const [from, to] = ['start', 'end'].map(
    (name) => Math.floor(Date.parse(request.query.get(name) ?? '') / 60_000) * 60_000,
  );
  const nowMs = org.clock.now();
  if (from === undefined || to === undefined || Number.isNaN(from) || Number.isNaN(to) || to <= from) {
    throw new SalesforceError(400, 'INVALID_REPLICATION_DATE', 'endDate before startDate, or not a date');
  }
  if (from < nowMs - 30 * dayMs)
    throw new SalesforceError(400, 'INVALID_REPLICATION_DATE', 'startDate before org replication enabled date');
  const inside = [...org.rows[type].values()].filter((row) => row.modifiedAtMs >= from && row.modifiedAtMs < to);
  const latestDateCovered = stamp(Math.min(to, seconds(nowMs)));
  const ids = inside.filter((row) => row.deletedAtMs === null).map(({ id }) => id);
  if (what === 'updated') return json(200, { ids, latestDateCovered });
  const deletedRecords = inside.flatMap(({ id, deletedAtMs }) =>
    deletedAtMs === null ? [] : [{ id, deletedDate: stamp(deletedAtMs) }],
  );
  return json(200, { deletedRecords, earliestDateAvailable: stamp(nowMs - 30 * dayMs), latestDateCovered });
}
