import * as z from 'zod/mini';

/** An order number of the supplier. */
export const orderNo = z
  .string()
  .check(z.trim(), z.toUpperCase(), z.regex(/^P[0-9]{5,9}$/, 'P and digits, such as P50123'));

/** An article number of the supplier. */
export const articleNo = z
  .string()
  .check(z.trim(), z.regex(/^[0-9]{6}$/, 'six digits, as returned by supplier_price_list'));

/** Where the portal's clocks stand, as its file of config/systems says: its days begin there. */
export const portalZone = 'Europe/Amsterdam';

/** A day, as the portal wants it. */
export const day = z
  .string()
  .check(
    z.trim(),
    z.regex(/^20[0-9]{2}-[01][0-9]-[0-3][0-9]$/, 'a day such as 2026-12-01'),
    z.regex(z.regexes.date, 'a day that the calendar has'),
  );

/** A delivery address of the supplier. */
export const shipTo = z
  .string()
  .check(z.trim(), z.regex(/^ST[0-9]{4,6}$/, 'ST and digits, as returned by supplier_address_list'));

/** What asks for the next page. */
export const after = z
  .optional(z.string().check(z.maxLength(600)))
  .check(z.describe('the `after` of the page before, for the next page'));
