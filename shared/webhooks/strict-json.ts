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
    scan(text);
    return { ok: true, value: JSON.parse(text, revive) as Json };
  } catch (error) {
    return { ok: false, reason: error instanceof Unreadable ? error.reason : 'invalid_json' };
  }
}

/** Walks the text once before it is parsed: depth and keys are judged while nothing recursive has touched it. */
function scan(text: string): void {
  const keys: (Set<string> | null)[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '{' || char === '[') {
      keys.push(char === '{' ? new Set() : null);
      if (keys.length > maxDepth) throw new Unreadable('too_deep');
    } else if (char === '}' || char === ']') keys.pop();
    else if (char === '"') {
      const end = stringEnd(text, at);
      if (isKey(text, end)) checkKey(keys.at(-1), text.slice(at, end));
      at = end - 1;
    }
  }
}

/** Index after the closing quote of the string that starts at `at`. */
function stringEnd(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i += 1) {
    if (text[i] === '\\') i += 1;
    else if (text[i] === '"') return i + 1;
  }
  throw new Unreadable('invalid_json');
}

function isKey(text: string, from: number): boolean {
  let at = from;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at += 1;
  return text[at] === ':';
}

function checkKey(seen: Set<string> | null | undefined, token: string): void {
  const key = JSON.parse(token) as string;
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
