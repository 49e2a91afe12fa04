import type { HubspotProperties } from './client.ts';

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
