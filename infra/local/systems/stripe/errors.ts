import type { SimAnswer } from '../loopback-server.ts';

/** The fields of Stripe's error object. */
export type ErrorFields = {
  readonly type: 'invalid_request_error' | 'card_error' | 'idempotency_error' | 'api_error';
  readonly message: string;
  readonly code?: string;
  readonly param?: string;
  readonly decline_code?: string;
  readonly charge?: string;
  readonly payment_intent?: unknown;
};

/** A refusal in Stripe's own shape. `begun`: its endpoint had begun to work, so that the answer is kept under the request's key. */
export class StripeError extends Error {
  readonly status: number;
  readonly fields: ErrorFields;
  readonly begun: boolean;
  readonly headers: Readonly<Record<string, string>>;

  /** @param status HTTP status; @param fields the error object; @param begun whether it is stored under the key */
  constructor(status: number, fields: ErrorFields, begun = false, headers: Readonly<Record<string, string>> = {}) {
    super(fields.message);
    this.status = status;
    this.fields = fields;
    this.begun = begun;
    this.headers = headers;
  }
}

/** A JSON answer as Stripe formats it. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): SimAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    bodyText: `${JSON.stringify(body, null, 2)}\n`,
  };
}

/** A refusal as an answer. @see https://docs.stripe.com/api/errors */
export function errorAnswer(error: StripeError, requestId: string): SimAnswer {
  const { code } = error.fields;
  const log = `https://dashboard.stripe.com/test/logs/${requestId}`;
  const more =
    code === undefined ? {} : { doc_url: `https://stripe.com/docs/error-codes/${code.replaceAll('_', '-')}` };
  return json(error.status, { error: { ...error.fields, ...more, request_log_url: log } }, error.headers);
}

/** 400, before the endpoint began. */
export function invalid(message: string, param?: string, code?: string): StripeError {
  const fields = { type: 'invalid_request_error', message } as const;
  return new StripeError(400, { ...fields, ...(code ? { code } : {}), ...(param ? { param } : {}) });
}

/** 400 of an endpoint that had begun: the state of the record does not allow it. */
export function refusedByState(message: string, code?: string, more: Partial<ErrorFields> = {}): StripeError {
  const fields = { type: 'invalid_request_error', message, ...(code ? { code } : {}), ...more } as const;
  return new StripeError(400, fields, true);
}

/** A record that is not there: 404 for the record of the path, 400 for one that a parameter names. */
export function noSuch(what: string, id: string, param = 'id'): StripeError {
  const fields = {
    type: 'invalid_request_error',
    message: `No such ${what}: '${id}'`,
    code: 'resource_missing',
    param,
  } as const;
  return new StripeError(param === 'id' ? 404 : 400, fields);
}

/** A route that does not exist, or not with this method. */
export function noRoute(method: string, path: string): StripeError {
  const message = `Unrecognized request URL (${method}: ${path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`;
  return new StripeError(404, { type: 'invalid_request_error', message });
}

/** 429 in the words of the limiter that was hit. */
export function rateLimited(reason: string): StripeError {
  const message = 'Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.';
  const headers = { 'stripe-rate-limited-reason': reason, 'stripe-should-retry': 'false' };
  return new StripeError(429, { type: 'invalid_request_error', code: 'rate_limit', message }, false, headers);
}

/** 429 of a record that another request holds. */
export function lockTimeout(): StripeError {
  const message =
    'This object cannot be accessed right now because another API request or Stripe process is currently accessing it. If you see this error intermittently, retry the request.';
  const headers = { 'stripe-should-retry': 'true' };
  return new StripeError(429, { type: 'invalid_request_error', code: 'lock_timeout', message }, false, headers);
}

/** 500. One whose endpoint had begun is stored, and says that a repeat would only be answered the same. */
export function serverError(status: number, begun: boolean): StripeError {
  const message = 'An unknown error occurred. Please contact us at https://support.stripe.com/ if this persists.';
  return new StripeError(status, { type: 'api_error', message }, begun, { 'stripe-should-retry': String(!begun) });
}

/** A page of something that stands in front of the API. */
export function htmlError(status: number): SimAnswer {
  const bodyText = `<html><head><title>${status} Bad Gateway</title></head><body>nginx</body></html>`;
  return { status, headers: { 'content-type': 'text/html' }, bodyText };
}
