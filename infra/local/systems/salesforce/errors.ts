import type { SimAnswer } from '../loopback-server.ts';

/** A refusal in Salesforce's own shape: a list with one error. */
export class SalesforceError extends Error {
  readonly status: number;
  readonly code: string;
  readonly fields: readonly string[] | null;
  readonly extra: Readonly<Record<string, unknown>>;

  /** @param status HTTP status; @param code `errorCode`; @param fields names of the fields it is about, null where it names none */
  constructor(
    status: number,
    code: string,
    message: string,
    fields: readonly string[] | null = null,
    extra: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.fields = fields;
    this.extra = extra;
  }
}

/** A refusal of the token endpoint: an object, not a list. */
export class OAuthError extends Error {
  readonly error: string;

  /** @param error OAuth code; @param description `error_description` */
  constructor(error: string, description: string) {
    super(description);
    this.error = error;
  }
}

/** A JSON answer; 204 and 304 have no body. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): SimAnswer {
  const bodyText = status === 204 || status === 304 ? '' : JSON.stringify(body);
  return { status, headers: { 'content-type': 'application/json;charset=UTF-8', ...headers }, bodyText };
}

/** The body of a refusal. */
export function errorBody({ message, code, fields, extra }: SalesforceError): readonly object[] {
  return [{ message, errorCode: code, ...(fields === null ? {} : { fields }), ...extra }];
}

/** A refusal as an answer. @see https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm */
export function errorAnswer(error: SalesforceError | OAuthError): SimAnswer {
  if (error instanceof OAuthError) return json(400, { error: error.error, error_description: error.message });
  return json(error.status, errorBody(error));
}

/** 404 for a record or route. */
export function notFound(): SalesforceError {
  return new SalesforceError(404, 'NOT_FOUND', 'The requested resource does not exist');
}

/** 403 as the limit of the day, or of requests at once, is used up. */
export function limitExceeded(kind: 'TotalRequests' | 'ConcurrentRequests'): SalesforceError {
  return new SalesforceError(403, 'REQUEST_LIMIT_EXCEEDED', `${kind} Limit exceeded.`);
}

/** The HTML page that stands in front of an organization under maintenance. */
export function htmlError(status: number): SimAnswer {
  const bodyText = `<html><head><title>We are down for maintenance.</title></head><body><h1>${status}</h1></body></html>`;
  return { status, headers: { 'content-type': 'text/html;charset=UTF-8' }, bodyText };
}
