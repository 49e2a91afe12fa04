import { checkColumn, columnOf } from './call.ts';
import { FrappeError } from './errors.ts';
import type { DocType } from './schema.ts';
import { type Doc, fold, type Site, sortedDocs, stamp, type Value } from './site.ts';

type Test = (doc: Doc) => boolean;

/** What a list is asked for, before it is checked. */
export type ListRequest = {
  readonly fields?: unknown;
  readonly filters?: unknown;
  readonly or_filters?: unknown;
  readonly order_by?: unknown;
  readonly start?: unknown;
  readonly length?: unknown;
};

/** The rows of a list: only `name` where no fields are named, 20 rows where no length is. @throws FrappeError 417 */
export function listDocs(site: Site, docType: DocType, asked: ListRequest): Record<string, Value>[] {
  const fields = listIn(asked.fields) ?? ['name'];
  const names = fields.map(String).flatMap((name) => (name === '*' ? allColumns(site, docType) : [name]));
  for (const name of names) checkColumn(site, docType, name);
  const all = testsIn(site, docType, asked.filters);
  const any = testsIn(site, docType, asked.or_filters);
  const [start, length] = [countIn(asked.start, 0), countIn(asked.length, 20)];
  const rows: Doc[] = [];
  let skipped = 0;
  for (const doc of inOrder(site, docType, asked.order_by)) {
    if (!all.every((test) => test(doc)) || (any.length > 0 && !any.some((test) => test(doc)))) continue;
    skipped += 1;
    if (skipped > start) rows.push(doc);
    if (length > 0 && rows.length >= length) break;
  }
  return rows.map((doc) => Object.fromEntries(names.map((name) => [name, columnOf(site, doc, name)])));
}

function allColumns(site: Site, docType: DocType): string[] {
  const own = [...site.fields[docType].values()].filter(({ fieldtype }) => fieldtype !== 'Table');
  return ['name', 'creation', 'modified', 'docstatus', ...own.map(({ fieldname }) => fieldname)];
}

/** JSON in a query, or JSON already. @throws FrappeError 417 */
export function parsed(value: unknown): unknown {
  if (typeof value !== 'string' || value === '') return value === '' ? undefined : value;
  try {
    return JSON.parse(value);
  } catch {
    throw new FrappeError('ValidationError', 'Invalid JSON in a parameter');
  }
}

function listIn(value: unknown): readonly unknown[] | undefined {
  const list = parsed(value);
  return Array.isArray(list) ? list : undefined;
}

function countIn(value: unknown, otherwise: number): number {
  const count = Number(value ?? otherwise);
  return Number.isInteger(count) && count >= 0 ? count : otherwise;
}

/** `[[field, operator, value]]`, `[[doctype, field, operator, value]]` or `{field: value}`. @throws FrappeError 417 */
function testsIn(site: Site, docType: DocType, filters: unknown): Test[] {
  const given = parsed(filters);
  if (given === undefined || given === null) return [];
  const rows = Array.isArray(given)
    ? given
    : Object.entries(given as object).map(([field, value]) =>
        Array.isArray(value) ? [field, ...value] : [field, '=', value],
      );
  return rows.map((row: unknown) => {
    const parts = Array.isArray(row) ? row : [];
    const [field, operator, value] = parts.length === 4 ? parts.slice(1) : parts;
    if (parts.length < 3 || parts.length > 4)
      throw new FrappeError('ValidationError', 'Filter must have 4 values (doctype, fieldname, operator, value)');
    checkColumn(site, docType, String(field));
    return testOf(site, String(field), String(operator).toLowerCase(), value);
  });
}

function testOf(site: Site, field: string, operator: string, value: unknown): Test {
  const held = (doc: Doc) => columnOf(site, doc, field);
  const empty = (doc: Doc) => held(doc) === null || held(doc) === '';
  switch (operator) {
    case '=':
    case '!=': {
      const same = (doc: Doc) => compare(held(doc) ?? '', value ?? '') === 0;
      return operator === '=' ? same : (doc) => !same(doc);
    }
    case '<':
    case '<=':
    case '>':
    case '>=': {
      const bound = isTime(value) ? comparable(value) : null;
      const fits = {
        '<': (n: number) => n < 0,
        '<=': (n: number) => n <= 0,
        '>': (n: number) => n > 0,
        '>=': (n: number) => n >= 0,
      };
      if (field === 'modified' && bound !== null) {
        return (doc) => {
          const at = modifiedAt(site, doc);
          return fits[operator](at < bound ? -1 : at > bound ? 1 : 0);
        };
      }
      // A field without a value meets no comparison.
      return (doc) => !empty(doc) && fits[operator](compare(held(doc), value));
    }
    case 'like':
    case 'not like': {
      const form = likeForm(String(value));
      const is = (doc: Doc) => form.test(fold(String(held(doc) ?? '')));
      return operator === 'like' ? is : (doc) => !is(doc);
    }
    case 'in':
    case 'not in': {
      const values = Array.isArray(value) ? value : String(value).split(',');
      const is = (doc: Doc) => values.some((one: unknown) => compare(held(doc) ?? '', one) === 0);
      return operator === 'in' ? is : (doc) => !is(doc);
    }
    case 'is':
      return value === 'set' ? (doc) => !empty(doc) : empty;
    default:
      throw new FrappeError(
        'ValidationError',
        `Operator must be one of =, !=, >, <, >=, <=, like, not like, in, not in, is`,
      );
  }
}

/** Frappe doubles backslashes, so that none of them escapes anything. */
function likeForm(pattern: string): RegExp {
  const text = fold(pattern)
    .replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('%', '[^]*')
    .replaceAll('_', '[^]');
  return new RegExp(`^${text}$`, 'u');
}

/** As the database compares: numbers by value, times to the microsecond, text folded. */
function compare(held: unknown, given: unknown): number {
  if (typeof held === 'number') return held - Number(given);
  const [a, b] = [comparable(String(held)), comparable(String(given))];
  return a < b ? -1 : a > b ? 1 : 0;
}

const isTime = (value: unknown): value is string =>
  typeof value === 'string' && /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d{1,6})?$/.test(value);

function comparable(text: string): string {
  if (!isTime(text)) return fold(text);
  return text.includes('.') ? text.padEnd(26, '0') : `${text}.000000`;
}

const known = new WeakMap<Doc, { readonly micros: number; readonly text: string }>();

/** When a document was changed, as it is compared; kept, since every page of a list asks for all of them. */
function modifiedAt(site: Site, doc: Doc): string {
  const held = known.get(doc);
  if (held?.micros === doc.modifiedMicros) return held.text;
  const text = comparable(stamp(site, doc.modifiedMicros));
  known.set(doc, { micros: doc.modifiedMicros, text });
  return text;
}

/** `modified asc, name asc` and its reverse are kept; other orders are made. @throws FrappeError 417 */
function inOrder(site: Site, docType: DocType, orderBy: unknown): Iterable<Doc> {
  const text = String(orderBy ?? 'modified desc')
    .replaceAll('`', '')
    .trim()
    .toLowerCase();
  const terms = text.split(',').map((term) => term.trim().split(/\s+/));
  for (const [field, direction = 'asc'] of terms) {
    if (!/^[a-z_][a-z0-9_]*$/.test(field ?? '') || !['asc', 'desc'].includes(direction)) {
      throw new FrappeError('ValidationError', `Illegal SQL Query: ${text.slice(0, 100)}`);
    }
    checkColumn(site, docType, field ?? '');
  }
  const docs = sortedDocs(site, docType);
  if (text === 'modified asc, name asc') return docs;
  if (text === 'modified desc, name desc') return docs.toReversed();
  return docs.toSorted((one, other) => {
    for (const [field = '', direction] of terms) {
      const order = compare(columnOf(site, one, field) ?? '', columnOf(site, other, field) ?? '');
      if (order !== 0) return direction === 'desc' ? -order : order;
    }
    return 0;
  });
}
