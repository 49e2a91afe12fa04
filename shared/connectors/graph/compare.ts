import type { GraphProperties, GraphValue } from './client.ts';

/** Whether a record shows all the wanted values. */
export function shows(live: GraphProperties, wanted: GraphProperties): boolean {
  return Object.entries(wanted).every(([name, value]) => sameValue(live[name] ?? null, value));
}

/**
 * Whether two values are the same to Exchange: empty text is no value, text loses blanks at its ends and the kind of its line
 * ends, lists of addresses have neither order nor letter case, and a time has several spellings. Anything else that differs,
 * differs.
 */
export function sameValue(one: GraphValue, other: GraphValue): boolean {
  if (Array.isArray(one) || Array.isArray(other)) return listed(one) === listed(other);
  const [a, b] = [plain(one), plain(other)];
  if (a === b) return true;
  return typeof a === 'string' && typeof b === 'string' && sameInstant(a, b);
}

function listed(value: GraphValue): string {
  const items = Array.isArray(value) ? (value as readonly string[]) : value === null ? [] : [String(value)];
  return JSON.stringify([...new Set(items.map((item) => item.trim().toLowerCase()))].sort());
}

function plain(value: GraphValue): GraphValue {
  if (typeof value !== 'string') return value;
  const text = value
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(/[ \t\u00a0]+\n/g, '\n')
    .trim()
    .normalize('NFC');
  return text === '' ? null : text;
}

const instant = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z$/;

function sameInstant(one: string, other: string): boolean {
  return instant.test(one) && instant.test(other) && Date.parse(one) === Date.parse(other);
}
