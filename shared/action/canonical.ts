import { PlumblineError } from '../model/errors.ts';
import { sha256Hex } from '../model/ids.ts';
import type { Json, JsonObject } from '../model/json.ts';

/**
 * A value as it is hashed and sent: text in Unicode NFC, no negative zero. Applied once, before anything is derived from it.
 * Throws `invalid_input` for a number that is not finite, and where two names of one object become the same.
 */
export function normaliseJson(value: Json): Json {
  if (typeof value === 'string') return value.normalize('NFC');
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw invalid('A number is not finite.');
    return value === 0 ? 0 : value;
  }
  if (value === null || typeof value === 'boolean') return value;
  if (isList(value)) return value.map(normaliseJson);
  const out = new Map<string, Json>();
  for (const [name, one] of Object.entries(value)) {
    if (one === undefined) continue;
    const known = name.normalize('NFC');
    if (out.has(known)) throw invalid('Two inputs have the same name.');
    out.set(known, normaliseJson(one));
  }
  return Object.fromEntries(out);
}

/**
 * The one text of a value: names sorted by code unit, text in NFC, numbers as plain decimals without exponent.
 * Values that mean the same have one text, so its hash names the meaning.
 */
export function canonicalJson(value: Json): string {
  return sortedJson(normaliseJson(value));
}

/** A value as stored: names sorted, numbers as plain decimals, text byte for byte as it came. */
export function sortedJson(value: Json): string {
  return write(value);
}

/** SHA-256 over the canonical text of a value, lower-case hex. */
export function hashJson(value: Json): string {
  return sha256Hex(canonicalJson(value));
}

function write(value: Json): string {
  if (typeof value === 'number') return decimal(value);
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (isList(value)) return `[${value.map(write).join(',')}]`;
  const object: JsonObject = value;
  const names = Object.keys(object).sort((a, b) => (a < b ? -1 : 1));
  return `{${names.map((name) => `${JSON.stringify(name)}:${write(object[name] ?? null)}`).join(',')}}`;
}

/** `1e21` as `1000000000000000000000`, `1e-7` as `0.0000001`. */
function decimal(value: number): string {
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(String(value));
  if (!match) return String(value);
  const [, sign = '', head = '', tail = '', power = '0'] = match;
  const digits = head + tail;
  const point = 1 + Number(power);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return `${sign}${digits.padEnd(point, '0')}`;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function invalid(message: string): PlumblineError {
  return new PlumblineError(message, {
    code: 'invalid_input',
    retry: 'never',
    hint: 'Send plain JSON values with distinct names.',
  });
}
