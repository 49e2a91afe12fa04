import { isObject, type Json } from '../../model/json.ts';
import { isName, isSiteTime, jsonIn, refuse } from './client.ts';

/** What a condition compares with. */
export type FilterValue = string | number | boolean;

/**
 * One condition on a field of the record itself. In `starts_with` and `contains` a `%` or `_` stands for any one character:
 * Frappe has no way to escape them.
 */
export type Condition =
  | { readonly field: string; readonly operator: '=' | '!=' | '<' | '<=' | '>' | '>='; readonly value: FilterValue }
  | { readonly field: string; readonly operator: 'starts_with' | 'contains'; readonly value: string }
  | { readonly field: string; readonly operator: 'in' | 'not_in'; readonly values: readonly FilterValue[] }
  | { readonly field: string; readonly operator: 'is_set' | 'is_not_set' };

const hint = 'Name fields as the meta of the DocType lists them, and give plain values.';
const maxValues = 200;

/** A field name as Frappe keeps it. Functions, backticks, other tables and SQL are none. Throws `invalid_input`. */
export function fieldName(name: string): string {
  return /^[a-z][a-z0-9_]{0,139}$/.test(name) ? name : refuse('a field name is no identifier', hint);
}

/**
 * Conditions as the JSON of the `filters` parameter; all of them must hold. Fields are identifiers, operators are from a fixed
 * list and values are JSON values, so that none can become another condition. Throws `invalid_input`.
 * @see https://docs.frappe.io/framework/user/en/api/rest
 */
export function filterText(conditions: readonly Condition[]): string {
  return JSON.stringify(conditions.map(triple));
}

/** Names of fields as the JSON of the `fields` parameter. Throws `invalid_input`. */
export function fieldText(names: readonly string[]): string {
  return JSON.stringify([...new Set(names)].map(fieldName));
}

function triple(condition: Condition): Json {
  const field = fieldName(condition.field);
  switch (condition.operator) {
    case '=':
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return [field, condition.operator, plain(condition.value)];
    case 'starts_with':
      return [field, 'like', `${pattern(condition.value)}%`];
    case 'contains':
      return [field, 'like', `%${pattern(condition.value)}%`];
    case 'in':
    case 'not_in':
      return [field, condition.operator === 'in' ? 'in' : 'not in', listOf(condition.values)];
    case 'is_set':
    case 'is_not_set':
      return [field, 'is', condition.operator === 'is_set' ? 'set' : 'not set'];
    default:
      return refuse('a condition has no operator of the list', hint);
  }
}

function plain(value: FilterValue): FilterValue {
  const ok =
    typeof value === 'boolean' ||
    (typeof value === 'number' && Number.isFinite(value)) ||
    (typeof value === 'string' && value.isWellFormed() && value.length <= 1000);
  if (!ok) refuse('a value of a condition is no plain value', hint);
  // Frappe keeps truth values as 0 and 1.
  return typeof value === 'boolean' ? Number(value) : value;
}

function pattern(value: string): string {
  if (typeof value !== 'string' || value === '') refuse('a text to look for is empty', hint);
  // Frappe doubles backslashes of a pattern, so that nothing in it can be escaped.
  return String(plain(value)).replaceAll(/[%\\]/g, '_');
}

function listOf(values: readonly FilterValue[]): readonly FilterValue[] {
  if (!Array.isArray(values) || values.length === 0 || values.length > maxValues) {
    refuse(`a list of values is not one of 1 to ${maxValues}`, 'Ask in parts.');
  }
  return values.map(plain);
}

/** Where a page ended: the version and the name of its last record, and the direction it was read in. */
export type Place = { readonly version: string; readonly name: string };

/** A place as the text of `after`. */
export function afterText({ version, name }: Place): string {
  return Buffer.from(JSON.stringify([version, name])).toString('base64url');
}

/** The place in a text of `after`. Throws `invalid_input` for a text that is none. */
export function placeOf(after: string): Place {
  const parts = jsonIn(Buffer.from(after, 'base64url').toString('utf8'));
  const [version, name] = Array.isArray(parts) && !isObject(parts) ? (parts as readonly Json[]) : [];
  if (isSiteTime(version) && isName(name)) return { version, name };
  return refuse('a next page is not one of this list', 'Give the `after` of the page before, unchanged.');
}

/**
 * The records behind a place, in the order of `modified` and then `name`: `modified >= v` of all, and of these `modified > v` or
 * `name > n`. It is exact where many records changed in the same microsecond, and no page shifts when records change.
 */
export function behind(
  place: Place,
  direction: 'asc' | 'desc',
): { all: readonly Condition[]; any: readonly Condition[] } {
  const [atLeast, beyond] = direction === 'asc' ? (['>=', '>'] as const) : (['<=', '<'] as const);
  return {
    all: [{ field: 'modified', operator: atLeast, value: place.version }],
    any: [
      { field: 'modified', operator: beyond, value: place.version },
      { field: 'name', operator: beyond, value: place.name },
    ],
  };
}
