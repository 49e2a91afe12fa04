import type { Json, JsonObject } from '../../model/json.ts';
import { type ErpnextFields, type ErpnextRecord, type ErpnextValue, isObject } from './client.ts';

/**
 * What a record was before a write. `written`: the fields the write names; undo restores these. `live`: everything that was
 * read, for gates and scopes. `version`: its `modified` then.
 */
export type BeforeImage = {
  readonly id: string;
  readonly version: string;
  readonly written: ErpnextFields;
  readonly live: ErpnextFields;
};

/** The before-image of a live record. */
export function beforeImage(record: ErpnextRecord, written: readonly string[]): BeforeImage {
  const { id, version, properties } = record;
  const pairs = written.map((name) => [name, properties[name] ?? null] as const);
  return { id, version, written: Object.fromEntries(pairs), live: properties };
}

/** A stored before-image, or null where the value is none. */
export function beforeImageOf(value: Json | null): BeforeImage | null {
  return isObject(value ?? undefined) && 'written' in (value as JsonObject) && 'version' in (value as JsonObject)
    ? (value as BeforeImage)
    : null;
}

/** Whether a record shows all the wanted values. */
export function shows(live: ErpnextFields, wanted: ErpnextFields): boolean {
  return Object.entries(wanted).every(([name, value]) => sameValue(live[name] ?? null, value));
}

/**
 * Whether two values are the same to a site: no value and empty text are, truth values are 0 and 1, text loses blanks at its
 * ends, a number is the same as text, and a whole second is written with or without its fraction. Anything else differs.
 */
export function sameValue(one: ErpnextValue, other: ErpnextValue): boolean {
  if (Array.isArray(one) || Array.isArray(other)) return JSON.stringify(one) === JSON.stringify(other);
  const [a, b] = [plain(one), plain(other)];
  if (a === b) return true;
  return typeof one !== typeof other && isNumber(a) && isNumber(b) && Number(a) === Number(b);
}

const isNumber = (text: string) => /^-?[0-9]{1,15}(\.[0-9]{1,9})?$/.test(text);

function plain(value: ErpnextValue): string {
  if (value === null) return '';
  if (typeof value === 'boolean') return value ? '1' : '0';
  const text = String(value).replaceAll(/\r\n?/g, '\n').trim().normalize('NFC');
  return /^[0-9-]{10} [0-9:]{8}\.0+$/.test(text) ? text.replace(/\.0+$/, '') : text;
}
