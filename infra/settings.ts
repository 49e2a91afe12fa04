import * as z from 'zod';
import type { PlumblineConfig } from '../shared/config/schema.ts';

const name = z.string().regex(/^[a-z][a-z0-9-]{0,19}$/, 'lower-case letters, digits and hyphens, at most 20');
const days = z.number().int().min(1);

/** What differs between two deployments. */
export const settingsSchema = z.strictObject({
  stage: name,
  /** The AWS account; absent = that of the credentials that deploy. */
  account: z
    .string()
    .regex(/^[0-9]{12}$/, '12 digits')
    .optional(),
  /** The AWS region; absent = that of the credentials that deploy, else us-east-1 as the CDK itself takes it. */
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-[0-9]$/, 'such as eu-central-1')
    .prefault(() => process.env.CDK_DEFAULT_REGION ?? 'us-east-1'),
  /**
   * The public address of the webhook door where it is not the Function URL's own, such as a domain in front of it.
   * Schemes that sign the address need it then; a first deploy does not.
   */
  webhookPublicUrl: z.url().optional(),
  /** Who is mailed by alarms; absent = alarms change state and nobody is mailed. */
  alarmEmail: z.email().optional(),
  /** Concurrent executions that are kept for a door and bound it; absent = the account's shared pool. */
  reservedConcurrency: z.partialRecord(z.enum(['agent-door', 'webhook-door', 'operator-door']), days).default({}),
  /** Requests a second that a door's API lets through, and how many at once. */
  throttle: z
    .strictObject({ perSecond: z.number().int().min(1), burst: z.number().int().min(1) })
    .prefault({ perSecond: 200, burst: 400 }),
  /** How long logs are kept: one of CloudWatch's periods. */
  logRetentionDays: z.union([30, 60, 90, 180, 365, 400, 731].map((value) => z.literal(value))).default(90),
  /** How long payload objects (prompts, answers, raw events) are kept. */
  evidenceRetentionDays: days.default(400),
  /**
   * The identity provider of operators. Absent = the stage gets a Cognito user pool of its own.
   * With your own: its issuer and the audience (client id) of its tokens.
   */
  operators: z.strictObject({ issuer: z.url(), audience: z.string().min(1) }).optional(),
});

export type Settings = z.output<typeof settingsSchema>;

/** The deployments there are. Add yours here; what is left out has the default written above. */
const stages: Readonly<Record<string, Omit<z.input<typeof settingsSchema>, 'stage'>>> = {
  /** One machine: `npm start`. */
  local: { region: 'eu-central-1', operators: { issuer: 'http://127.0.0.1:4103', audience: 'plumbline-local' } },
  dev: {},
  prod: { logRetentionDays: 400 },
};

/** The stage that is meant where none is named. */
export const defaultStage = 'dev';

/** The API key of an agent with which `npm run verify` reads; null where `PLUMBLINE_API_KEY` is not set. */
export function verifyApiKey(): string | null {
  return process.env.PLUMBLINE_API_KEY ?? null;
}

/** Where a person reaches the operator API and their access token; null where one of both is not set. */
export function operatorAccess(): { readonly url: string; readonly token: string } | null {
  const { PLUMBLINE_OPERATOR_URL: url, PLUMBLINE_OPERATOR_TOKEN: token } = process.env;
  return url && token ? { url, token } : null;
}

/** Adds variables to this process's environment, where SDK clients that are made later read them. */
export function useEnvironment(variables: Readonly<Record<string, string>>): void {
  Object.assign(process.env, variables);
}

/** Settings that cannot be deployed. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/**
 * The settings of one stage. Throws `SettingsError` for a stage that infra/settings.ts does not know or describes wrongly.
 * @param overrides settings that replace those of the file, for tests and the local target
 */
export function settingsOf(stage: string, overrides: Partial<z.input<typeof settingsSchema>> = {}): Settings {
  const known = Object.hasOwn(stages, stage) ? stages[stage] : undefined;
  if (!known) {
    throw new SettingsError(`No stage is called ${stage}; infra/settings.ts has ${Object.keys(stages).join(', ')}.`);
  }
  const parsed = settingsSchema.safeParse({ ...known, ...overrides, stage });
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map(({ path, message }) => `  ${path.join('.')}: ${message}`);
  throw new SettingsError(`The settings of stage ${stage} are wrong:\n${lines.join('\n')}`);
}

/**
 * Refuses what belongs to one machine in a stage that is deployed: http addresses and loopback hosts anywhere in the
 * settings or the configuration, so a development issuer or a simulator's origin. Throws `SettingsError` with all of them.
 */
export function refuseLocalValues(settings: Settings, config: PlumblineConfig): void {
  if (settings.stage === 'local') return;
  const found = [...localValues(settings, 'infra/settings.ts'), ...localValues(config, 'config')];
  if (found.length === 0) return;
  throw new SettingsError(
    `Stage ${settings.stage} cannot have addresses of one machine or without TLS:\n  ${found.join('\n  ')}`,
  );
}

function localValues(value: unknown, path: string): string[] {
  if (typeof value === 'string') return isLocal(value) ? [`${path}: ${value}`] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => localValues(inner, `${path}.${key}`));
}

function isLocal(text: string): boolean {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return false;
  if (!URL.canParse(text)) return true;
  const { protocol, hostname } = new URL(text);
  const loopback = /^(localhost|.*\.localhost|127\.[0-9.]+|0\.0\.0\.0|\[::1?\]|\[::ffff:7f.*\])$/i.test(hostname);
  return protocol === 'http:' || loopback;
}
