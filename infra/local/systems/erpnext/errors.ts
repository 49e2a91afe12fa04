import type { SimAnswer } from '../loopback-server.ts';

/** What ends a request: the class name of an exception of Frappe, with its status and text. */
export class FrappeError extends Error {
  readonly type: string;
  readonly status: number;

  /** @param type class name, such as `MandatoryError`; @param status its `http_status_code` */
  constructor(type: string, message: string, status = 417) {
    super(message);
    this.type = type;
    this.status = status;
  }
}

/** A JSON answer. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): SimAnswer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, bodyText: JSON.stringify(body) };
}

/**
 * A refusal as the version of the API of this path writes it. Version 1 puts JSON texts into a JSON text; version 2 has a list.
 * @see https://github.com/frappe/frappe/blob/develop/frappe/utils/response.py
 */
export function errorAnswer({ type, status, message }: FrappeError, path: string): SimAnswer {
  if (path.startsWith('/api/v2/')) {
    const error = message === '' ? { type } : { type, message, title: 'Message', indicator: 'red' };
    return json(status, { errors: [error] });
  }
  const said =
    message === ''
      ? {}
      : { _server_messages: JSON.stringify([JSON.stringify({ message, title: 'Message', indicator: 'red' })]) };
  const exception = `frappe.exceptions.${type}${message === '' ? '' : `: ${message}`}`;
  const trace = `Traceback (most recent call last):\n  File "apps/frappe/frappe/app.py", line 114, in application\n${exception}\n`;
  return json(status, { exception, exc_type: type, exc: JSON.stringify([trace]), ...said });
}

/** The plain text that a site with a limit answers when its time of work is used up. */
export function tooManyRequests(resetS: number, limitMicros: number): SimAnswer {
  const headers = {
    'content-type': 'text/plain; charset=utf-8',
    'retry-after': String(resetS),
    'x-ratelimit-reset': String(resetS),
    'x-ratelimit-limit': String(limitMicros),
    'x-ratelimit-remaining': '0',
  };
  return { status: 429, headers, bodyText: 'Too Many Requests' };
}

/** A page for people: of a site that is being updated (503), or of what stands in front of it. */
export function htmlPage(status: number): SimAnswer {
  const title = status === 503 ? 'Updating' : 'Bad Gateway';
  const bodyText = `<!DOCTYPE html><html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`;
  return { status, headers: { 'content-type': 'text/html; charset=utf-8' }, bodyText };
}
