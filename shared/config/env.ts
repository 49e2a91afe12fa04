import { readFileSync } from 'node:fs';
import { PlumblineError } from '../model/errors.ts';
import type { PlumblineConfig } from './schema.ts';

/** What a variable must be: its value, or what is wrong with it. Plain code: every function reads some at each start. */
type Reader<T> = (raw: string | undefined) => { readonly value: T } | { readonly problem: string };

const missing = { problem: 'is missing' };

function matching(allowed: (raw: string) => boolean, form: string): Reader<string> {
  return (raw) => {
    if (raw === undefined) return missing;
    return allowed(raw) ? { value: raw } : { problem: `is wrong: ${form}` };
  };
}

function optional<T>(reader: Reader<T>): Reader<T | undefined> {
  return (raw) => (raw === undefined ? { value: undefined } : reader(raw));
}

const text = matching(() => true, '');
const stage = matching((raw) => /^[a-z][a-z0-9-]{0,19}$/.test(raw), 'lower-case letters, digits and hyphens');
const url = matching((raw) => /^https?:\/\//.test(raw) && URL.canParse(raw), 'an http or https address');

/** Simulators' origins by system. */
const localOrigins: Reader<Readonly<Record<string, string>>> = (raw) => {
  if (raw === undefined) return missing;
  const origins = parsedJson(raw);
  const wrong = { problem: 'is wrong: a JSON object of system to http://127.0.0.1:<port>' };
  if (typeof origins !== 'object' || origins === null || Array.isArray(origins)) return wrong;
  const local = (origin: unknown) => typeof origin === 'string' && /^http:\/\/127\.0\.0\.1:[0-9]{1,5}$/.test(origin);
  return Object.values(origins).every(local) ? { value: origins as Record<string, string> } : wrong;
};

function parsedJson(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    return null;
  }
}

/** Every environment variable a function may ask for; docs/architecture.md says what each is. */
const readers = {
  STAGE: stage,
  TABLE_ACTIONS: text,
  TABLE_INBOX: text,
  TABLE_LEDGER: text,
  TABLE_CASES: text,
  TABLE_LINKS: text,
  TABLE_STATE: text,
  TABLE_CONTROL: text,
  PAYLOAD_BUCKET: text,
  QUEUE_INBOX_URL: url,
  QUEUE_ACTIONS_URL: url,
  QUEUE_DELIVERIES_URL: url,
  REFRESH_FUNCTION: text,
  OPERATOR_ISSUER: url,
  OPERATOR_AUDIENCE: text,
  WEBHOOK_PUBLIC_URL: optional(url),
  LOCAL_ORIGINS: optional(localOrigins),
  AWS_REGION: text,
  AWS_LAMBDA_FUNCTION_NAME: optional(text),
} as const;

/** The name of a variable of a function's environment. */
export type EnvName = keyof typeof readers;

/** The variables asked for, by name; an optional one may be undefined. */
export type Env<N extends EnvName> = { readonly [K in N]: (typeof readers)[K] extends Reader<infer T> ? T : never };

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
    // An empty variable counts as one that is not set.
    const read = readers[name](source[name] || undefined);
    if ('value' in read) out[name] = read.value;
    else problems.push(`${name} ${read.problem}`);
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
