import { en } from 'zod/locales';
import * as z from 'zod/mini';
import type { InputError } from '../model/errors.ts';
import { idTimeMs } from '../model/ids.ts';
import type { Json, JsonObject } from '../model/json.ts';
import { maskContacts } from '../model/personal-shape.ts';
import { redactSecrets } from '../model/secret-shape.ts';
import { inexactIn } from './exact-json.ts';

/** What a caller says about its call. All of it is asserted: it is recorded and shown, and never widens what is allowed. */
export type CallContext = {
  readonly runId: string | null;
  readonly workflow: string | null;
  readonly period: string | null;
  readonly traceparent: string | null;
  /** W3C trace id, 32 hex digits. */
  readonly traceId: string | null;
  readonly reason: string | null;
  /** `again` and Idempotency-Key as they came. */
  readonly again: string | null;
  readonly idempotencyKey: string | null;
  /** The handle of the event this call answers, not yet verified. */
  readonly eventHandle: string | null;
  /** What is kept of the prompt, with the source each part came from; null where the caller gave none. */
  readonly prompt: JsonObject | null;
  /** The model's own output, apart, because it is kept under its own hash. */
  readonly modelOutput: Json | null;
  /** Kinds of credential-shaped text that was redacted. */
  readonly redacted: readonly string[];
};

/** The context, or everything that is wrong with it. */
export type ContextResult =
  | { readonly kind: 'ok'; readonly context: CallContext; readonly arguments: JsonObject }
  | { readonly kind: 'invalid'; readonly errors: readonly InputError[]; readonly redacted: readonly string[] };

/** Evidence is kept this long; ids that carry an older time are refused, because their history may be gone. */
export const retentionMs = 400 * 86_400_000;

// zod/mini brings no texts of its own.
z.config(en());

const maxContextHeader = 4096;
// Runs, workflows and periods stand on the ledger, which nothing is ever erased from.
const nobody = z.refine<string>((value) => maskContacts(value) === value, 'no address or number of a person');
const runId = z
  .string()
  .check(z.regex(/^[A-Za-z0-9._:@/-]{1,128}$/, 'letters, digits and . _ : @ / -, at most 128'), nobody);
const word = z.string().check(z.minLength(1), z.maxLength(128), nobody);

const wrongRunHeader: InputError = {
  path: 'X-Agent-Run-Id',
  message: 'is not a run id',
  allowed: 'at most 128 of A-Z a-z 0-9 . _ : @ / -',
};

const contextSchema = z.looseObject({
  run_id: z.optional(runId),
  workflow: z.optional(word),
  period: z.optional(word),
  model_output: z.optional(z.json()),
  event_handle: z.optional(z.string().check(z.maxLength(2000))),
});

const bodySchema = z.strictObject({
  arguments: z._default(z.record(z.string(), z.json()), {}),
  context: z.optional(contextSchema),
  reason: z.optional(z.string().check(z.maxLength(2000))),
  again: z.optional(z.string().check(z.maxLength(80))),
});

/**
 * Reads context and arguments of a call from its body and headers; the body wins over the headers.
 * Credential-shaped text is redacted before anything else sees it, and all strings are put into NFC.
 * @param headers lower-case names
 */
export function readContext(
  body: Json,
  headers: Readonly<Record<string, string | undefined>>,
  nowMs: number,
): ContextResult {
  const kinds = new Set<string>();
  const parsedBody = bodySchema.safeParse(cleaned(body, kinds));
  const fromHeader = headerContext(headers['x-agent-context'], kinds);
  const runHeader = z.optional(runId).safeParse(cleanedText(headers['x-agent-run-id'], kinds));
  const errors: InputError[] = [
    ...inexactIn(body, ''),
    ...issuesOf(parsedBody.error, [], Object.keys(bodySchema.shape)),
    ...fromHeader.errors,
  ];
  if (!runHeader.success) errors.push(wrongRunHeader);
  if (!parsedBody.success || !runHeader.success || errors.length > 0) {
    return { kind: 'invalid', errors, redacted: [...kinds] };
  }
  const { context: fromBody, reason, again } = parsedBody.data;
  const { again: againArgument, ...args } = parsedBody.data.arguments;
  const merged = { ...fromHeader.value, ...fromBody };
  const traceparent = headers.traceparent ?? null;
  const traceId = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(traceparent ?? '')?.[1] ?? null;
  const run = fromBody?.run_id ?? runHeader.data ?? fromHeader.value.run_id ?? null;
  if (run !== null && isTooOld(run, nowMs)) {
    const allowed = 'a run id of the last 400 days, or one that carries no time';
    return { kind: 'invalid', errors: [{ path: 'run_id', message: 'run_too_old', allowed }], redacted: [...kinds] };
  }
  const { run_id: _run, workflow, period, model_output, event_handle, ...prompt } = merged;
  const context: CallContext = {
    runId: run,
    workflow: workflow ?? null,
    period: period ?? null,
    traceparent: traceId === null ? null : traceparent,
    traceId,
    reason: reason ?? null,
    again: again ?? (typeof againArgument === 'string' ? againArgument : null),
    idempotencyKey: headers['idempotency-key'] ?? null,
    eventHandle: event_handle ?? null,
    prompt: Object.keys(prompt).length > 0 ? (prompt as JsonObject) : null,
    modelOutput: model_output ?? null,
    redacted: [...kinds],
  };
  // `again` of another type than text stays an argument, and is reported as an unknown one.
  const kept =
    againArgument !== undefined && typeof againArgument !== 'string' ? { ...args, again: againArgument } : args;
  return { kind: 'ok', context, arguments: kept };
}

/** Whether a run id carries a time (as those of `run_...` ids) older than what evidence is kept. */
function isTooOld(id: string, nowMs: number): boolean {
  const timeMs = id.startsWith('run_') ? idTimeMs(id) : null;
  return timeMs !== null && timeMs < nowMs - retentionMs;
}

type HeaderContext = { readonly value: z.output<typeof contextSchema>; readonly errors: readonly InputError[] };

function headerContext(header: string | undefined, kinds: Set<string>): HeaderContext {
  if (header === undefined || header === '') return { value: {}, errors: [] };
  const wrong = (message: string): HeaderContext => ({
    value: {},
    errors: [
      {
        path: 'X-Agent-Context',
        message,
        allowed: `base64url of a JSON object, at most ${maxContextHeader} characters`,
      },
    ],
  });
  if (header.length > maxContextHeader) return wrong('is too long');
  if (!/^[A-Za-z0-9_-]+={0,2}$/.test(header)) return wrong('is not base64url');
  try {
    const value = JSON.parse(Buffer.from(header, 'base64url').toString('utf8')) as Json;
    const inexact = inexactIn(value, 'X-Agent-Context');
    if (inexact.length > 0) return { value: {}, errors: inexact };
    const parsed = contextSchema.safeParse(cleaned(value, kinds));
    return parsed.success
      ? { value: parsed.data, errors: [] }
      : { value: {}, errors: issuesOf(parsed.error, ['X-Agent-Context']) };
  } catch {
    return wrong('is not JSON');
  }
}

/** A JSON value in NFC, with every credential-shaped stretch of text replaced; `kinds` collects what was found. */
function cleaned(value: Json, kinds: Set<string>): Json {
  if (typeof value === 'string') return cleanedText(value, kinds);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: Json) => cleaned(item, kinds));
  const entries = Object.entries(value as JsonObject);
  return Object.fromEntries(entries.map(([key, item]) => [cleanedText(key, kinds), cleaned(item, kinds)]));
}

function cleanedText<T extends string | undefined>(given: T, kinds: Set<string>): T {
  if (given === undefined) return given;
  const { text, kinds: found } = redactSecrets(given.normalize('NFC'));
  for (const kind of found) kinds.add(kind);
  return text as T;
}

/** Every problem of a validation as rows for the caller, with what is allowed. Values are never repeated. */
export function issuesOf(
  error: z.core.$ZodError | undefined,
  prefix: readonly string[],
  known: readonly string[] = [],
): InputError[] {
  return (error?.issues ?? []).flatMap((issue): InputError[] => {
    const path = [...prefix, ...issue.path.map(String)].join('.');
    if (issue.code === 'unrecognized_keys') {
      const allowed = issue.path.length === 0 && known.length > 0 ? { allowed: known.join(', ') } : {};
      return issue.keys.map((key) => ({
        path: [path, key].filter(Boolean).join('.'),
        message: 'is not known',
        ...allowed,
      }));
    }
    if (issue.code === 'invalid_value') {
      return [{ path, message: 'is not one of the values', allowed: issue.values.map(String).join(', ') }];
    }
    if (issue.code === 'invalid_type') {
      const missing = issue.message.endsWith('received undefined');
      return [{ path, message: missing ? 'is missing' : 'has the wrong type', allowed: issue.expected }];
    }
    if (issue.code === 'invalid_format') {
      const form =
        issue.format === 'regex' && issue.message.startsWith('Invalid') ? String(issue.pattern ?? '') : issue.message;
      return [{ path, message: 'has the wrong form', allowed: form }];
    }
    return [{ path, message: issue.code === 'custom' ? 'is not allowed' : 'is not valid', allowed: issue.message }];
  });
}
