import { isUtf8 } from 'node:buffer';
import type { LocalAnswer, LocalRequest } from '../listener.ts';

/** What stands beside the request in an event. */
export type EventContext = {
  readonly routeKey: string;
  readonly apiId: string;
  readonly pathParameters?: Readonly<Record<string, string>>;
  readonly authorizer?: object;
  readonly nowMs: number;
};

/** The request as an event of payload format 2.0, as HTTP APIs and Function URLs send it. @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html */
export function toEvent(request: LocalRequest, context: EventContext): object {
  const { method, target, body, remoteAddress } = request;
  const at = target.indexOf('?');
  const rawPath = at < 0 ? target : target.slice(0, at);
  const rawQueryString = at < 0 ? '' : target.slice(at + 1);
  const { cookie, ...headers } = request.headers;
  const query = queryOf(rawQueryString);
  const isBase64Encoded = body.byteLength > 0 && !(isText(headers['content-type']) && isUtf8(body));
  return {
    version: '2.0',
    routeKey: context.routeKey,
    rawPath,
    rawQueryString,
    ...(cookie === undefined ? {} : { cookies: cookie.split('; ') }),
    headers: { ...headers, 'x-forwarded-for': remoteAddress, 'x-forwarded-proto': 'http' },
    ...(Object.keys(query).length > 0 ? { queryStringParameters: query } : {}),
    ...(context.pathParameters ? { pathParameters: context.pathParameters } : {}),
    requestContext: {
      accountId: '000000000000',
      apiId: context.apiId,
      domainName: (headers['host'] ?? '127.0.0.1').replace(/:[0-9]+$/, ''),
      domainPrefix: context.apiId,
      http: {
        method,
        path: rawPath,
        protocol: 'HTTP/1.1',
        sourceIp: remoteAddress,
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: crypto.randomUUID(),
      routeKey: context.routeKey,
      stage: '$default',
      time: new Date(context.nowMs).toUTCString(),
      timeEpoch: context.nowMs,
      ...(context.authorizer ? { authorizer: context.authorizer } : {}),
    },
    ...(body.byteLength > 0 ? { body: body.toString(isBase64Encoded ? 'base64' : 'utf8') } : {}),
    isBase64Encoded,
  };
}

/** Only these arrive as text, where they are UTF-8; other bytes would not survive it, so everything else travels as base64. */
function isText(contentType: string | undefined): boolean {
  const type = (contentType ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  return type.startsWith('text/') || /^application\/(.+\+)?(json|xml)$/.test(type) || type === 'application/javascript';
}

function queryOf(rawQueryString: string): Record<string, string> {
  const query: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(rawQueryString)) {
    query[name] = Object.hasOwn(query, name) ? `${query[name]},${value}` : value;
  }
  return query;
}

/** What a function returned, as an HTTP answer: format 2.0, with its inference for what has no status code; else 502. */
export function toAnswer(payload: string): LocalAnswer {
  const value: unknown = JSON.parse(payload);
  if (typeof value !== 'object' || value === null || !('statusCode' in value)) {
    return { status: 200, headers: { 'content-type': 'application/json' }, body: payload };
  }
  const {
    statusCode,
    headers = {},
    cookies = [],
    body = '',
    isBase64Encoded,
  } = value as {
    statusCode: unknown;
    headers?: Record<string, string>;
    cookies?: string[];
    body?: unknown;
    isBase64Encoded?: boolean;
  };
  const status = Number(statusCode);
  if (!Number.isInteger(status) || status < 200 || status > 599 || typeof body !== 'string') return badGateway;
  const lower = Object.entries(headers).map(([name, text]) => [name.toLowerCase(), String(text)] as const);
  const kept = lower.filter(([name]) => !['content-length', 'connection', 'transfer-encoding'].includes(name));
  return {
    status,
    headers: { ...Object.fromEntries(kept), ...(cookies.length > 0 ? { 'set-cookie': cookies } : {}) },
    body: isBase64Encoded ? Buffer.from(body, 'base64') : body,
  };
}

/** What a caller gets when the function failed. */
export const badGateway: LocalAnswer = {
  status: 502,
  headers: { 'content-type': 'application/json' },
  body: '{"message":"Internal Server Error"}',
};
