import type { SimAnswer } from '../loopback-server.ts';

/** A refusal in Slack's own shape: 200 with `ok: false`, except where a limit or a fault has a status of its own. */
export class SlackError extends Error {
  readonly code: string;
  readonly more: Readonly<Record<string, unknown>>;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  /** @param code the `error`; @param more further fields of the body, such as `needed` */
  constructor(
    code: string,
    more: Readonly<Record<string, unknown>> = {},
    as: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(code);
    this.code = code;
    this.more = more;
    this.status = as.status ?? 200;
    this.headers = as.headers ?? {};
  }
}

/** A JSON answer as Slack sends it. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): SimAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    bodyText: JSON.stringify(body),
  };
}

/** A refusal as an answer. */
export function errorAnswer({ status, code, more, headers }: SlackError): SimAnswer {
  return json(status, { ok: false, error: code, ...more }, headers);
}

/** An argument that is missing or cannot be read. */
export function invalidArguments(said: string): SlackError {
  return new SlackError('invalid_arguments', { response_metadata: { messages: [`[ERROR] ${said}`] } });
}

/** 429, with the wait in seconds. @see https://docs.slack.dev/apis/web-api/rate-limits */
export function rateLimited(retryAfterS: number): SlackError {
  return new SlackError('ratelimited', {}, { status: 429, headers: { 'retry-after': String(retryAfterS) } });
}

/** A page of something that stands in front of the API. */
export function htmlError(status: number): SimAnswer {
  const bodyText = `<!DOCTYPE html><html><head><title>Server Error | Slack</title></head><body>${status}</body></html>`;
  return { status, headers: { 'content-type': 'text/html; charset=utf-8' }, bodyText };
}
