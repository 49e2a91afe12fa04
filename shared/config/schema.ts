import * as z from 'zod';
import { conditionForm, parseCondition } from './condition.ts';
import { endpointSchema } from './endpoint-schema.ts';
import type { FileConfig } from './file-schema.ts';
import { restSchema } from './rest-schema.ts';
import { duration, secretName } from './scalars.ts';

const name = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'lower-case letters, digits and hyphens, at most 40');
const toolPattern = z.string().regex(/^[a-z][a-z0-9_]*\*?$/, 'a tool name, or a prefix followed by *');
const team = name;

/** `10s`, `hour`, `day` as milliseconds. */
const period = z.union([
  z
    .enum(['second', 'minute', 'hour', 'day'])
    .transform((word) => ({ second: 1000, minute: 60_000, hour: 3_600_000, day: 86_400_000 })[word]),
  duration,
]);

/** `20 per hour` as a count and a window. */
export const allowance = z
  .string()
  .regex(/^[1-9][0-9]* (records )?per (minute|hour|day)$/, 'such as `20 per hour`')
  .transform((text) => {
    const [count = '0', word = ''] = [text.split(' ')[0], text.split(' ').at(-1)];
    return {
      atMost: Number(count),
      windowMs: { minute: 60_000, hour: 3_600_000, day: 86_400_000 }[word] ?? Number.NaN,
    };
  });

/** `pipeline = sales`: judged on the live record. */
const condition = z.string().refine((text) => parseCondition(text) !== null, conditionForm);

const headerName = z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/, 'the name of a header, such as X-Api-Key');

/** What every way to authenticate may say. */
const anyAuth = {
  secret: secretName,
  /** Who the system must say that the credential acts as. */
  actsAs: z.string().min(1).max(200).optional(),
  /** The day, in UTC, on which what lies in the secret ends; the owner is told ahead. */
  expiresAt: z.iso.date().optional(),
};

/** What every way has that gets short-lived tokens from a token endpoint. */
const tokenAuth = {
  ...anyAuth,
  /** Absent: the connector's own. */
  tokenUrl: z
    .string()
    .regex(
      /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9_.-]+)+$/,
      'a path on the origin that issues tokens, such as /oauth/token',
    )
    .optional(),
  /** What the provider documents; the observed lifetime is kept beside it. */
  tokenLifetime: duration,
  refresh: z.enum(['ttl', 'on401', 'both', 'never']).default('ttl'),
};

/** What is signed: text with the parts of a request in braces. */
const signedTemplate = z
  .string()
  .min(1)
  .max(200)
  .refine(
    (text) => /^[^{}]*$/.test(text.replace(/\{(?:method|path|timestamp|body|body_sha256)\}/g, '')),
    'text with {method}, {path} (path and query), {timestamp}, {body} or {body_sha256}',
  );

const auth = z.discriminatedUnion('grant', [
  z.strictObject({ grant: z.literal('bearer'), ...anyAuth }),
  z.strictObject({
    grant: z.literal('refresh_token'),
    ...tokenAuth,
    /** Whether a refresh may replace the refresh token; false only where the provider documents that it never does. */
    rotates: z.boolean().optional(),
    /** How long the provider documents the old refresh token to work after a rotation; absent = not at all. */
    rotationGrace: duration.optional(),
    /** The page where a person agrees; `npm run connect` sends them there. */
    authorizeUrl: z.url({ protocol: /^https$/ }).optional(),
  }),
  z.strictObject({
    grant: z.literal('client_credentials'),
    ...tokenAuth,
    scope: z.string().min(1).max(1000).optional(),
    /** How the client says who it is: in the form, or as Basic. */
    clientAuth: z.enum(['body', 'basic']).default('body'),
  }),
  z.strictObject({
    grant: z.literal('jwt_bearer'),
    ...tokenAuth,
    /** The `aud` of the assertion. */
    audience: z.url({ protocol: /^https$/ }),
  }),
  z
    .strictObject({
      grant: z.literal('api_key'),
      ...anyAuth,
      /** One of both: where the key goes. */
      header: headerName.optional(),
      query: z
        .string()
        .regex(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/, 'the name of a query parameter, such as api_key')
        .optional(),
      /** Stands before the key in its header, such as `token `. */
      prefix: z
        .string()
        .regex(/^[A-Za-z][A-Za-z =-]{0,19}$/, 'a word and a space, such as `token `')
        .optional(),
    })
    .refine(({ header, query }) => (header === undefined) !== (query === undefined), 'either header or query')
    .refine(({ query, prefix }) => query === undefined || prefix === undefined, 'no prefix beside query'),
  z.strictObject({ grant: z.literal('basic'), ...anyAuth }),
  z
    .strictObject({
      grant: z.literal('hmac'),
      ...anyAuth,
      /** Where the signature goes. */
      header: headerName,
      algorithm: z.enum(['sha256', 'sha512', 'sha1']).default('sha256'),
      encoding: z.enum(['hex', 'base64']).default('hex'),
      prefix: z
        .string()
        .regex(/^[A-Za-z][A-Za-z0-9 =:-]{0,19}$/, 'a word, such as `sha256=`')
        .optional(),
      signed: signedTemplate,
      timestampHeader: headerName.optional(),
      timestamp: z.enum(['seconds', 'milliseconds', 'iso']).default('seconds'),
      /** Where the id of the key goes; the secret is then `id:key`. */
      keyIdHeader: headerName.optional(),
    })
    .refine(
      ({ signed, timestampHeader }) => signed.includes('{timestamp}') === (timestampHeader !== undefined),
      'timestampHeader and {timestamp} in signed, or neither',
    ),
]);

export const systemSchema = z.strictObject({
  connector: name,
  owner: team,
  /** What the system must say of itself before the first write. The names are those of the connector's identity. */
  account: z
    .object({ is: z.enum(['sandbox', 'production']) })
    .catchall(z.union([z.string().min(1).max(200), z.number().int().positive()])),
  apiVersion: z.string().regex(/^[A-Za-z0-9.-]{1,20}$/),
  /** Only where the connector allows another origin than its own. */
  origin: z.url({ protocol: /^https$/ }).optional(),
  changelog: z.url().optional(),
  auth,
  scopes: z.array(z.string()).default([]),
  /** Fields that hold personal data: masked towards agents unless an agent's scope lists them. */
  personal: z
    .array(z.string())
    .default(['email', 'phone', 'mobilephone', 'firstname', 'lastname', 'address', 'zip', 'date_of_birth']),
  limits: z.array(z.strictObject({ calls: z.number().int().positive(), per: period })).min(1),
  breaker: z
    .strictObject({
      opensAfter: z.number().int().min(1),
      stays: duration,
      /** What calls get while it is open: writes wait, or are refused with a case; reads may get the last answer once more. */
      whileOpen: z.enum(['queue', 'case', 'fallback']),
      fallback: z.strictObject({ maxAge: duration }).optional(),
    })
    .refine(
      ({ whileOpen, fallback }) => (whileOpen === 'fallback') === (fallback !== undefined),
      '`fallback: { maxAge: 15m }` where whileOpen is fallback, and only there',
    )
    .prefault({ opensAfter: 5, stays: '30s', whileOpen: 'queue' }),
  /** Writes that have to wait for longer than this without a pause open a case for the owner. */
  waitingAlarm: duration.prefault('15m'),
  /** How long our effect may take to be visible to a read-back; absence counts only after it. */
  settle: duration.prefault('5m'),
  /** The API itself, where the connector is `rest`. */
  rest: restSchema.optional(),
  /** Changes that are asked for where no webhook tells them, by the name of a feed of the connector. */
  feeds: z
    .record(
      name,
      z.strictObject({
        every: duration.prefault('5m'),
        /** How much of the last walk each one looks at again, for what the system shows late. */
        overlap: duration.prefault('2m'),
      }),
    )
    .default({}),
  webhooks: z
    .record(
      name,
      z.strictObject({
        scheme: z.string(),
        secret: secretName,
        tolerance: duration.prefault('5m'),
        maxBodyBytes: z.number().int().min(1024).max(5_242_880).default(1_048_576),
        silenceAlarm: duration.optional(),
        params: z.record(z.string(), z.string()).optional(),
        /** False: nobody looks at the provider whether the endpoint is switched on, such as where its API does not list it. */
        watched: z.boolean().optional(),
        /** Subscriptions at the provider that Plumbline makes and keeps alive for this channel. */
        subscriptions: z
          .array(
            z.strictObject({
              resource: z.string().min(1).max(600),
              changes: z.array(z.enum(['created', 'updated', 'deleted'])).min(1),
            }),
          )
          .optional(),
      }),
    )
    .default({}),
});

export const agentSchema = z.strictObject({
  owner: team,
  mode: z.enum(['read', 'suggest', 'append', 'write']).default('read'),
  /** Exact names grant the tool; a pattern grants reads and appends only. */
  tools: z.array(toolPattern).min(1),
  /** Cannot approve what this agent asks. */
  responsible: z.array(z.string()).default([]),
  /** Record scope per object (`pipeline = sales`), and the personal fields this agent may see unmasked. */
  scope: z
    .strictObject({ personal: z.array(z.string()).default([]), records: z.record(z.string(), condition).default({}) })
    .prefault({}),
  budgets: z.partialRecord(z.enum(['read', 'append', 'create', 'update', 'delete', 'send']), allowance).default({}),
  /** IAM role or user ARNs that may call as this agent through /iam/. */
  iam: z.array(z.string().startsWith('arn:')).default([]),
  /** Which event types are delivered to this agent: `app_mention`, `slack/app_mention`, or a beginning and `*`. */
  events: z.array(z.string()).default([]),
  /** Where they are delivered to; absent = nowhere. */
  endpoint: endpointSchema.optional(),
});

export const ownersSchema = z.strictObject({
  teams: z.record(team, z.strictObject({ notify: z.array(z.string()).default([]), escalateTo: team.optional() })),
  /** Roles and teams of people, by the e-mail or subject their identity provider asserts. */
  people: z.record(
    z.string(),
    z.strictObject({
      /** The `sub` of their access tokens, where these carry no verified e-mail: those of Cognito carry none. */
      subject: z.string().min(1).optional(),
      roles: z.array(z.enum(['viewer', 'operator', 'approver', 'auditor', 'admin'])).min(1),
      teams: z.array(team).default([]),
    }),
  ),
});

export const policiesSchema = z.strictObject({
  /** The secret of at least 32 bytes under which the handles of delivered events are made. */
  events: z.strictObject({ handleSecret: secretName }).optional(),
  approvals: z
    .array(
      z.strictObject({
        /** `tool`, `effect` and tool inputs by name; a list means any of. All must match. */
        when: z.record(
          z.string(),
          z.union([z.string(), z.number(), z.boolean(), z.array(z.union([z.string(), z.number()]))]),
        ),
        by: team,
        within: duration,
      }),
    )
    .default([]),
  budgets: z
    .array(
      z.looseObject({
        tool: z.string(),
        atMost: allowance,
        // biome-ignore lint/suspicious/noThenProperty: the word process owners read aloud
        then: z.enum(['refuse', 'approval']).default('refuse'),
      }),
    )
    .default([]),
  rollout: z
    .record(
      z.string(),
      z.strictObject({ stage: z.enum(['off', 'shadow', 'partial', 'full']), segment: condition.optional() }),
    )
    .default({}),
});

export type SystemConfig = z.output<typeof systemSchema>;
/** How a system is signed in to. */
export type AuthConfig = SystemConfig['auth'];
export type AgentConfig = z.output<typeof agentSchema>;
export type OwnersConfig = z.output<typeof ownersSchema>;
export type PoliciesConfig = z.output<typeof policiesSchema>;

/** All of config/, validated. Built into `dist/config.json` and read by every function at start. */
export type PlumblineConfig = {
  readonly version: string;
  readonly systems: { readonly [name: string]: SystemConfig };
  /** Sources of files, by name. */
  readonly files: { readonly [name: string]: FileConfig };
  readonly agents: { readonly [name: string]: AgentConfig };
  readonly owners: OwnersConfig;
  readonly policies: PoliciesConfig;
};
