import { createHash, createHmac } from 'node:crypto';
import type { AuthConfig } from '../config/schema.ts';
import type { Credential, SignableRequest } from '../connectors/credentials.ts';
import type { Clock } from '../model/clock.ts';

/** The ways to authenticate with what lies in the secret itself. */
export type StaticAuth = Exclude<AuthConfig, { refresh: string }>;

type HmacAuth = Extract<AuthConfig, { grant: 'hmac' }>;

/** What may stand in a header without changing its meaning. */
const visible = /^[\x21-\x7e]+$/;

/** A credential made of a secret's value, or null where the value does not have the shape that its grant needs. */
export function staticCredential(auth: StaticAuth, value: string, clock: Pick<Clock, 'now'>): Credential | null {
  switch (auth.grant) {
    case 'bearer':
      return visible.test(value) ? { headers: { authorization: `Bearer ${value}` } } : null;
    case 'api_key':
      return apiKey(auth, value);
    case 'basic':
      if (!/^[^:]+:./.test(value)) return null;
      return { headers: { authorization: `Basic ${Buffer.from(value).toString('base64')}` } };
    case 'hmac':
      return hmac(auth, value, clock);
  }
}

function apiKey(auth: Extract<AuthConfig, { grant: 'api_key' }>, value: string): Credential | null {
  if (!visible.test(value)) return null;
  const { header, query, prefix = '' } = auth;
  if (query !== undefined) return { headers: {}, query: [[query, value]] };
  return header === undefined ? null : { headers: { [header.toLowerCase()]: `${prefix}${value}` } };
}

function hmac(auth: HmacAuth, value: string, clock: Pick<Clock, 'now'>): Credential | null {
  const [, keyId, secret] = auth.keyIdHeader === undefined ? [null, '', value] : (/^([^:]+):(.+)$/s.exec(value) ?? []);
  if (secret === undefined || keyId === undefined || (keyId !== '' && !visible.test(keyId))) return null;
  const fixed = auth.keyIdHeader === undefined ? {} : { [auth.keyIdHeader.toLowerCase()]: keyId };
  return {
    headers: fixed,
    sign(request) {
      const timestamp = timestampOf(auth.timestamp, clock.now());
      const mac = createHmac(auth.algorithm, secret);
      for (const part of signedParts(auth.signed, request, timestamp)) mac.update(part);
      const signature = `${auth.prefix ?? ''}${mac.digest(auth.encoding)}`;
      const sent = auth.timestampHeader === undefined ? {} : { [auth.timestampHeader.toLowerCase()]: timestamp };
      return { ...sent, [auth.header.toLowerCase()]: signature };
    },
  };
}

/** The template with the parts of a request in their places; a body goes in byte for byte. */
function signedParts(template: string, request: SignableRequest, timestamp: string): readonly (string | Uint8Array)[] {
  const body = request.body ?? new Uint8Array();
  const parts: Readonly<Record<string, () => string | Uint8Array>> = {
    '{method}': () => request.method,
    '{path}': () => request.path,
    '{timestamp}': () => timestamp,
    '{body}': () => body,
    '{body_sha256}': () => createHash('sha256').update(body).digest('hex'),
  };
  return template.split(/(\{[a-z0-9_]+\})/).map((piece) => parts[piece]?.() ?? piece);
}

function timestampOf(form: HmacAuth['timestamp'], nowMs: number): string {
  if (form === 'iso') return new Date(nowMs).toISOString();
  return String(form === 'seconds' ? Math.floor(nowMs / 1000) : nowMs);
}
