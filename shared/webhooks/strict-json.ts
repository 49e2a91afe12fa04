import type { Json } from '../model/json.ts';
import { strictUtf8 } from './encoding.ts';

/** Why a body is not readable data. */
export type UnreadableReason =
  | 'empty'
  | 'invalid_utf8'
  | 'too_deep'
  | 'invalid_json'
  | 'dangerous_key'
  | 'duplicate_key'
  | 'lone_surrogate';

export type ParsedJson =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly reason: UnreadableReason };

const maxDepth = 64;
const dangerousKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

class Unreadable extends Error {
  readonly reason: UnreadableReason;

  constructor(reason: UnreadableReason) {
    super(reason);
    this.reason = reason;
  }
}

/**
 * Parses JSON bytes so that nothing is lost or smuggled in: strict UTF-8, depth at most 64, no duplicate keys,
 * no `__proto__`, `constructor` or `prototype` key, no lone surrogate; numbers that JavaScript cannot hold exactly
 * (such as 64-bit ids) come back as strings of their digits. Never throws.
 */
export function parseStrictJson(bytes: Uint8Array): ParsedJson {
  const text = strictUtf8(bytes)?.replace(/^\ufeff/, '');
  if (text === undefined) return { ok: false, reason: 'invalid_utf8' };
  if (text.trim() === '') return { ok: false, reason: 'empty' };
  try {
    // Looking at every value costs more than all the rest: it is done where the text holds something it would find.
    const plain = scan(text) && text.isWellFormed() && !/\\u[dD][89a-fA-F]/.test(text);
    return { ok: true, value: (plain ? JSON.parse(text) : JSON.parse(text, revive)) as Json };
  } catch (error) {
    return { ok: false, reason: error instanceof Unreadable ? error.reason : 'invalid_json' };
  }
}

const [openObject, closeObject, openList, closeList, quote] = [0x7b, 0x7d, 0x5b, 0x5d, 0x22];
const [zero, nine, colon, backslash] = [0x30, 0x39, 0x3a, 0x5c];
/** The longest run of digits that every double holds exactly. */
const exactDigits = 15;

/**
 * Walks the text once before it is parsed: depth and keys are judged while nothing recursive has touched it.
 * @returns whether every number is short and plain, so that none of them can lose a digit
 */
function scan(text: string): boolean {
  const keys: (Set<string> | null)[] = [];
  let digits = 0;
  let plain = true;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= zero && code <= nine) {
      digits += 1;
      if (digits > exactDigits) plain = false;
      continue;
    }
    // An exponent follows a digit; the letter stands in no other place beside strings but `true` and `false`.
    if (digits > 0 && (code === 0x65 || code === 0x45)) plain = false;
    digits = 0;
    if (code === quote) {
      const end = stringEnd(text, at);
      if (isKey(text, end)) checkKey(keys.at(-1), text.slice(at, end));
      at = end - 1;
    } else if (code === openObject || code === openList) {
      keys.push(code === openObject ? new Set() : null);
      if (keys.length > maxDepth) throw new Unreadable('too_deep');
    } else if (code === closeObject || code === closeList) keys.pop();
  }
  return plain;
}

/** Index after the closing quote of the string that starts at `at`. */
function stringEnd(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); end > 0; end = text.indexOf('"', end + 1)) {
    let before = end;
    while (text.charCodeAt(before - 1) === backslash) before -= 1;
    if ((end - before) % 2 === 0) return end + 1;
  }
  throw new Unreadable('invalid_json');
}

function isKey(text: string, from: number): boolean {
  let at = from;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at += 1;
  return text.charCodeAt(at) === colon;
}

function checkKey(seen: Set<string> | null | undefined, token: string): void {
  const key = token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1);
  if (dangerousKeys.has(key)) throw new Unreadable('dangerous_key');
  if (!key.isWellFormed()) throw new Unreadable('lone_surrogate');
  if (seen?.has(key)) throw new Unreadable('duplicate_key');
  seen?.add(key);
}

function revive(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value === 'string' && !value.isWellFormed()) throw new Unreadable('lone_surrogate');
  if (typeof value !== 'number') return value;
  const source = context?.source ?? String(value);
  if (!Number.isFinite(value)) return source;
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? source : value;
}
