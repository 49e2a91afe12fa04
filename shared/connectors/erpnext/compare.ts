import { beforeImage } from '../before-image.ts';
import type { ErpnextFields, ErpnextRecord, ErpnextValue } from './client.ts';

/** The before-image of a live record, with its `modified` then as `version`. */
export function versionedImage(record: ErpnextRecord, written: readonly string[]) {
  return { ...beforeImage(record, written), version: record.version };
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
