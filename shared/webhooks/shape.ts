import { isObject, type Json, type JsonObject } from '../model/json.ts';
import { maskContacts } from '../model/personal-shape.ts';
import { redactSecrets } from '../model/secret-shape.ts';

/** What a field of a notification is. */
export type FieldKind = 'text' | 'number' | 'truth value' | 'object' | 'list' | 'text or number';

/** Fields that every notification of a product has, by dotted path: what is read of it, and no more. */
export type Shape = Readonly<Record<string, FieldKind>>;

const mostLines = 20;
const longestName = 60;

/**
 * How an item differs from the shape its provider sends, one line a field, for the person who repairs it: what is missing or of
 * another kind, and, where something is missing, which fields are there that nobody expects. Names and kinds only, never values.
 */
export function shapeDiff(expected: Shape, item: Json): readonly string[] {
  if (!isObject(item)) return [`the item: expected an object, is ${kindOf(item)}`];
  const wrong = Object.entries(expected).flatMap(([path, kind]) => {
    const value = valueAt(item, path);
    if (value === undefined) return [`${path}: expected ${kind}, is missing`];
    return kind.split(' or ').includes(kindOf(value)) ? [] : [`${path}: expected ${kind}, is ${kindOf(value)}`];
  });
  if (wrong.length === 0) return [];
  const roots = new Set(Object.keys(expected).map((path) => path.split('.')[0]));
  const others = Object.entries(item)
    .filter(([name]) => !roots.has(name))
    .map(([name, value]) => `${shownName(name)}: not expected, is ${kindOf(value)}`);
  return [...wrong, ...others].slice(0, mostLines);
}

/** What a body is that could not be split into items: its kind and the names it has. */
export function bodyShape(body: Json): readonly string[] {
  const names = isObject(body) ? Object.entries(body).map(([name, value]) => [name, value] as const) : [];
  const lines = names.map(([name, value]) => `${shownName(name)}: is ${kindOf(value)}`);
  return [`the body: is ${kindOf(body)}`, ...lines].slice(0, mostLines);
}

/** A name that nobody expects may itself be a person's, or a credential. */
function shownName(name: string): string {
  return maskContacts(redactSecrets(name.slice(0, 10 * longestName)).text).slice(0, longestName);
}

function valueAt(item: JsonObject, path: string): Json | undefined {
  let value: Json | undefined = item;
  for (const name of path.split('.')) {
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

function kindOf(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'list';
  const kinds: Readonly<Record<string, string>> = { string: 'text', boolean: 'truth value' };
  return kinds[typeof value] ?? typeof value;
}
