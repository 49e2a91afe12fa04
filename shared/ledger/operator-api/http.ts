import { en } from 'zod/locales';
import * as z from 'zod/mini';
import type { ErrorCode, InputError } from '../../model/errors.ts';

/** One request to the operator door, whatever carried it. Header names are lower case. */
export type OperatorRequest = {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  readonly requestId: string;
};

/** One answer of the operator door. */
export type Reply = {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

const guards = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
} as const;

// zod/mini brings no texts of its own.
z.config(en());

/** Largest body that is read, bytes. */
export const maxBodyBytes = 64 * 1024;

/** A JSON answer. */
export function json(value: unknown, statusCode = 200): Reply {
  return {
    statusCode,
    headers: { ...guards, 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(value),
  };
}

/** A plain text answer. */
export function text(body: string): Reply {
  return { statusCode: 200, headers: { ...guards, 'content-type': 'text/plain; charset=utf-8' }, body };
}

/** A static file of the console. */
export function file(body: string, contentType: string, headers: Readonly<Record<string, string>>): Reply {
  return { statusCode: 200, headers: { ...guards, ...headers, 'content-type': contentType }, body };
}

/** What a problem says beside its status. */
export type ProblemInput = {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly hint: string;
  readonly errors?: readonly InputError[];
  readonly headers?: Readonly<Record<string, string>>;
};

/**
 * A problem answer.
 * @see https://www.rfc-editor.org/rfc/rfc9457
 */
export function problem(statusCode: number, { code, detail, hint, errors, headers }: ProblemInput): Reply {
  const body = { type: 'about:blank', title: code, status: statusCode, code, detail, next_step: { message: hint } };
  return {
    statusCode,
    headers: { ...guards, ...headers, 'content-type': 'application/problem+json; charset=utf-8' },
    body: JSON.stringify(errors ? { ...body, errors } : body),
  };
}

/** The one answer to every credential that does not let in: it does not say which part was wrong. */
export const unauthenticated = (): Reply =>
  problem(401, {
    code: 'unauthenticated',
    detail: 'This door needs the access token of a person whom config/owners.yaml names.',
    hint: 'Sign in again and send the access token as Authorization: Bearer.',
    headers: { 'www-authenticate': 'Bearer realm="plumbline-operators"' },
  });

/** The answer to a person who may not do this. */
export const forbidden = (detail: string): Reply =>
  problem(403, {
    code: 'forbidden',
    detail,
    hint: 'Ask somebody who has this role; roles stand in config/owners.yaml.',
  });

/** The answer where a case, run, action or event of that name is not known. */
export const notFound = (code: ErrorCode, what: string): Reply =>
  problem(404, { code, detail: `There is no such ${what}.`, hint: `Check the id of the ${what}.` });

/** The answer where the thing is no longer in the state this needs. */
export const conflict = (detail: string): Reply =>
  problem(409, { code: 'illegal_transition', detail, hint: 'Read it again: somebody or something was first.' });

/** The validated JSON body of a request, or the problem to answer. */
export type Body<T> = { readonly kind: 'body'; readonly body: T } | { readonly kind: 'problem'; readonly reply: Reply };

/** Reads a request's JSON body by a schema: media type, size, syntax and every wrong field. */
export function readBody<T>(request: Pick<OperatorRequest, 'headers' | 'body'>, schema: z.ZodMiniType<T>): Body<T> {
  const wrong = (status: number, input: ProblemInput): Body<T> => ({ kind: 'problem', reply: problem(status, input) });
  if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '')) {
    const detail = 'The body must be application/json.';
    return wrong(415, { code: 'unsupported_media_type', detail, hint: 'Send Content-Type: application/json.' });
  }
  if (Buffer.byteLength(request.body) > maxBodyBytes) {
    const detail = `The body is larger than ${maxBodyBytes} bytes.`;
    return wrong(413, { code: 'body_too_large', detail, hint: 'Send less.' });
  }
  let value: unknown;
  try {
    value = JSON.parse(request.body);
  } catch {
    return wrong(400, { code: 'malformed_json', detail: 'The body is not JSON.', hint: 'Correct its syntax.' });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return { kind: 'body', body: parsed.data };
  const errors = parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
  return wrong(422, { code: 'invalid_input', detail: 'The body does not fit.', hint: 'Correct every row.', errors });
}
