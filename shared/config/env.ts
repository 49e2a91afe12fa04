import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { PlumblineError } from '../model/errors.ts';
import type { PlumblineConfig } from './schema.ts';

const text = z.string().min(1);
const httpsUrl = z.url({ protocol: /^https?$/ });

const localOrigins = z
  .string()
  .transform((value, context): unknown => {
    try {
      return JSON.parse(value);
    } catch {
      context.addIssue({ code: 'custom', message: 'a JSON object of system to origin' });
      return z.NEVER;
    }
  })
  .pipe(z.record(z.string(), z.string().regex(/^http:\/\/127\.0\.0\.1:[0-9]{1,5}$/, 'http://127.0.0.1:<port>')));

/** Every environment variable a function may ask for; docs/architecture.md says what each is. */
const readers = {
  STAGE: z.string().regex(/^[a-z][a-z0-9-]{0,19}$/, 'lower-case letters, digits and hyphens'),
  TABLE_ACTIONS: text,
  TABLE_INBOX: text,
  TABLE_LEDGER: text,
  TABLE_CASES: text,
  TABLE_LINKS: text,
  TABLE_STATE: text,
  TABLE_CONTROL: text,
  PAYLOAD_BUCKET: text,
  QUEUE_INBOX_URL: httpsUrl,
  QUEUE_ACTIONS_URL: httpsUrl,
  REFRESH_FUNCTION: text,
  OPERATOR_ISSUER: httpsUrl,
  OPERATOR_AUDIENCE: text,
  WEBHOOK_PUBLIC_URL: httpsUrl.optional(),
  LOCAL_ORIGINS: localOrigins.optional(),
  AWS_REGION: text,
  AWS_LAMBDA_FUNCTION_NAME: text.optional(),
} as const;

/** The name of a variable of a function's environment. */
export type EnvName = keyof typeof readers;

/** The variables asked for, by name; an optional one may be undefined. */
export type Env<N extends EnvName> = { readonly [K in N]: z.output<(typeof readers)[K]> };

/**
 * Reads and validates the named variables of a function's environment, all at once.
 * Throws `config_invalid` with one line per missing or wrong variable; values are never repeated in the text.
 * @param names the variables this function needs; @param source where they are read; the process's environment by default
 */
export function readEnv<N extends EnvName>(
  names: readonly N[],
  source: Readonly<Record<string, string | undefined>> = process.env,
): Env<N> {
  const problems: string[] = [];
  const out: Partial<Record<EnvName, unknown>> = {};
  for (const name of names) {
    const raw = source[name];
    const parsed = readers[name].safeParse(raw === '' ? undefined : raw);
    if (parsed.success) out[name] = parsed.data;
    else problems.push(`${name} ${raw ? `is wrong: ${parsed.error.issues[0]?.message ?? 'not valid'}` : 'is missing'}`);
  }
  if (out.LOCAL_ORIGINS !== undefined && source.STAGE !== 'local') {
    problems.push('LOCAL_ORIGINS is set outside the stage local');
  }
  if (problems.length > 0) {
    throw new PlumblineError(`This function's environment is not complete: ${problems.join('; ')}.`, {
      code: 'config_invalid',
      retry: 'never',
      hint: 'The deployment sets these variables: deploy again, or compare with docs/architecture.md.',
    });
  }
  return out as Env<N>;
}

/** Credentials and endpoints of the AWS account a function runs in, for the calls that no SDK client signs. */
export type AwsEnv = {
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
  /** The endpoint of a service (`S3`, `LAMBDA`) where one is set, else null for AWS's own. */
  readonly endpoint: (service: string) => string | null;
};

/**
 * Reads AWS credentials and endpoints as the Lambda runtime sets them. Read again for each signing: they rotate.
 * Throws `config_invalid` where there are none.
 */
export function readAwsEnv(source: Readonly<Record<string, string | undefined>> = process.env): AwsEnv {
  const accessKeyId = source.AWS_ACCESS_KEY_ID;
  const secretAccessKey = source.AWS_SECRET_ACCESS_KEY;
  const region = source.AWS_REGION;
  if (!accessKeyId || !secretAccessKey || !region) {
    throw new PlumblineError('AWS credentials or region are missing from the environment.', {
      code: 'config_invalid',
      retry: 'never',
      hint: 'The Lambda runtime sets AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION.',
    });
  }
  const endpoint = (service: string) => source[`AWS_ENDPOINT_URL_${service}`] ?? source.AWS_ENDPOINT_URL ?? null;
  return { region, accessKeyId, secretAccessKey, sessionToken: source.AWS_SESSION_TOKEN, endpoint };
}

/**
 * Reads the validated configuration that the build wrote as `config.json` beside the function's bundle.
 * Throws `config_invalid` where it is missing or not one that the build writes.
 * @param importMetaUrl `import.meta.url` of the bundle's entry or of one of its chunks
 */
export function readRuntimeConfig(importMetaUrl: string): PlumblineConfig {
  let cause: unknown = null;
  for (const place of ['./config.json', '../config.json']) {
    try {
      const config = JSON.parse(readFileSync(new URL(place, importMetaUrl), 'utf8')) as PlumblineConfig;
      if (typeof config.version === 'string' && config.systems && config.agents) return config;
    } catch (error) {
      cause ??= error;
    }
  }
  throw new PlumblineError('config.json is missing beside the bundle, or is not what the build writes.', {
    code: 'config_invalid',
    retry: 'never',
    hint: 'Run the build again: it validates config/ and writes config.json beside every bundle.',
    cause,
  });
}
