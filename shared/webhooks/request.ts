import type { HeaderRecord } from './verify-types.ts';

/** One inbound request as the door reads it; the body is still encoded as it came. */
export type InboundRequest = {
  readonly method: string;
  /** Path as it was received, never rebuilt. */
  readonly path: string;
  /** Query as it was received, without the question mark; never rebuilt from parsed parameters. */
  readonly query: string;
  readonly headers: HeaderRecord;
  readonly body: string;
  readonly isBase64: boolean;
  /** The domain AWS itself names; never the Host header. */
  readonly domainName: string;
};

/** One answer to a provider. */
export type InboundResponse = {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

type Fields = { readonly [key: string]: unknown };

/**
 * Reads a Lambda event of a Function URL or HTTP API (payload 2.0) or of a REST API (payload 1.0).
 * @see https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
 */
export function inboundRequest(event: unknown): InboundRequest {
  const root = fieldsOf(event);
  const context = fieldsOf(root.requestContext);
  const http = fieldsOf(context.http);
  const headers = { ...fieldsOf(root.headers), ...fieldsOf(root.multiValueHeaders) };
  return {
    method: textOf(http.method) || textOf(root.httpMethod),
    path: textOf(root.rawPath) || textOf(root.path) || '/',
    query: textOf(root.rawQueryString) || queryOf(fieldsOf(root.multiValueQueryStringParameters)),
    headers: headers as HeaderRecord,
    body: textOf(root.body),
    isBase64: root.isBase64Encoded === true,
    domainName: textOf(context.domainName),
  };
}

/** Bytes of the body, or null where it says base64 and is none. */
export function bodyBytes(request: InboundRequest): Uint8Array | null {
  if (!request.isBase64) return Buffer.from(request.body, 'utf8');
  return /^[A-Za-z0-9+/]*={0,2}$/.test(request.body) ? Buffer.from(request.body, 'base64') : null;
}

/** How many bytes the body has, without decoding it. */
export function bodySize(request: InboundRequest): number {
  return request.isBase64 ? Math.floor((request.body.length * 3) / 4) : Buffer.byteLength(request.body);
}

/** The one value of a header, or null where it is absent or came more than once. */
export function plainHeader(headers: HeaderRecord, name: string): string | null {
  const found = Object.entries(headers).filter(([key, value]) => key.toLowerCase() === name && value !== undefined);
  const [value] = found.map(([, one]) => (Array.isArray(one) ? (one.length === 1 ? one[0] : null) : one));
  return found.length === 1 && typeof value === 'string' ? value : null;
}

function queryOf(parameters: Fields): string {
  return Object.entries(parameters)
    .flatMap(([name, values]) => (Array.isArray(values) ? values : []).map((value) => [name, String(value)] as const))
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join('&');
}

function fieldsOf(value: unknown): Fields {
  return value !== null && typeof value === 'object' ? (value as Fields) : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
