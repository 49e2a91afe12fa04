import { refuse } from './client.ts';

/** What a condition compares with. Days and times are marked, since SOQL writes them without quotes. */
export type SoqlValue = string | number | boolean | null | { readonly date: string } | { readonly dateTime: string };

/** One comparison. `starts_with` and `contains` take text in which `%` and `_` mean themselves. */
export type SoqlCondition =
  | {
      readonly field: string;
      readonly operator: '=' | '!=' | '<' | '<=' | '>' | '>=' | 'starts_with' | 'contains';
      readonly value: SoqlValue;
    }
  | { readonly field: string; readonly operator: 'in' | 'not_in'; readonly values: readonly SoqlValue[] };

/** A query as data. */
export type SoqlQuery = {
  /** Salesforce's own name of the object. */
  readonly object: string;
  readonly fields: readonly string[];
  /** Any of the groups, all conditions of a group; none or absent = every record. */
  readonly where?: readonly (readonly SoqlCondition[])[];
  readonly orderBy?: readonly { readonly field: string; readonly direction: 'asc' | 'desc' }[];
  readonly limit?: number;
};

/** Salesforce takes 16,384 bytes of address and headers; the rest is for the headers. */
const maxEncodedBytes = 12_000;
const hint = 'Give names as Salesforce documents them and plain values; ask in parts where a list is long.';
const escapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
};

/**
 * The text of a query. Names are identifiers only and values become literals, so that none can end its place and begin
 * another. Throws `invalid_input` for anything that cannot be written so, and for a statement that is too long to be asked.
 * @see https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select.htm
 */
export function soql({ object, fields, where = [], orderBy = [], limit }: SoqlQuery): string {
  if (fields.length === 0) refuse('a query names no field', hint);
  const parts = [`SELECT ${[...new Set(fields)].map(fieldPath).join(', ')} FROM ${identifier(object)}`];
  const groups = where.filter((group) => group.length > 0).map((group) => group.map(conditionText).join(' AND '));
  if (groups.length > 0) parts.push(`WHERE ${groups.map((group) => `(${group})`).join(' OR ')}`);
  if (orderBy.length > 0) {
    const direction = { asc: 'ASC', desc: 'DESC' } as const;
    parts.push(
      `ORDER BY ${orderBy.map((by) => `${fieldPath(by.field)} ${known(direction, by.direction)}`).join(', ')}`,
    );
  }
  if (limit !== undefined) {
    if (!Number.isInteger(limit) || limit < 1 || limit > 50_000) refuse('a limit is not between 1 and 50000', hint);
    parts.push(`LIMIT ${limit}`);
  }
  const text = parts.join(' ');
  if (encodeURIComponent(text).length > maxEncodedBytes) refuse('a query is too long to be asked at once', hint);
  return text;
}

const comparisons = { '=': '=', '!=': '!=', '<': '<', '<=': '<=', '>': '>', '>=': '>=' } as const;
const lists = { in: 'IN', not_in: 'NOT IN' } as const;

function conditionText(condition: SoqlCondition): string {
  const field = fieldPath(condition.field);
  if ('values' in condition) {
    if (condition.values.length === 0) refuse('a list of values is empty', hint);
    return `${field} ${known(lists, condition.operator)} (${condition.values.map(literal).join(', ')})`;
  }
  const { operator, value } = condition;
  if (operator !== 'starts_with' && operator !== 'contains') {
    return `${field} ${known(comparisons, operator)} ${literal(value)}`;
  }
  if (typeof value !== 'string' || value === '') refuse('text is searched for with text only', hint);
  return `${field} LIKE '${operator === 'contains' ? '%' : ''}${escaped(value).replaceAll(/[%_]/g, '\\$&')}%'`;
}

function known<T extends Readonly<Record<string, string>>>(table: T, name: string): string {
  const text = Object.hasOwn(table, name) ? table[name] : undefined;
  return text ?? refuse('an operator or direction is not known', hint);
}

function identifier(name: string): string {
  if (!/^[A-Za-z][A-Za-z0-9_]{0,79}$/.test(name)) refuse('a name is no identifier', hint);
  return name;
}

function fieldPath(name: string): string {
  const parts = name.split('.');
  if (parts.length > 6) refuse('a field path has more than six parts', hint);
  return parts.map(identifier).join('.');
}

function literal(value: SoqlValue): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return `'${escaped(value)}'`;
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value === 'number') return decimal(value);
  if ('date' in value) return dated(value.date, /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/);
  return dated(
    value.dateTime,
    /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,3})?(Z|[+-][0-9]{2}:[0-9]{2})$/,
  );
}

function decimal(value: number): string {
  const text = String(value);
  if (!/^-?[0-9]+(\.[0-9]+)?$/.test(text)) refuse('a number cannot be written as a plain decimal', hint);
  return text;
}

function dated(text: string, form: RegExp): string {
  if (!form.test(text) || Number.isNaN(Date.parse(text))) refuse('a day or time is none', hint);
  return text;
}

function escaped(text: string): string {
  if (!text.isWellFormed()) refuse('a value is not well-formed Unicode', hint);
  const out = text.replaceAll(/[\\'"\n\r\t\b\f]/g, (char) => escapes[char] ?? '');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(out)) refuse('a value holds a control character', hint);
  return out;
}
