import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { LocalRequest } from '../listener.ts';
import { accessKeyIdOf, type Callers, localAccount } from './callers.ts';

const maxSkewMs = 300_000;

/**
 * The caller's user ARN where the request is signed with Signature Version 4 by a local access key for `service`, else null.
 * A request for another service, a stale date, a changed body, path, query or signed header is not accepted.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function verifySigV4(callers: Callers, request: LocalRequest, service: string, nowMs: number): string | null {
  const authorization = request.headers['authorization'] ?? '';
  const parts =
    /Credential=[^/]+\/([0-9]{8}\/[a-z0-9-]+\/([a-z0-9-]+)\/aws4_request), ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/.exec(
      authorization,
    );
  const secret = callers.secretOf(accessKeyIdOf(authorization) ?? '');
  const caller = callers.callerOf(request.headers);
  const date = request.headers['x-amz-date'] ?? '';
  if (!parts || secret === null || caller === null || !isFresh(date, nowMs)) return null;
  const [, scope = '', named, signedHeaders = '', signature = ''] = parts;
  if (named !== service || !scope.startsWith(date.slice(0, 8)) || !signedHeaders.split(';').includes('host'))
    return null;
  const text = ['AWS4-HMAC-SHA256', date, scope, sha256(canonicalRequest(request, signedHeaders))].join('\n');
  const key = scope.split('/').reduce<Buffer | string>((secretKey, part) => hmac(secretKey, part), `AWS4${secret}`);
  const right = timingSafeEqual(hmac(key, text), Buffer.from(signature, 'hex'));
  return right ? `arn:aws:iam::${localAccount}:user/${caller}` : null;
}

function canonicalRequest(request: LocalRequest, signedHeaders: string): string {
  const { method, target, headers, body } = request;
  const [path = '/', query = ''] = split(target);
  const names = signedHeaders.split(';');
  const lines = names.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}\n`).join('');
  // Services other than S3 encode the path once more before they sign.
  const canonicalPath = path
    .split('/')
    .map((segment) => encodeRfc3986(segment))
    .join('/');
  return [method, canonicalPath, canonicalQuery(query), lines, signedHeaders, sha256(body)].join('\n');
}

function split(target: string): [string, string] {
  const at = target.indexOf('?');
  return at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)];
}

function canonicalQuery(query: string): string {
  if (query === '') return '';
  const pairs = query.split('&').map((pair) => {
    const [name = '', ...value] = pair.split('=');
    return [name, value.join('=')].map((part) => encodeRfc3986(decodeURIComponent(part.replaceAll('+', '%20'))));
  });
  return pairs
    .map((pair) => pair.join('='))
    .sort()
    .join('&');
}

function encodeRfc3986(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function isFresh(date: string, nowMs: number): boolean {
  const match = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(date);
  if (!match) return false;
  const [, year, month, day, hour, minute, second] = match;
  const atMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Math.abs(nowMs - atMs) <= maxSkewMs;
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
