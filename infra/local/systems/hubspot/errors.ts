import { randomUUID } from 'node:crypto';
import type { SimAnswer } from '../loopback-server.ts';

/** One row of `errors` in HubSpot's error body. */
export type ErrorRow = {
  readonly message: string;
  readonly code?: string;
  readonly in?: string;
  readonly context?: Readonly<Record<string, readonly string[]>>;
};

/** A refusal in HubSpot's own shape. */
export class HubSpotError extends Error {
  readonly status: number;
  readonly category: string;
  readonly extra: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  /** @param status HTTP status; @param category HubSpot's category; @param extra further fields of the body */
  constructor(
    status: number,
    category: string,
    message: string,
    extra: Readonly<Record<string, unknown>> = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.category = category;
    this.extra = extra;
    this.headers = headers;
  }
}

/** A JSON answer with HubSpot's correlation header. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): SimAnswer {
  const all = {
    'content-type': 'application/json;charset=utf-8',
    'x-hubspot-correlation-id': randomUUID(),
    ...headers,
  };
  return { status, headers: all, bodyText: status === 204 ? '' : JSON.stringify(body) };
}

/** A refusal as an answer. @see https://developers.hubspot.com/docs/api/error-handling */
export function errorAnswer(error: HubSpotError): SimAnswer {
  const correlationId = randomUUID();
  const body = { status: 'error', message: error.message, correlationId, category: error.category, ...error.extra };
  return json(error.status, body, { ...error.headers, 'x-hubspot-correlation-id': correlationId });
}

/** 400 with one row per wrong property, as the CRM API words it. */
export function invalidProperties(rows: readonly { message: string; code: string; name: string }[]): HubSpotError {
  const listed = rows.map(({ message, code, name }) => ({ isValid: false, message, error: code, name }));
  const errors: ErrorRow[] = rows.map(({ message, code, name }) => ({
    message,
    code,
    context: { propertyName: [name] },
  }));
  return new HubSpotError(400, 'VALIDATION_ERROR', `Property values were not valid: ${JSON.stringify(listed)}`, {
    errors,
  });
}

/** 400 for anything else that is wrong with the input. */
export function invalid(message: string): HubSpotError {
  return new HubSpotError(400, 'VALIDATION_ERROR', message);
}

/** 404 for a record. */
export function notFound(message = 'resource not found'): HubSpotError {
  return new HubSpotError(404, 'OBJECT_NOT_FOUND', message);
}

/** 429 in the words and with the headers of the policy that was hit. */
export function rateLimited(policyName: 'DAILY' | 'TEN_SECONDLY_ROLLING' | 'SECONDLY'): HubSpotError {
  const word = { DAILY: 'daily', TEN_SECONDLY_ROLLING: 'ten_secondly_rolling', SECONDLY: 'secondly' }[policyName];
  return new HubSpotError(429, 'RATE_LIMITS', `You have reached your ${word} limit.`, {
    errorType: 'RATE_LIMIT',
    policyName,
    requestId: randomUUID(),
  });
}

/** The HTML page a gateway in front of HubSpot answers with. */
export function htmlError(status: number): SimAnswer {
  const bodyText = `<html>\r\n<head><title>${status}</title></head>\r\n<body><center><h1>${status}</h1></center><hr><center>cloudflare</center></body>\r\n</html>\r\n`;
  return { status, headers: { 'content-type': 'text/html' }, bodyText };
}
