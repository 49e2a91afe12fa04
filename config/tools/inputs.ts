import * as z from 'zod/mini';

/** An e-mail address; trimmed and in lower case, as HubSpot keeps it. */
export const email = z
  .string()
  .check(z.trim(), z.toLowerCase(), z.maxLength(254), z.regex(z.regexes.email, 'an e-mail address'));

/** A HubSpot record id. */
export const recordId = z
  .string()
  .check(z.regex(/^[1-9][0-9]{0,18}$/, 'digits, as returned by the find and search tools'));

/** One line of text, trimmed. */
export const line = (max: number) =>
  z.string().check(z.trim(), z.minLength(1), z.maxLength(max), z.regex(/^[^\r\n]*$/, 'one line'));

/** Text of several lines, trimmed. */
export const text = (min: number, max: number) => z.string().check(z.trim(), z.minLength(min), z.maxLength(max));

/** A decimal of at most 15 digits in the one way it is written: 9.50 and 09.5 are one price, and so one order. */
export const plainDecimal = (text: string): string => String(Number(text));
