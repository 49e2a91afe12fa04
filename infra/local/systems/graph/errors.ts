import type { SimAnswer } from '../loopback-server.ts';

/** A refusal in Graph's own shape. */
export class GraphError extends Error {
  readonly status: number;
  readonly code: string;
  readonly inner: string | null;
  readonly headers: Readonly<Record<string, string>>;

  /** @param status HTTP status; @param code `error.code`; @param inner a more specific code inside `innerError` */
  constructor(
    status: number,
    code: string,
    message: string,
    more: { readonly inner?: string; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.inner = more.inner ?? null;
    this.headers = more.headers ?? {};
  }
}

/** A refusal of the token endpoint: an OAuth word, and Microsoft's own number in the description. */
export class SignInError extends Error {
  readonly status: number;
  readonly error: string;
  readonly number: number;

  /** @param number the one behind `AADSTS` */
  constructor(status: number, error: string, number: number, message: string) {
    super(message);
    this.status = status;
    this.error = error;
    this.number = number;
  }
}

/** What stands in every answer beside its body. */
export type Trace = { readonly requestId: string; readonly clientRequestId: string; readonly atMs: number };

/** A JSON answer. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): SimAnswer {
  if (status === 202 || status === 204) return { status, headers, bodyText: '' };
  const type = 'application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8';
  return { status, headers: { 'content-type': type, ...headers }, bodyText: JSON.stringify(body) };
}

/** The body of a refusal. @see https://learn.microsoft.com/en-us/graph/errors */
export function errorBody(error: GraphError, trace: Trace): object {
  return {
    error: {
      code: error.code,
      message: error.message,
      innerError: {
        ...(error.inner === null ? {} : { code: error.inner }),
        date: new Date(trace.atMs).toISOString().slice(0, 19),
        'request-id': trace.requestId,
        'client-request-id': trace.clientRequestId,
      },
    },
  };
}

/** A refusal as an answer. */
export function errorAnswer(error: GraphError | SignInError, trace: Trace): SimAnswer {
  if (error instanceof GraphError) return json(error.status, errorBody(error, trace), error.headers);
  const at = new Date(trace.atMs).toISOString().replace('T', ' ').replace(/\..*/, 'Z');
  const says = `AADSTS${error.number}: ${error.message} Trace ID: ${trace.requestId} Correlation ID: ${trace.clientRequestId} Timestamp: ${at}`;
  return json(error.status, {
    error: error.error,
    error_description: says,
    error_codes: [error.number],
    timestamp: at,
    trace_id: trace.requestId,
    correlation_id: trace.clientRequestId,
    error_uri: `https://login.microsoftonline.com/error?code=${error.number}`,
  });
}

/** 404 as mailboxes say it. */
export const itemNotFound = () =>
  new GraphError(404, 'ErrorItemNotFound', 'The specified object was not found in the store.');

/** 404 as the directory says it. */
export const resourceNotFound = (id: string) =>
  new GraphError(
    404,
    'Request_ResourceNotFound',
    `Resource '${id.slice(0, 100)}' does not exist or one of its queried reference-property objects are not present.`,
  );

/** 400 for a path or query that cannot be understood. */
export const unknownSegment = (segment: string) =>
  new GraphError(400, 'BadRequest', `Resource not found for the segment '${segment.slice(0, 100)}'.`);

/** 400 for a property that the type has not, or not any more. */
export const unknownProperty = (name: string, type: string) =>
  new GraphError(400, 'BadRequest', `Could not find a property named '${name}' on type 'microsoft.graph.${type}'.`, {
    inner: 'RequestBroker--ParseUri',
  });

/** 429, with the seconds to wait. */
export const tooMany = (seconds: number) =>
  new GraphError(429, 'TooManyRequests', 'Too many requests', {
    inner: 'ApplicationThrottled',
    headers: { 'retry-after': String(seconds) },
  });

/** The page that a proxy in front of Graph answers. */
export function htmlError(status: number): SimAnswer {
  const bodyText = `<!DOCTYPE html><html><head><title>Service unavailable</title></head><body><h1>${status}</h1></body></html>`;
  return { status, headers: { 'content-type': 'text/html' }, bodyText };
}
