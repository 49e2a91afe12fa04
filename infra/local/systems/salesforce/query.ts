import type { SimAnswer } from '../loopback-server.ts';
import { type Call, present } from './call.ts';
import { json, SalesforceError } from './errors.ts';
import { fieldOf, newId, type Org, type Row, rowOf, type Value, valueIn } from './org.ts';
import type { Field, SobjectType } from './schema.ts';
import { sobjectTypes } from './schema.ts';
import { type Condition, type Literal, malformed, parseSoql, type Statement } from './soql.ts';

/** Pages that were begun: the ids of their rows and what is shown of them, as long as the simulator runs. */
export type Cursors = Map<
  string,
  { readonly ids: readonly string[]; readonly type: SobjectType; readonly paths: readonly string[] }
>;

/** How a query is answered in pages. */
export type QueryDeps = { readonly cursors: Cursors; readonly batchSize: number };

/** `/query`, `/queryAll` and `/query/{cursor}`. */
export function queryRoute(deps: QueryDeps, call: Call): SimAnswer {
  if (call.request.method !== 'GET')
    throw new SalesforceError(405, 'METHOD_NOT_ALLOWED', 'HTTP Method not allowed. Allowed are HEAD,GET');
  const [name, locator] = call.rest;
  if (locator !== undefined) return nextPage(deps, call, locator);
  const { type, ids, paths } = selection(call.org, call.request.query.get('q') ?? '', name === 'queryAll');
  const id = newId(call.org, '01g');
  deps.cursors.set(id, { ids, type, paths });
  return page(deps, call, id, 0);
}

/** The rows a statement selects, and what it shows of them. @throws SalesforceError 400 */
export function selection(
  org: Org,
  text: string,
  all: boolean,
): { readonly type: SobjectType; readonly ids: readonly string[]; readonly paths: readonly string[] } {
  const statement = parseSoql(text);
  const type = sobjectTypes.find((known) => known.toLowerCase() === statement.object.toLowerCase());
  if (!type) {
    throw new SalesforceError(
      400,
      'INVALID_TYPE',
      `sObject type '${statement.object}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name.`,
    );
  }
  for (const path of statement.fields) resolveField(org, type, path);
  const ids = selected(org, type, statement, all).map(({ id }) => id);
  return { type, ids, paths: statement.fields };
}

function nextPage(deps: QueryDeps, call: Call, locator: string): SimAnswer {
  const [, id = '', offset = ''] = /^([A-Za-z0-9]+)-(\d+)$/.exec(locator) ?? [];
  if (!deps.cursors.has(id)) throw new SalesforceError(400, 'INVALID_QUERY_LOCATOR', 'invalid query locator');
  return page(deps, call, id, Number(offset));
}

function page(deps: QueryDeps, call: Call, id: string, offset: number): SimAnswer {
  const { ids, type, paths } = deps.cursors.get(id) ?? { ids: [], type: 'Account' as const, paths: [] };
  const asked = /batchSize=(\d+)/i.exec(call.request.headers['sforce-query-options'] ?? '')?.[1];
  // What is asked for is a hint: a page may be smaller.
  const size = asked === undefined ? deps.batchSize : Math.min(deps.batchSize, Math.max(200, Number(asked)));
  const part = ids.slice(offset, offset + size);
  const done = offset + size >= ids.length;
  const records = part.flatMap((one) => {
    const row = rowOf(call.org, type, one);
    return row ? [shown(call, row, paths)] : [];
  });
  const next = done ? {} : { nextRecordsUrl: `/services/data/v${call.version}/query/${id}-${offset + size}` };
  if (done) deps.cursors.delete(id);
  return json(200, { totalSize: ids.length, done, ...next, records });
}

/** The fields asked for, those of parents inside their parent. */
function shown(call: Call, row: Row, paths: readonly string[]): Record<string, unknown> {
  const own = paths.filter((path) => !path.includes('.')).map((path) => fieldOf(call.org, row.type, path));
  const out = present(
    call,
    row,
    own.filter((field) => field !== null),
  );
  const parents = new Map<string, string[]>();
  for (const path of paths.filter((one) => one.includes('.'))) {
    const [parent = '', ...rest] = path.split('.');
    parents.set(parent, [...(parents.get(parent) ?? []), rest.join('.')]);
  }
  for (const [parent, rest] of parents) {
    const above = parentOf(call.org, row, parent);
    out[parent] = above === null ? null : shown(call, above, rest);
  }
  return out;
}

function referenceField(org: Org, type: SobjectType, parent: string): Field {
  const field = fieldOf(org, type, `${parent}Id`);
  if (field?.type === 'reference') return field;
  throw new SalesforceError(400, 'INVALID_FIELD', `Didn't understand relationship '${parent}' in field path.`);
}

function parentOf(org: Org, row: Row, parent: string): Row | null {
  const field = referenceField(org, row.type, parent);
  const id = valueIn(org, row, field);
  return field.referenceTo.map((type) => rowOf(org, type, String(id))).find((found) => found !== null) ?? null;
}

/** The field a path ends in. @throws SalesforceError INVALID_FIELD */
function resolveField(org: Org, type: SobjectType, path: string): Field {
  const [first = '', ...rest] = path.split('.');
  if (rest.length > 0) {
    const [above = 'User' as const] = referenceField(org, type, first).referenceTo;
    return resolveField(org, above, rest.join('.'));
  }
  const field = fieldOf(org, type, first);
  if (field) return field;
  throw new SalesforceError(
    400,
    'INVALID_FIELD',
    `No such column '${first}' on entity '${type}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.`,
  );
}

/** The value at a path of fields. */
export function valueAt(org: Org, row: Row, path: string): Value {
  const [first = '', ...rest] = path.split('.');
  if (rest.length > 0) {
    const above = parentOf(org, row, first);
    return above ? valueAt(org, above, rest.join('.')) : null;
  }
  const field = fieldOf(org, row.type, first);
  return field ? valueIn(org, row, field) : null;
}

function selected(
  org: Org,
  type: SobjectType,
  { where, orderBy, limit, offset }: Statement,
  all: boolean,
): readonly Row[] {
  if (where) checkTypes(org, type, where);
  for (const { field } of orderBy) resolveField(org, type, field);
  const rows = [...org.rows[type].values()]
    .filter((row) => all || row.deletedAtMs === null)
    .filter((row) => where === null || holds(org, row, where));
  rows.sort((a, b) => {
    for (const { field, descending } of orderBy) {
      const order = compare(valueAt(org, a, field), valueAt(org, b, field));
      if (order !== 0) return descending ? -order : order;
    }
    return 0;
  });
  return rows.slice(offset, limit === null ? undefined : offset + limit);
}

const kinds: Partial<Record<Field['type'], readonly Literal['kind'][]>> = {
  currency: ['number'],
  boolean: ['boolean'],
  date: ['date'],
  datetime: ['dateTime'],
};

/** Text stands in quotes and nothing else does. */
function checkTypes(org: Org, type: SobjectType, condition: Condition): void {
  if (condition.kind !== 'compare') {
    const parts = condition.kind === 'not' ? [condition.part] : condition.parts;
    for (const part of parts) checkTypes(org, type, part);
    return;
  }
  const field = resolveField(org, type, condition.field);
  const allowed = [...(kinds[field.type] ?? ['text']), 'null'];
  if (condition.values.some(({ kind }) => !allowed.includes(kind))) {
    const message = `value of filter criterion for field '${field.name}' must be of type ${field.type} and should ${allowed[0] === 'text' ? '' : 'not '}be enclosed in quotes`;
    throw new SalesforceError(400, 'INVALID_FIELD', message);
  }
  if (condition.operator === 'LIKE' && condition.values[0]?.kind !== 'text') throw malformed('LIKE takes text');
}

function holds(org: Org, row: Row, condition: Condition): boolean {
  if (condition.kind === 'not') return !holds(org, row, condition.part);
  if (condition.kind === 'all') return condition.parts.every((part) => holds(org, row, part));
  if (condition.kind === 'any') return condition.parts.some((part) => holds(org, row, part));
  const value = valueAt(org, row, condition.field);
  const orders = condition.values.map((literal) => compare(value, valueOfLiteral(literal)));
  const order = orders[0] ?? 0;
  switch (condition.operator) {
    case '=':
      return order === 0;
    case '!=':
    case '<>':
      return order !== 0;
    case 'IN':
      return orders.includes(0);
    case 'NOT IN':
      return !orders.includes(0);
    case 'LIKE':
      return likePattern(condition.values[0]?.value ?? '').test(String(value ?? ''));
    default:
      if (value === null) return false;
      return condition.operator.startsWith('<')
        ? order < 0 || (order === 0 && condition.operator === '<=')
        : order > 0 || (order === 0 && condition.operator === '>=');
  }
}

function valueOfLiteral({ kind, value }: Literal): Value {
  if (kind === 'null') return null;
  if (kind === 'number') return Number(value);
  if (kind === 'boolean') return value === 'true';
  if (kind === 'dateTime')
    return new Date(value.replace(/([+-]\d{2})(\d{2})$/, '$1:$2')).toISOString().replace('Z', '+0000');
  // Outside LIKE an escaped sign is the sign itself.
  return value.replaceAll(/\\([%_])/g, '$1');
}

/** Text is compared without letter case; no value stands before any. */
function compare(one: Value, other: Value): number {
  const [a, b] = [one, other].map((value) => (typeof value === 'string' ? value.toLowerCase() : (value ?? '')));
  if (a === b || a === undefined || b === undefined) return 0;
  return a < b ? -1 : 1;
}

function likePattern(text: string): RegExp {
  const source = text.replaceAll(/\\[%_]|[%_]|[.*+?^${}()|[\]\\]/g, (part) => {
    if (part === '%') return '.*';
    if (part === '_') return '.';
    return part === '\\%' || part === '\\_' ? part.slice(1) : `\\${part}`;
  });
  return new RegExp(`^${source}$`, 'isu');
}
