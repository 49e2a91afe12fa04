import type { DigestEncoding } from './encoding.ts';
import type { TimestampUnit } from './timestamp.ts';
import type { SchemeName } from './verify-types.ts';

/** One part of the signed string; text in quotes stands for itself. */
export type SignedPart = 'method' | 'url' | 'decodedUrl' | 'body' | 'timestamp' | 'secret' | `'${string}'`;

/** A scheme that a table can say: a digest over parts of the request, compared with one header. */
export type TableScheme = {
  readonly kind: 'table';
  /** Names of the signature header; where several came, they must agree. */
  readonly header: readonly string[];
  /** What stands before the digest, such as `sha256=`. */
  readonly prefix: string;
  readonly digest: 'hmac' | 'hash';
  readonly algorithm: 'sha1' | 'sha256' | 'sha384' | 'sha512';
  readonly encoding: DigestEncoding;
  /** What is signed; several lists where the provider is known to sign one or the other. */
  readonly signed: readonly (readonly SignedPart[])[];
  readonly timestamp: { readonly header: string; readonly unit: TimestampUnit } | null;
  /** A header that must have this value where it is present. */
  readonly version: { readonly header: string; readonly value: string } | null;
  /** A header whose presence says that a stronger scheme was meant. */
  readonly refusedWith: string | null;
};

/** A scheme that needs code; the code is in `verify-<name>.ts`. */
export type CodeScheme = { readonly kind: 'code' };

const hmacOfBody = (header: readonly string[], prefix: string, encoding: DigestEncoding): TableScheme => ({
  kind: 'table',
  header,
  prefix,
  digest: 'hmac',
  algorithm: 'sha256',
  encoding,
  signed: [['body']],
  timestamp: null,
  version: null,
  refusedWith: null,
});

const hubspotOld = (version: string, signed: readonly SignedPart[]): TableScheme => ({
  ...hmacOfBody(['x-hubspot-signature'], '', 'hex'),
  digest: 'hash',
  signed: [signed],
  version: { header: 'x-hubspot-signature-version', value: version },
  refusedWith: 'x-hubspot-signature-v3',
});

const code: CodeScheme = { kind: 'code' };

/** Every scheme by name: what the provider signs, how it is written, and which header carries it. */
export const schemes: ReadonlyMap<string, TableScheme | CodeScheme> = new Map<SchemeName, TableScheme | CodeScheme>([
  ['hubspot-v1', hubspotOld('v1', ['secret', 'body'])],
  ['hubspot-v2', hubspotOld('v2', ['secret', 'method', 'url', 'body'])],
  [
    'hubspot-v3',
    {
      ...hmacOfBody(['x-hubspot-signature-v3'], '', 'base64'),
      signed: [
        ['method', 'decodedUrl', 'body', 'timestamp'],
        ['method', 'url', 'body', 'timestamp'],
      ],
      timestamp: { header: 'x-hubspot-request-timestamp', unit: 'ms' },
    },
  ],
  ['github', hmacOfBody(['x-hub-signature-256'], 'sha256=', 'hex')],
  ['meta', hmacOfBody(['x-hub-signature-256'], 'sha256=', 'hex')],
  ['intercom', { ...hmacOfBody(['x-hub-signature'], 'sha1=', 'hex'), algorithm: 'sha1' }],
  ['shopify', hmacOfBody(['x-shopify-hmac-sha256', 'shopify-hmac-sha256'], '', 'base64')],
  [
    'slack',
    {
      ...hmacOfBody(['x-slack-signature'], 'v0=', 'hex'),
      signed: [["'v0:'", 'timestamp', "':'", 'body']],
      timestamp: { header: 'x-slack-request-timestamp', unit: 's' },
    },
  ],
  [
    'zendesk',
    {
      ...hmacOfBody(['x-zendesk-webhook-signature'], '', 'base64'),
      signed: [['timestamp', 'body']],
      timestamp: { header: 'x-zendesk-webhook-signature-timestamp', unit: 'iso' },
    },
  ],
  ['xero', hmacOfBody(['x-xero-signature'], '', 'base64')],
  ['quickbooks', hmacOfBody(['intuit-signature'], '', 'base64')],
  ['frappe', hmacOfBody(['x-frappe-webhook-signature'], '', 'base64')],
  ['stripe', code],
  ['standard-webhooks', code],
  ['svix', code],
  ['twilio', code],
  ['sendgrid', code],
  ['pipedrive', code],
  ['graph', code],
  ['salesforce-outbound', code],
  ['hmac', code],
]);

/** What `scheme` of a configured webhook may say. */
export const schemeNames: readonly string[] = [...schemes.keys()];
