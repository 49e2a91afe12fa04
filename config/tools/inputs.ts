import * as z from 'zod';

/** An e-mail address; trimmed and in lower case, as HubSpot keeps it. */
export const email = z.string().trim().toLowerCase().max(254).regex(z.regexes.email, 'an e-mail address');

/** A HubSpot record id. */
export const recordId = z.string().regex(/^[1-9][0-9]{0,18}$/, 'digits, as returned by the find and search tools');

/** One line of text, trimmed. */
export const line = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .regex(/^[^\r\n]*$/, 'one line');
