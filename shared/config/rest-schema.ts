import * as z from 'zod';
import type { Json } from '../model/json.ts';
import { parseTemplate, templateForm, textsIn } from './rest-template.ts';

/** Where a value stands in an answer: names joined by dots, `.` for the whole answer. */
export const answerPath = z
  .string()
  .regex(
    /^(?:\.|[A-Za-z0-9_@$-]{1,64}(?:\.[A-Za-z0-9_@$-]{1,64}){0,7})$/,
    'names joined by dots, such as order.number, or `.` for the whole answer',
  );

const operationName = z.string().regex(/^[a-z][a-z0-9_]{0,39}$/, 'lower-case letters, digits and underscores');
const objectName = z.string().regex(/^[a-z][a-z0-9_]{0,39}$/, 'what it is called, such as order');
const paramName = z.string().regex(/^[A-Za-z_$][A-Za-z0-9_.$[\]-]{0,63}$/, 'the name of a query parameter');
const fieldName = z.string().regex(/^[A-Za-z_@$][A-Za-z0-9_@$.-]{0,79}$/, 'the name of a field, as the answer has it');
const isTemplate = (text: string): boolean => parseTemplate(text) !== null;
const template = z.string().max(1000).refine(isTemplate, `in braces only ${templateForm}`);

/** A JSON object whose texts are templates. */
const bodyTemplate = z
  .record(z.string().max(80), z.json())
  .refine((body) => textsIn(body as Json).every(isTemplate), `in braces only ${templateForm}`);

/** Segments of plain characters or with values in them; `.` and `..` are none. */
const pathTemplate = z
  .string()
  .max(500)
  .refine(
    isPath,
    'a path such as /api/orders/{input.number}; values stand for whole parts of it and are never left out',
  );

function isPath(text: string): boolean {
  if (text === '/') return true;
  if (!text.startsWith('/')) return false;
  return text
    .slice(1)
    .split('/')
    .every((segment) => {
      const parts = parseTemplate(segment);
      if (parts === null || parts.length === 0 || segment === '.' || segment === '..') return false;
      return parts.every((part) =>
        'text' in part ? /^[A-Za-z0-9._~-]+$/.test(part.text) : part.from === 'input' && !part.optional,
      );
    });
}

const scalar = z.union([z.string().max(200), z.number(), z.boolean(), z.null()]);
/** Headers that frame a message, say where it goes or carry a credential are none of the description's. */
const plainHeader = z
  .string()
  .regex(
    /^(?!(?:authorization|cookie|host|connection|content-.*|transfer-encoding|expect|te|trailer|upgrade|keep-alive|proxy-.*)$)[A-Za-z][A-Za-z0-9-]{0,63}$/i,
    'the name of a header that does not frame the message or carry a credential, such as Idempotency-Key',
  );

const carriesNoCredential = (name: string) => !/key|token|secret|auth|passw|session|signature/i.test(name);

const statusCode = z.number().int().min(200).max(599);

const zone = z.string().refine(isZone, 'a time zone, such as Europe/Amsterdam');

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== null;
  } catch {
    return false;
  }
}

/** One look at an answer. All that is named must hold; there are no patterns, so that none can take long. */
const condition = z
  .strictObject({
    status: z.union([statusCode, z.array(statusCode).min(1), z.enum(['4xx', '5xx'])]).optional(),
    at: answerPath.optional(),
    equals: z.union([scalar, z.array(scalar).min(1)]).optional(),
    contains: z.string().min(2).max(200).optional(),
    /** Anywhere in the body, also of a page that is no JSON. */
    bodyContains: z.string().min(2).max(200).optional(),
  })
  .refine(
    ({ at, equals, contains }) => (at === undefined) === (equals === undefined && contains === undefined),
    '`at` together with `equals` or `contains`',
  )
  .refine(
    ({ status, at, bodyContains }) => status !== undefined || at !== undefined || bodyContains !== undefined,
    'at least one of status, at, bodyContains',
  );

const successSchema = z.strictObject({
  status: z.array(z.number().int().min(200).max(299)).min(1).default([200]),
  /** What the body of a success says, for systems that answer 200 to everything. */
  when: condition.optional(),
});

const size = z.strictObject({ param: paramName, value: z.number().int().min(2).max(1000) });
const maxPages = z.number().int().min(1).max(100_000).default(2000);

const paging = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({
    kind: z.literal('page'),
    param: paramName,
    first: z.number().int().min(0).max(1).default(1),
    size: size.optional(),
    total: answerPath.optional(),
    max: maxPages,
  }),
  z.strictObject({ kind: z.literal('offset'), param: paramName, size, total: answerPath.optional(), max: maxPages }),
  z.strictObject({
    kind: z.literal('cursor'),
    param: paramName,
    next: answerPath,
    size: size.optional(),
    max: maxPages,
  }),
  z.strictObject({ kind: z.literal('link-header'), size: size.optional(), max: maxPages }),
]);

const query = z.record(paramName, z.union([template, z.number(), z.boolean()])).default({});

/** What an answer holds of one record. A field that is named and missing is an error, never an empty value. */
const recordParts = {
  object: objectName,
  id: answerPath,
  fields: z.array(fieldName).min(1).max(200),
  /** Fields that may be left out; they read as null. */
  maybe: z.array(fieldName).default([]),
  /** Fields that hold a time without a zone, and the zone they mean. */
  times: z.record(fieldName, zone).default({}),
};

const read = z
  .strictObject({
    kind: z.literal('read'),
    method: z.enum(['GET', 'POST']).default('GET'),
    path: pathTemplate,
    query,
    /** For systems that are asked by POST. */
    body: bodyTemplate.optional(),
    success: successSchema.optional(),
    /** Where the one record stands; or `rows`, where the list stands. */
    record: answerPath.optional(),
    rows: answerPath.optional(),
    ...recordParts,
    paging: paging.default({ kind: 'none' }),
    /** Narrows the list to what changed since a time. */
    modifiedSince: z
      .strictObject({ param: paramName, format: z.enum(['iso', 'epoch', 'epoch-ms', 'local']), zone: zone.optional() })
      .refine(
        ({ format, zone: named }) => (format === 'local') === (named !== undefined),
        'a zone with format local, and only there',
      )
      .optional(),
  })
  .refine(({ record, rows }) => (record === undefined) !== (rows === undefined), 'either record or rows')
  .refine(({ rows, paging: { kind } }) => rows !== undefined || kind === 'none', 'paging only with rows');

const resend = z.union(
  [
    z.strictObject({
      /** The header that carries our key, by which the system itself recognises a repeat, and for how long. */
      header: plainHeader,
      hours: z.number().int().min(1).max(8760),
    }),
    /** Looks for the value we wrote: the read that finds it, and the field that holds it. */
    z.strictObject({ lookup: operationName, by: fieldName }),
    /** Reads the record and compares what is written. */
    z.strictObject({ readBack: operationName }),
    /** Reads the record: it is done where the record is not there any more. */
    z.strictObject({ gone: operationName }),
    z.strictObject({ none: z.string().min(10, 'why nothing tells whether it happened') }),
  ],
  { error: 'one of: header and hours, lookup and by, readBack, gone, none' },
);

const undo = z.union(
  [
    z.strictObject({ operation: operationName, how: z.string().min(5) }),
    z.strictObject({ none: z.string().min(5, 'why there is no way back') }),
  ],
  { error: 'operation and how, or none and the reason' },
);

const write = z
  .strictObject({
    kind: z.literal('write'),
    effect: z.enum(['append', 'create', 'update', 'delete', 'send']),
    method: z.enum(['POST', 'PUT', 'PATCH', 'DELETE']),
    path: pathTemplate,
    query,
    body: bodyTemplate.optional(),
    form: z.record(paramName, z.union([template, z.number(), z.boolean()])).optional(),
    success: successSchema.optional(),
    object: objectName,
    /** Where the answer holds the record. */
    record: answerPath.default('.'),
    /** Where the record has its id; or what names it, such as `{input.number}`. */
    id: z.union([answerPath, template]),
    /** What is told of the record that the answer holds, beside its id. */
    returns: z.array(fieldName).default([]),
    /** The fields that this write sets, as the read that compares them shows them. */
    writes: z.record(fieldName, z.union([template, z.number(), z.boolean()])).default({}),
    resend,
    undo,
  })
  .refine(({ body, form }) => body === undefined || form === undefined, 'either body or form');

const errorClass = z.enum([
  'transient',
  'rate',
  'auth',
  'permission',
  'business',
  'conflict',
  'duplicate',
  'not_found',
  'schema',
  'unknown_outcome',
]);

const seconds = z.number().int().min(1).max(86_400);

/** The `rest:` block of a system: an API described in words, without code. docs/connectors.md reads it aloud. */
export const restSchema = z.strictObject({
  /** Longest time of one request, seconds. */
  timeout: z.number().int().min(1).max(60).default(15),
  headers: z
    .record(
      plainHeader.refine(
        carriesNoCredential,
        'no header that carries a credential: `auth` says how the system is signed in to',
      ),
      z.string().regex(/^[\t\x20-\x7e]{1,200}$/, 'printable characters on one line'),
    )
    .default({}),
  /** Asks the system who it is. Without `sandboxWhen` it counts as production. */
  whoAmI: z
    .strictObject({
      path: pathTemplate,
      query,
      identity: z.record(fieldName, answerPath).default({}),
      sandboxWhen: condition.optional(),
    })
    .optional(),
  /** What a success looks like, for the operations that do not say it themselves. */
  success: successSchema.prefault({}),
  /** Where an answer that is a failure holds its code and its words. */
  errorCode: answerPath.optional(),
  errorText: answerPath.optional(),
  /** The first rule that holds says what a failure is. */
  errors: z
    .array(
      z.strictObject({
        when: condition,
        class: errorClass,
        /** Needed where a 5xx or `transient` is to prove that a write did nothing. */
        nothingWritten: z.boolean().default(false),
        /** How long to wait before the next try, seconds. */
        wait: seconds.optional(),
      }),
    )
    .max(100)
    .default([]),
  operations: z.record(operationName, z.discriminatedUnion('kind', [read, write])),
  /** The read whose answer's shape is compared from time to time. */
  schemaProbe: operationName.optional(),
});

export type RestConfig = z.output<typeof restSchema>;
export type RestRead = Extract<RestConfig['operations'][string], { kind: 'read' }>;
export type RestWrite = Extract<RestConfig['operations'][string], { kind: 'write' }>;
export type RestCondition = RestConfig['errors'][number]['when'];
export type RestPaging = RestRead['paging'];
