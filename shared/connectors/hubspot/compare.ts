import type { Json } from '../../model/json.ts';
import type { HubspotProperties, HubspotRecord } from './client.ts';
import { isObject } from './client.ts';

/**
 * What a record was before a write. `written`: the properties the write names, or null where the record does not exist;
 * undo restores these. `live`: everything that was read, for gates and scopes.
 */
export type BeforeImage = {
  readonly id: string | null;
  readonly written: HubspotProperties | null;
  readonly live: HubspotProperties;
};

/** The before-image of a record that may be absent. */
export function beforeImage(record: HubspotRecord | null, written: readonly string[]): BeforeImage {
  if (!record) return { id: null, written: null, live: {} };
  return { id: record.id, written: pick(record.properties, written), live: record.properties };
}

/** The named properties; one that is not there counts as empty. */
export function pick(properties: HubspotProperties, names: readonly string[]): HubspotProperties {
  return Object.fromEntries(names.map((name) => [name, properties[name] ?? null]));
}

/** A stored before-image, or null where the value is none. */
export function beforeImageOf(value: Json | undefined): BeforeImage | null {
  return isObject(value) && 'written' in value && 'live' in value ? (value as BeforeImage) : null;
}

/** Whether a record shows all the wanted values. */
export function shows(live: HubspotProperties, wanted: HubspotProperties): boolean {
  return Object.entries(wanted).every(([name, value]) => sameValue(name, live[name] ?? null, value));
}

/**
 * Whether two values are the same to HubSpot: empty text is no value, text is trimmed, e-mail has no case, numbers lose
 * trailing zeros, and a date-time is the same as its epoch milliseconds. Anything else that differs, differs.
 */
export function sameValue(property: string, one: string | null, other: string | null): boolean {
  const [a, b] = [plain(property, one), plain(property, other)];
  if (a === b) return true;
  return a !== null && b !== null && (sameInstant(a, b) || sameInstant(b, a));
}

function plain(property: string, value: string | null): string | null {
  const text = value?.trim().normalize('NFC') ?? '';
  if (text === '') return null;
  if (property === 'email') return text.toLowerCase();
  const number = /^(-?(?:0|[1-9][0-9]*))\.([0-9]*?)0*$/.exec(text);
  return number ? `${number[1]}${number[2] ? `.${number[2]}` : ''}` : text;
}

function sameInstant(millis: string, iso: string): boolean {
  return /^[0-9]{12,13}$/.test(millis) && /^[0-9]{4}-[0-9]{2}-[0-9]{2}/.test(iso) && Date.parse(iso) === Number(millis);
}
