import { createHash, createHmac, generateKeyPairSync, sign } from 'node:crypto';
import type { VerifyInput } from '../../shared/webhooks/verify-types.ts';

/** One request that must verify. `signs` are the parts whose change must be noticed. */
export type WebhookVector = {
  readonly name: string;
  readonly input: Omit<VerifyInput, 'body'> & { readonly body: Uint8Array; readonly headers: Record<string, string> };
  /** The header that carries the signature. */
  readonly signature: string;
  readonly signs: readonly ('body' | 'url' | 'timestamp' | 'id')[];
  readonly timestampHeader?: string;
  readonly idHeader?: string;
};

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const nowMs = 1_795_000_000_000;
const seconds = String(nowMs / 1000);
const url = 'https://hooks.example.com/acme/main?b=2&a=1';
const body = '{"id":"evt_1","text":"café ✓","amount":9007199254740993}';
const secret = 'a shared secret';
const hmac = (algorithm: string, key: string | Uint8Array, text: string) => createHmac(algorithm, key).update(text);
const base = { method: 'POST', url, body: bytes(body), nowMs, secrets: secret };

const ed25519 = generateKeyPairSync('ed25519');
const p256 = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const standardKey = 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const standardText = `msg_1.${seconds}.${body}`;
const publicEd = ed25519.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64');

const standard = (prefix: string, scheme: string): WebhookVector => ({
  name: scheme,
  signature: `${prefix}-signature`,
  timestampHeader: `${prefix}-timestamp`,
  idHeader: `${prefix}-id`,
  signs: ['body', 'timestamp', 'id'],
  input: {
    ...base,
    scheme,
    secrets: `whsec_${standardKey}`,
    headers: {
      [`${prefix}-id`]: 'msg_1',
      [`${prefix}-timestamp`]: seconds,
      [`${prefix}-signature`]: `v1,${hmac('sha256', Buffer.from(standardKey, 'base64'), standardText).digest('base64')}`,
    },
  },
});

const ofBody = (scheme: string, header: string, prefix: string, algorithm: string, encoding: 'hex' | 'base64') => ({
  name: scheme,
  signature: header,
  signs: ['body'] as const,
  input: { ...base, scheme, headers: { [header]: prefix + hmac(algorithm, secret, body).digest(encoding) } },
});

const form = 'To=%2B18005551212&Body=it%27s+me&From=%2B14158675309&Media=b&Media=a&Media=b';
const formText = `${url}Bodyit's meFrom+14158675309MediaaMediabTo+18005551212`;

/** One valid request for every scheme that signs something, made here. */
export const signedVectors: readonly WebhookVector[] = [
  {
    name: 'hubspot-v3',
    signature: 'x-hubspot-signature-v3',
    timestampHeader: 'x-hubspot-request-timestamp',
    signs: ['body', 'url', 'timestamp'],
    input: {
      ...base,
      scheme: 'hubspot-v3',
      headers: {
        'x-hubspot-request-timestamp': String(nowMs),
        'x-hubspot-signature-v3': hmac('sha256', secret, `POST${url}${body}${nowMs}`).digest('base64'),
      },
    },
  },
  {
    name: 'hubspot-v2',
    signature: 'x-hubspot-signature',
    signs: ['body', 'url'],
    input: {
      ...base,
      scheme: 'hubspot-v2',
      headers: {
        'x-hubspot-signature-version': 'v2',
        'x-hubspot-signature': createHash('sha256').update(`${secret}POST${url}${body}`).digest('hex'),
      },
    },
  },
  {
    name: 'hubspot-v1',
    signature: 'x-hubspot-signature',
    signs: ['body'],
    input: {
      ...base,
      scheme: 'hubspot-v1',
      headers: {
        'x-hubspot-signature': createHash('sha256')
          .update(secret + body)
          .digest('hex'),
      },
    },
  },
  {
    name: 'stripe',
    signature: 'stripe-signature',
    signs: ['body'],
    input: {
      ...base,
      scheme: 'stripe',
      headers: {
        'stripe-signature': `t=${seconds},v1=${hmac('sha256', secret, `${seconds}.${body}`).digest('hex')}`,
      },
    },
  },
  standard('webhook', 'standard-webhooks'),
  standard('svix', 'svix'),
  {
    ...standard('webhook', 'standard-webhooks'),
    name: 'standard-webhooks v1a',
    input: {
      ...base,
      scheme: 'standard-webhooks',
      secrets: `whpk_${publicEd}`,
      headers: {
        'webhook-id': 'msg_1',
        'webhook-timestamp': seconds,
        'webhook-signature': `v1a,${sign(null, bytes(standardText), ed25519.privateKey).toString('base64')}`,
      },
    },
  },
  ofBody('github', 'x-hub-signature-256', 'sha256=', 'sha256', 'hex'),
  ofBody('meta', 'x-hub-signature-256', 'sha256=', 'sha256', 'hex'),
  ofBody('intercom', 'x-hub-signature', 'sha1=', 'sha1', 'hex'),
  ofBody('shopify', 'x-shopify-hmac-sha256', '', 'sha256', 'base64'),
  ofBody('xero', 'x-xero-signature', '', 'sha256', 'base64'),
  ofBody('quickbooks', 'intuit-signature', '', 'sha256', 'base64'),
  ofBody('frappe', 'x-frappe-webhook-signature', '', 'sha256', 'base64'),
  {
    name: 'slack',
    signature: 'x-slack-signature',
    timestampHeader: 'x-slack-request-timestamp',
    signs: ['body', 'timestamp'],
    input: {
      ...base,
      scheme: 'slack',
      headers: {
        'x-slack-request-timestamp': seconds,
        'x-slack-signature': `v0=${hmac('sha256', secret, `v0:${seconds}:${body}`).digest('hex')}`,
      },
    },
  },
  {
    name: 'zendesk',
    signature: 'x-zendesk-webhook-signature',
    timestampHeader: 'x-zendesk-webhook-signature-timestamp',
    signs: ['body', 'timestamp'],
    input: {
      ...base,
      scheme: 'zendesk',
      headers: {
        'x-zendesk-webhook-signature-timestamp': new Date(nowMs).toISOString(),
        'x-zendesk-webhook-signature': hmac('sha256', secret, new Date(nowMs).toISOString() + body).digest('base64'),
      },
    },
  },
  {
    name: 'sendgrid',
    signature: 'x-twilio-email-event-webhook-signature',
    timestampHeader: 'x-twilio-email-event-webhook-timestamp',
    signs: ['body', 'timestamp'],
    input: {
      ...base,
      scheme: 'sendgrid',
      secrets: p256.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
      body: bytes(`${body}\r\n`),
      headers: {
        'x-twilio-email-event-webhook-timestamp': seconds,
        'x-twilio-email-event-webhook-signature': sign(
          'sha256',
          bytes(`${seconds}${body}\r\n`),
          p256.privateKey,
        ).toString('base64'),
      },
    },
  },
  {
    name: 'twilio',
    signature: 'x-twilio-signature',
    signs: ['body', 'url'],
    input: {
      ...base,
      scheme: 'twilio',
      body: bytes(form),
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-twilio-signature': hmac('sha1', secret, formText).digest('base64'),
      },
    },
  },
  {
    name: 'hmac',
    signature: 'x-acme-signature',
    signs: ['body'],
    input: {
      ...base,
      scheme: 'hmac',
      params: { header: 'X-Acme-Signature', algorithm: 'sha512', encoding: 'base64url', prefix: 'v1=' },
      headers: { 'x-acme-signature': `v1=${hmac('sha512', secret, body).digest('base64url')}` },
    },
  },
];

/** The signed request of this name. */
export const vectorOf = (name: string): WebhookVector => {
  const found = signedVectors.find((vector) => vector.name === name);
  if (!found) throw new Error(`no vector ${name}`);
  return found;
};

/** The same request with one header more, or another value of it. */
export const withHeader = ({ input }: WebhookVector, name: string, value: string | string[]): VerifyInput => ({
  ...input,
  headers: { ...input.headers, [name]: value },
});
