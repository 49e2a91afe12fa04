import * as z from 'zod';
import { looksLikeCredential } from './literal-credential.ts';

/** `30s`, `15m`, `6h`, `2d` as milliseconds. */
export const duration = z
  .string()
  .regex(/^[1-9][0-9]*(ms|s|m|h|d)$/, 'a whole number followed by ms, s, m, h or d, such as 30s')
  .transform((text) => {
    const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
    const match = /^([0-9]+)(ms|s|m|h|d)$/.exec(text);
    return match ? Number(match[1]) * unit[match[2] as keyof typeof unit] : Number.NaN;
  });

/** The name of a secret; its value never stands in a file. */
export const secretName = z
  .string()
  .regex(/^[A-Za-z0-9/_+=.@-]{1,256}$/, 'the name of a secret in Secrets Manager, never its value')
  .refine((value) => !looksLikeCredential(value), 'the name of a secret in Secrets Manager: this looks like its value');
