import { timingSafeEqual } from 'node:crypto';

/** How a digest is written into a header. */
export type DigestEncoding = 'hex' | 'base64' | 'base64url';

const grammar: Readonly<Record<DigestEncoding, RegExp>> = {
  hex: /^(?:[0-9a-f]{2})+$/,
  base64: /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
  base64url: /^[A-Za-z0-9_-]+$/,
};

/**
 * Decodes text of exactly one spelling: lower-case hex, padded base64, unpadded base64url, no unused bits set.
 * Null for anything else, so that a changed character never decodes to the same bytes.
 */
export function decodeStrict(text: string, encoding: DigestEncoding): Uint8Array | null {
  if (text.length === 0 || text.length > 8192 || !grammar[encoding].test(text)) return null;
  const bytes = Buffer.from(text, encoding);
  return bytes.toString(encoding) === text ? bytes : null;
}

/** Whether two byte strings are equal, in time that depends on their lengths only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Bytes as UTF-8 text, or null where they are none; a byte order mark stays. */
export function strictUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
