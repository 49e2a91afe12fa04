import { isId, longId, type SalesforceFields, type SalesforceValue } from './client.ts';

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
