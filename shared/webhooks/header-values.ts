import { type HeaderRecord, Refusal } from './verify-types.ts';

const maxHeaderChars = 8192;

/** Looks headers up in any letter case; a header that came more than once is refused. */
export type HeaderReader = {
  /** The value, or null where the header is absent. Refuses `duplicate_header`, `malformed_header`. */
  optional(name: string): string | null;
  /** The value. Refuses `missing_header` where it is absent or empty. */
  required(name: string): string;
};

/**
 * Reads security headers: exactly one value each, printable ASCII, at most 8192 characters.
 * @param headers a plain record in any letter case
 */
export function headerReader(headers: HeaderRecord): HeaderReader {
  const values = new Map<string, string[]>();
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (value === undefined || value === null) continue;
    const list = Array.isArray(value) ? value : [value];
    const key = name.toLowerCase();
    values.set(key, [...(values.get(key) ?? []), ...list]);
  }
  const optional = (name: string): string | null => {
    const found = values.get(name.toLowerCase());
    if (!found || found.length === 0) return null;
    if (found.length > 1) throw new Refusal('duplicate_header');
    const value: unknown = found[0];
    if (typeof value !== 'string' || value.length > maxHeaderChars || !/^[\x20-\x7e]*$/.test(value)) {
      throw new Refusal('malformed_header');
    }
    return value;
  };
  const required = (name: string): string => {
    const value = optional(name);
    if (value === null || value === '') throw new Refusal('missing_header');
    return value;
  };
  return { optional, required };
}
