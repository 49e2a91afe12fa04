import { createHash } from 'node:crypto';
import type { RequestSpec } from '../model/operation.ts';
import { encodeQuery } from './path.ts';

/** Headers that may differ between two sends of the same request. */
const volatile = new Set(['authorization', 'date', 'traceparent', 'tracestate', 'user-agent', 'cookie']);

/** The body of a request as the bytes that are sent, with its content type; null where there is none. */
export function encodeBody(spec: RequestSpec): { readonly bytes: Buffer; readonly contentType: string } | null {
  if (!spec.body) return null;
  if ('json' in spec.body) {
    return { bytes: Buffer.from(JSON.stringify(spec.body.json)), contentType: 'application/json' };
  }
  if ('text' in spec.body) return { bytes: Buffer.from(spec.body.text), contentType: spec.body.contentType };
  const form = encodeQuery(spec.body.form).slice(1).replaceAll('%20', '+');
  return { bytes: Buffer.from(form), contentType: 'application/x-www-form-urlencoded' };
}

/**
 * SHA-256 over what a request means to its receiver: method, path, query, body and headers, without authentication, date
 * and trace headers. Two requests with one digest ask for the same effect.
 */
export function requestDigest(spec: RequestSpec): string {
  const headers = Object.entries(spec.headers ?? {})
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name]) => !volatile.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const body = encodeBody(spec);
  const head = JSON.stringify([spec.method, spec.path, encodeQuery(spec.query), headers, body?.contentType ?? null]);
  return createHash('sha256')
    .update(head)
    .update('\n')
    .update(body?.bytes ?? '')
    .digest('hex');
}
