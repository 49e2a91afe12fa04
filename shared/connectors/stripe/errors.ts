import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { Classified, FailureClass, HttpAnswer } from '../../model/operation.ts';
import { bodyOf } from '../json-body.ts';

/**
 * A classified Stripe failure. `notApplied`: it proves that this request was not carried out. `stored`: Stripe keeps this
 * answer under the request's key, so that the same key brings nothing else for 24 hours.
 */
export type StripeFailure = { readonly error: Classified; readonly notApplied: boolean; readonly stored: boolean };

type Verdict = { readonly class: FailureClass; readonly notApplied: boolean; readonly retryAfterMs?: number };

const refused = (kind: FailureClass): Verdict => ({ class: kind, notApplied: true });
const unknown: Verdict = { class: 'unknown_outcome', notApplied: false };

/** By `code`, before anything else. @see https://docs.stripe.com/error-codes */
const byCode: Readonly<Record<string, Verdict>> = {
  // A request under our key is under way: ours, an earlier one. Its own answer, asked for by the same key, is the proof.
  idempotency_key_in_use: unknown,
  lock_timeout: { class: 'transient', notApplied: true, retryAfterMs: 1000 },
  rate_limit: { class: 'rate', notApplied: true, retryAfterMs: 1000 },
  resource_missing: refused('not_found'),
  resource_already_exists: refused('duplicate'),
  charge_already_refunded: refused('duplicate'),
  charge_already_captured: refused('duplicate'),
  parameter_unknown: refused('schema'),
  api_key_expired: refused('auth'),
  platform_api_key_expired: refused('auth'),
  secret_key_required: refused('auth'),
  account_invalid: refused('permission'),
  testmode_charges_only: refused('permission'),
};

/** By `type`, where the code says nothing. */
const byType: Readonly<Record<string, Verdict>> = {
  card_error: refused('business'),
  // Our key was used before with other parameters: what that request did is not known here.
  idempotency_error: unknown,
};

/** By status, last, and only where the body is Stripe's own. What is not listed proves nothing. */
const byOwnStatus: Readonly<Record<number, Verdict>> = {
  400: refused('business'),
  401: refused('auth'),
  402: refused('business'),
  403: refused('permission'),
  404: refused('not_found'),
  429: { class: 'rate', notApplied: true, retryAfterMs: 1000 },
};

/** By status, where something in between answered: refused before it could reach the API. */
const byAnyStatus: Readonly<Record<number, Verdict>> = {
  401: refused('auth'),
  429: { class: 'rate', notApplied: true, retryAfterMs: 1000 },
};

/** How long each limiter needs, milliseconds. One object's own limit is counted by the hour. */
const byLimiter: Readonly<Record<string, number>> = {
  'global-rate': 1000,
  'endpoint-rate': 1000,
  'global-concurrency': 2000,
  'endpoint-concurrency': 2000,
  'resource-specific': 300_000,
};

/**
 * Classifies an answer that is not the expected one: by code and type first, by status last. 5xx proves nothing, whatever
 * `Stripe-Should-Retry` says: `true` means that the same key may be sent again, `false` that it would only be answered the same.
 * @see https://docs.stripe.com/error-low-level
 */
export function stripeFailure(answer: HttpAnswer): StripeFailure {
  const error = errorOf(answer);
  const verdict = error ? verdictOf(answer, error) : (byAnyStatus[answer.status] ?? verdictOfStatus(answer.status));
  const retryAfterMs = retryAfterOf(answer) ?? verdict.retryAfterMs;
  const target = error ? (textOf(error, 'param') ?? textOf(error, 'charge')) : null;
  const requestId = answer.headers['request-id'];
  return {
    notApplied: verdict.notApplied,
    stored: isStored(answer, error),
    error: {
      class: verdict.class,
      code: error ? codeOf(answer, error) : `http_${answer.status}`,
      message: messageOf(error, answer.status),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(target ? { target } : {}),
      ...(requestId ? { vendorRequestId: requestId } : {}),
    },
  };
}

/** Whether a 401 says that the key has ended; a key that Stripe merely does not know is not refreshed. */
export function saysTokenExpired(answer: HttpAnswer): boolean {
  const error = answer.status === 401 ? errorOf(answer) : null;
  return error !== null && ['api_key_expired', 'platform_api_key_expired'].includes(textOf(error, 'code') ?? '');
}

/** The error object of Stripe's own body, or null. */
function errorOf(answer: HttpAnswer): JsonObject | null {
  const error = bodyOf(answer)?.error;
  return isObject(error) && typeof error.type === 'string' ? error : null;
}

function verdictOf(answer: HttpAnswer, error: JsonObject): Verdict {
  if (answer.status >= 500) return unknown;
  const code = textOf(error, 'code') ?? '';
  const known = Object.hasOwn(byCode, code) ? byCode[code] : undefined;
  if (known?.class === 'rate') return { ...known, retryAfterMs: limiterWaitMs(answer) };
  if (known) return known;
  const type = textOf(error, 'type') ?? '';
  const typed = Object.hasOwn(byType, type) ? byType[type] : undefined;
  if (typed) return typed;
  if (answer.status === 400 && answer.headers['stripe-should-retry'] === 'true') {
    return { class: 'transient', notApplied: true, retryAfterMs: 1000 };
  }
  // A path that Stripe does not know carries no code; a record that is not there does.
  if (answer.status === 404 && /unrecognized request url/i.test(textOf(error, 'message') ?? ''))
    return refused('schema');
  if (answer.status === 429) return { class: 'rate', notApplied: true, retryAfterMs: limiterWaitMs(answer) };
  return byOwnStatus[answer.status] ?? verdictOfStatus(answer.status);
}

function verdictOfStatus(status: number): Verdict {
  return { class: status >= 500 || status < 400 || status === 409 ? 'unknown_outcome' : 'business', notApplied: false };
}

/** What came out of the store is in it; a declined card was carried out up to the decline, and that is kept too. */
function isStored(answer: HttpAnswer, error: JsonObject | null): boolean {
  if (answer.headers['idempotent-replayed'] === 'true') return true;
  if (error && textOf(error, 'type') === 'card_error') return true;
  return answer.status >= 500 && answer.headers['stripe-should-retry'] === 'false';
}

function limiterWaitMs(answer: HttpAnswer): number {
  return byLimiter[answer.headers['stripe-rate-limited-reason'] ?? ''] ?? 1000;
}

/** The code with what Stripe adds to it: why a card was declined, which limiter was hit. */
function codeOf(answer: HttpAnswer, error: JsonObject): string {
  const code = textOf(error, 'code') ?? textOf(error, 'type') ?? `http_${answer.status}`;
  const more =
    textOf(error, 'decline_code') ?? (answer.status === 429 ? answer.headers['stripe-rate-limited-reason'] : null);
  return more && more !== code ? `${code}:${more}` : code;
}

/** At most 300 characters of vendor text. Stripe shortens keys in its texts by itself; a whole one never passes here. */
function messageOf(error: JsonObject | null, status: number): string {
  if (!error) return `Stripe answered ${status} without an error of its own.`;
  const text = textOf(error, 'message') ?? 'Stripe gave no message.';
  return text.replaceAll(/\b[a-z]{2}_(?:live|test)_[^\s'"]+/g, '[key]').slice(0, 300);
}

function textOf(object: JsonObject, name: string): string | null {
  const value: Json | undefined = object[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

/** Whole seconds, where Stripe sends them. @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 */
function retryAfterOf(answer: HttpAnswer): number | undefined {
  const value = answer.headers['retry-after'];
  return value && /^[0-9]{1,5}$/.test(value) ? Number(value) * 1000 : undefined;
}
