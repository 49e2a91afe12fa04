/** Every signature scheme the webhook door knows. */
export type SchemeName =
  | 'hubspot-v1'
  | 'hubspot-v2'
  | 'hubspot-v3'
  | 'stripe'
  | 'standard-webhooks'
  | 'svix'
  | 'github'
  | 'shopify'
  | 'slack'
  | 'twilio'
  | 'sendgrid'
  | 'zendesk'
  | 'xero'
  | 'quickbooks'
  | 'intercom'
  | 'meta'
  | 'pipedrive'
  | 'frappe'
  | 'graph'
  | 'salesforce-outbound'
  | 'hmac';

/** Request headers in any letter case, as HTTP servers and Lambda hand them over. */
export type HeaderRecord = Readonly<Record<string, string | readonly string[] | undefined>>;

/** One request to verify. Nothing here is trusted but `scheme`, `secrets`, `params`, `nowMs` and `toleranceSeconds`. */
export type VerifyInput = {
  readonly scheme: string;
  /** One secret or several (current, previous); at most the first five are tried. */
  readonly secrets: string | readonly string[];
  readonly method: string;
  /** The public URL as configured at the provider, with path and query as they were received. */
  readonly url: string;
  readonly headers: HeaderRecord;
  /** The body's bytes as they were sent. */
  readonly body: Uint8Array;
  /** Settings of the scheme, such as `header`, `algorithm`, `encoding` and `prefix` of `hmac`. */
  readonly params?: Readonly<Record<string, string>> | undefined;
  readonly nowMs: number;
  /** Greatest difference between the signed timestamp and now, both directions; 300 by default, at most 86 400. */
  readonly toleranceSeconds?: number | undefined;
};

/** Why a request was refused; for metrics and sampled logs, never for the answer. */
export type RefusalReason =
  | 'unknown_scheme'
  | 'config'
  | 'missing_header'
  | 'duplicate_header'
  | 'malformed_header'
  | 'malformed_timestamp'
  | 'stale_timestamp'
  | 'downgrade'
  | 'malformed_body'
  | 'body_not_covered'
  | 'mismatch'
  | 'error';

/** What a passed verification proves beside itself. */
export type Proof = {
  /** Index of the secret that matched; an old one that no longer matches may be retired. */
  readonly secretIndex: number;
  /** The delivery id, where the signature covers one. */
  readonly signedId?: string;
  /** The signed time of the attempt, where there is one. */
  readonly timestampMs?: number;
  /** Which items of a batch carry the right client state; absent where the proof covers the whole body. */
  readonly items?: readonly number[];
};

export type VerifyResult = ({ readonly ok: true } & Proof) | { readonly ok: false; readonly reason: RefusalReason };

/** Refusal of one request; caught inside `verify`, which answers it as a value. */
export class Refusal extends Error {
  readonly reason: RefusalReason;

  /** @param reason the stable reason */
  constructor(reason: RefusalReason) {
    super(reason);
    this.name = 'Refusal';
    this.reason = reason;
  }
}
