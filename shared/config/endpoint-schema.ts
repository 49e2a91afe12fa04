import * as z from 'zod';
import { duration, secretName } from './scalars.ts';

/** Where an agent is told of events, signed under Standard Webhooks. */
export const endpointSchema = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/ })
      .refine(
        (text) => /^(https:\/\/[^@#]+|http:\/\/(127\.0\.0\.1|localhost)(:[0-9]+)?(\/[^@#]*)?)$/.test(text),
        'an https address without user and fragment; http only for this machine',
      ),
    secret: secretName,
    /** What becomes of an event that was not taken before the deadline. */
    whileDown: z.enum(['queue', 'case', 'rule']).default('queue'),
    /** For `whileDown: rule`: the name of a rule of config/rules. */
    rule: z
      .string()
      .regex(/^[a-z][a-z0-9_]{0,39}$/, 'the name of a rule of config/rules')
      .optional(),
    /** How long after it was queued an event is handled at the latest. */
    deadline: duration.refine((ms) => ms >= 60_000 && ms <= 12 * 86_400_000, 'from 1m to 12d').prefault('1h'),
  })
  .refine(
    ({ whileDown, rule }) => (whileDown === 'rule') === (rule !== undefined),
    '`rule` stands with `whileDown: rule`, and only there',
  );
