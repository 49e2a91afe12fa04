import { hash } from 'node:crypto';
import type { Random } from './clock.ts';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * Encodes bytes in Crockford base32, lower case, without padding.
 * @see https://www.crockford.com/base32.html
 */
export function base32(bytes: Uint8Array): string {
  let bits = 0;
  let value = 0;
  let out = '';
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out += alphabet[(value >>> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  return bits > 0 ? out + alphabet[(value << (5 - bits)) & 31] : out;
}

/** What an id names. */
export type IdPrefix = 'call' | 'run' | 'case' | 'key' | 'evt' | 'own' | 'sub';

/**
 * Makes a new id whose first part sorts by time: `run_` + 9 characters of time + 16 random ones.
 * @param prefix what the id names; @param nowMs wall clock; @param random source of 10 bytes
 */
export function newId(prefix: IdPrefix, nowMs: number, random: Random): string {
  return `${prefix}_${encodeTime(nowMs)}${base32(random(10))}`;
}

/** Time as 9 base32 characters, so that ids sort by it. */
export function encodeTime(nowMs: number): string {
  let rest = Math.floor(nowMs);
  let out = '';
  for (let i = 0; i < 9; i += 1) {
    out = (alphabet[rest % 32] ?? '0') + out;
    rest = Math.floor(rest / 32);
  }
  return out;
}

/** The time in an id made by {@link newId}, or null where it carries none. */
export function idTimeMs(id: string): number | null {
  const body = id.slice(id.indexOf('_') + 1);
  if (body.length !== 25) return null;
  let out = 0;
  for (const char of body.slice(0, 9)) {
    const digit = alphabet.indexOf(char);
    if (digit < 0) return null;
    out = out * 32 + digit;
  }
  return out;
}

/** SHA-256 of bytes or UTF-8 text, lower-case hex. */
export function sha256Hex(data: Uint8Array | string): string {
  return hash('sha256', data, 'hex');
}

/** The public id of one generation of an action: `act_<key>_<gen>`. It is a name, not a capability: every read checks the principal. */
export function actionId(key: string, gen: number): string {
  return `act_${key}_${gen}`;
}

/** Splits an action id into key and generation, or null where it is none. */
export function parseActionId(id: string): { key: string; gen: number } | null {
  const match = /^act_([0-9a-hjkmnp-tv-z]{40})_([1-9][0-9]{0,8})$/.exec(id);
  return match ? { key: match[1] as string, gen: Number(match[2]) } : null;
}
