import type { ErrorCategory, ErrorCode } from '../model/errors.ts';
import type { Json } from '../model/json.ts';
import { nextStepOf } from './next-step.ts';

/** One HTTP request as the door sees it. Header names are lower case; `path` has no query. */
export type DoorRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
  /** The caller's ARN where the gateway verified a SigV4 signature. */
  readonly iamArn: string | undefined;
};

/** What an HTTP API hands to its function, as far as the door reads it (payload format 2.0). */
export type HttpApiEvent = {
  readonly rawPath: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
  readonly requestContext: {
    readonly http: { readonly method: string };
    readonly authorizer?: { readonly iam?: { readonly userArn?: string } };
  };
};

/**
 * A gateway's event as a request.
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function doorRequest(event: HttpApiEvent): DoorRequest {
  const { rawPath, headers = {}, body = '', isBase64Encoded = false, requestContext } = event;
  return {
    method: requestContext.http.method.toUpperCase(),
    path: rawPath,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    body: Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'),
    iamArn: requestContext.authorizer?.iam?.userArn,
  };
}

/** One HTTP answer. */
export type DoorAnswer = {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** What is wrong with a request before it is a call; answered as RFC 9457 problem. */
export type DoorProblem = {
  readonly status: number;
  readonly code: ErrorCode;
  readonly category: ErrorCategory;
  readonly detail: string;
  readonly retryable?: boolean;
  /** `unknown` where the request may have done something; default none. */
  readonly effect?: 'none' | 'unknown';
  readonly headers?: Readonly<Record<string, string>>;
  readonly instance?: string;
};

/** The largest body that is read, bytes. */
export const maxBodyBytes = 1_048_576;

/** How deep a body may be nested. */
const maxBodyDepth = 32;

/**
 * A problem as `application/problem+json`, with the fields of our error model.
 * @see https://www.rfc-editor.org/rfc/rfc9457
 */
export function problemAnswer(problem: DoorProblem): DoorAnswer {
  const { status, code, category, detail, retryable, effect, headers, instance } = problem;
  const body = {
    type: `urn:plumbline:error:${code}`,
    title: code.replaceAll('_', ' '),
    status,
    detail,
    ...(instance === undefined ? {} : { instance }),
    code,
    category,
    retryable: retryable ?? false,
    effect: effect ?? 'none',
    next_step: nextStepOf(code, null),
  };
  return {
    statusCode: status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(body),
  };
}

/** A JSON answer; `retryAfterMs` also becomes the Retry-After header, in whole seconds. */
export function jsonAnswer(status: number, body: string, retryAfterMs?: number): DoorAnswer {
  const retry =
    retryAfterMs === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1000))) };
  return {
    statusCode: status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...retry },
    body,
  };
}

/** The JSON of a request's body, or what is wrong with it. */
export type BodyResult =
  | { readonly kind: 'ok'; readonly value: Json }
  | { readonly kind: 'problem'; readonly problem: DoorProblem };

/** Reads a JSON body: size, media type, UTF-8, syntax and depth, each with its own answer. */
export function readBody(request: DoorRequest): BodyResult {
  const { body, headers } = request;
  if (body.byteLength > maxBodyBytes) {
    return wrong(413, 'body_too_large', `The body has ${body.byteLength} bytes; allowed: ${maxBodyBytes}.`);
  }
  const mediaType = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (!/^application\/(?:[a-z0-9.-]+\+)?json$/.test(mediaType)) {
    return wrong(415, 'unsupported_media_type', 'The body must be application/json.');
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return wrong(400, 'malformed_json', 'The body is not UTF-8.');
  }
  if (isTooDeep(text)) return wrong(400, 'malformed_json', `The body is nested deeper than ${maxBodyDepth} levels.`);
  try {
    return { kind: 'ok', value: JSON.parse(text) as Json };
  } catch (error) {
    return wrong(400, 'malformed_json', `The body is not JSON: it breaks off at ${placeOf(error, text)}.`);
  }
}

function wrong(status: number, code: ErrorCode, detail: string): BodyResult {
  return { kind: 'problem', problem: { status, code, category: 'validation', detail } };
}

/** Where a parse failed, without repeating what stands there. */
function placeOf(error: unknown, text: string): string {
  const match = /position ([0-9]+)/.exec(error instanceof Error ? error.message : '');
  const position = match ? Number(match[1]) : text.length;
  const before = text.slice(0, position).split('\n');
  return `position ${position} (line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1})`;
}

function isTooDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i];
    if (inString) {
      if (char === '\\') i += 1;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '{' || char === '[') {
      depth += 1;
      if (depth > maxBodyDepth) return true;
    } else if (char === '}' || char === ']') depth -= 1;
  }
  return false;
}
