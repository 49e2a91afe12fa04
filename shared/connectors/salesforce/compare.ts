import type { Json } from '../../model/json.ts';
import {
  isId,
  isObject,
  longId,
  type SalesforceFields,
  type SalesforceRecord,
  type SalesforceValue,
} from './client.ts';

/**
 * What a record was before a write. `written`: the fields the write names, or null where the record does not exist; undo
 * restores these. `live`: everything that was read, for gates and scopes.
 */
export type BeforeImage = {
  readonly id: string | null;
  readonly written: SalesforceFields | null;
  readonly live: SalesforceFields;
};

/** The before-image of a record that may be absent. */
export function beforeImage(record: SalesforceRecord | null, written: readonly string[]): BeforeImage {
  if (!record) return { id: null, written: null, live: {} };
  return { id: record.id, written: pick(record.properties, written), live: record.properties };
}

/** The named fields; one that is not there counts as empty. */
export function pick(fields: SalesforceFields, names: readonly string[]): SalesforceFields {
  return Object.fromEntries(names.map((name) => [name, valueIn(fields, name)]));
}

/** A field's value; the names of fields have no case in Salesforce. */
export function valueIn(fields: SalesforceFields, name: string): SalesforceValue {
  if (Object.hasOwn(fields, name)) return fields[name] ?? null;
  const other = Object.keys(fields).find((held) => held.toLowerCase() === name.toLowerCase());
  return other === undefined ? null : (fields[other] ?? null);
}

/** Whether a field is among those that were answered. */
export function hasField(fields: SalesforceFields, name: string): boolean {
  if (Object.hasOwn(fields, name)) return true;
  const wanted = name.toLowerCase();
  return Object.keys(fields).some((held) => held.toLowerCase() === wanted);
}

/** A stored before-image, or null where the value is none. */
export function beforeImageOf(value: Json | null): BeforeImage | null {
  return isObject(value ?? undefined) && 'written' in (value as object) && 'live' in (value as object)
    ? (value as BeforeImage)
    : null;
}

/** Whether a record shows all the wanted values. */
export function shows(live: SalesforceFields, wanted: SalesforceFields): boolean {
  return Object.entries(wanted).every(([name, value]) => sameValue(name, valueIn(live, name), value));
}

/**
 * Whether two values are the same to Salesforce: empty text is no value, text loses blanks at its ends and keeps one kind of
 * line end, e-mail has no case, ids have two forms, and a time has several spellings. Anything else that differs, differs.
 */
export function sameValue(field: string, one: SalesforceValue, other: SalesforceValue): boolean {
  const [a, b] = [plain(field, one), plain(field, other)];
  if (a === b) return true;
  return typeof a === 'string' && typeof b === 'string' && sameInstant(a, b);
}

function plain(field: string, value: SalesforceValue): SalesforceValue {
  if (typeof value !== 'string') return value;
  const text = value.replaceAll(/\r\n?/g, '\n').trim().normalize('NFC');
  if (text === '') return null;
  if (/email(__c)?$/i.test(field)) return text.toLowerCase();
  return /id(__c)?$/i.test(field) && isId(text) ? longId(text) : text;
}

const instant = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:?[0-9]{2})$/;

/** Two times of different spelling; Salesforce keeps whole seconds. A day alone is no time. */
function sameInstant(one: string, other: string): boolean {
  if (!instant.test(one) || !instant.test(other)) return false;
  const [a, b] = [one, other].map((text) =>
    Math.floor(Date.parse(text.replace(/([+-]\d{2})(\d{2})$/, '$1:$2')) / 1000),
  );
  return a !== undefined && a === b;
}
