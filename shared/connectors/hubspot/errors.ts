import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { Classified, FailureClass, HttpAnswer } from '../../model/operation.ts';
import { bodyOf } from '../json-body.ts';

/** A classified HubSpot failure, and whether it proves that the request was not carried out. */
export type HubspotFailure = { readonly error: Classified; readonly notApplied: boolean };

type Verdict = { readonly class: FailureClass; readonly notApplied: boolean; readonly retryAfterMs?: number };

const refused = (kind: FailureClass): Verdict => ({ class: kind, notApplied: true });

/** By `category`, before any status is looked at. */
const byCategory: Readonly<Record<string, Verdict>> = {
  VALIDATION_ERROR: refused('business'),
  INVALID_AUTHENTICATION: refused('auth'),
  EXPIRED_AUTHENTICATION: refused('auth'),
  BAD_REFRESH_TOKEN: refused('auth'),
  MISSING_SCOPES: refused('permission'),
  BANNED: refused('permission'),
  OBJECT_NOT_FOUND: refused('not_found'),
  CONFLICT: refused('duplicate'),
  OBJECT_ALREADY_EXISTS: refused('duplicate'),
};

const tenSeconds = 10_000;

/** By `policyName` of a 429. `DAILY` ends at the portal's midnight, which no answer names: asked again hourly. */
const byPolicy: Readonly<Record<string, number>> = {
  DAILY: 3_600_000,
  TEN_SECONDLY_ROLLING: tenSeconds,
  SECONDLY: 1000,
};

/** By message, where HubSpot names no category of its own. */
const byMessage: readonly (readonly [pattern: RegExp, verdict: Verdict])[] = [
  [/secondly limit/i, { class: 'rate', notApplied: true, retryAfterMs: 1000 }],
  [/daily limit/i, { class: 'rate', notApplied: true, retryAfterMs: 3_600_000 }],
  [/already exists|already has that value/i, refused('duplicate')],
  [/resource not found|object not found/i, refused('not_found')],
  [/missing or invalid refresh token|invalid_grant/i, refused('auth')],
];

/** By status, last. What is not listed proves nothing. */
const byStatus: Readonly<Record<number, Verdict>> = {
  401: refused('auth'),
  423: { class: 'transient', notApplied: true, retryAfterMs: 2000 },
  429: { class: 'rate', notApplied: true, retryAfterMs: tenSeconds },
  477: { class: 'transient', notApplied: true, retryAfterMs: tenSeconds },
};

/** By status, but only where the body is HubSpot's own: a proxy's page with this status proves nothing. */
const byOwnStatus: Readonly<Record<number, Verdict>> = {
  400: refused('business'),
  403: refused('permission'),
  409: refused('duplicate'),
  414: refused('business'),
  415: refused('business'),
};

const schemaCodes = /PROPERTY_DOESNT_EXIST|PROPERTY_NOT_FOUND|INVALID_OBJECT_TYPE|does not exist|doesn't exist/i;

/**
 * Classifies an answer that is not the expected one: by category, rate policy and message first, by status last.
 * `notApplied` is true only for what is known to be refused before it was carried out; 5xx, redirects and unreadable
 * answers prove nothing.
 * @see https://developers.hubspot.com/docs/api-reference/error-handling
 */
export function hubspotFailure(answer: HttpAnswer): HubspotFailure {
  const body = bodyOf(answer);
  const own = body !== null && typeof body.message === 'string';
  const verdict = own
    ? verdictOfBody(answer.status, body)
    : (byStatus[answer.status] ?? verdictOfStatus(answer.status));
  const retryAfterMs = retryAfterOf(answer) ?? verdict.retryAfterMs;
  const requestId = own ? textOf(body, 'correlationId') : null;
  const target = own ? targetOf(body) : null;
  return {
    notApplied: verdict.notApplied,
    error: {
      class: verdict.class,
      code: (own ? codeOf(body) : null) ?? `http_${answer.status}`,
      message: own ? messageOf(body) : `HubSpot answered ${answer.status} without a message of its own.`,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(target ? { target } : {}),
      ...(requestId ? { vendorRequestId: requestId } : {}),
    },
  };
}

/** Whether a 401 says that the token has ended; a token that HubSpot merely does not know is not refreshed. */
export function saysTokenExpired(answer: HttpAnswer): boolean {
  return answer.status === 401 && bodyOf(answer)?.category === 'EXPIRED_AUTHENTICATION';
}

/** Failures inside an answer whose status says success: `numErrors` above zero or a list of errors. */
export function itemErrors(body: JsonObject): readonly JsonObject[] {
  const errors = Array.isArray(body.errors) ? (body.errors as readonly Json[]).filter(isObject) : [];
  if (errors.length > 0) return errors;
  const count = body.numErrors;
  return typeof count === 'number' && count > 0 ? [{ message: `${count} items failed without a reason.` }] : [];
}

/** Classifies one item of a batch that failed inside a successful answer. */
export function itemFailure(item: JsonObject): HubspotFailure {
  const verdict = verdictOfBody(0, item);
  const target = targetOf(item);
  return {
    notApplied: verdict.notApplied,
    error: {
      class: verdict.class,
      code: codeOf(item) ?? 'item_failed',
      message: messageOf(item),
      ...(target ? { target } : {}),
    },
  };
}

function verdictOfBody(status: number, body: JsonObject): Verdict {
  const policy = textOf(body, 'policyName');
  if (policy && policy in byPolicy) {
    return { class: 'rate', notApplied: true, retryAfterMs: byPolicy[policy] ?? tenSeconds };
  }
  const category = textOf(body, 'category') ?? textOf(body, 'status') ?? '';
  const known = Object.hasOwn(byCategory, category) ? byCategory[category] : undefined;
  const text = `${textOf(body, 'message') ?? ''} ${JSON.stringify(body.errors ?? null)}`;
  if (known?.class === 'business' && schemaCodes.test(text)) return refused('schema');
  if (known) return known;
  if (textOf(body, 'errorType') === 'RATE_LIMIT' || category === 'RATE_LIMITS') {
    return byMessage.find(([pattern]) => pattern.test(text))?.[1] ?? byStatus[429] ?? refused('rate');
  }
  if (status >= 400 && status < 500) {
    const said = byMessage.find(([pattern]) => pattern.test(text))?.[1];
    return said ?? byStatus[status] ?? byOwnStatus[status] ?? verdictOfStatus(status);
  }
  return byStatus[status] ?? verdictOfStatus(status);
}

function verdictOfStatus(status: number): Verdict {
  return { class: status >= 500 || status < 400 ? 'unknown_outcome' : 'business', notApplied: false };
}

function codeOf(body: JsonObject): string | null {
  const first = Array.isArray(body.errors) ? (body.errors as readonly Json[])[0] : undefined;
  const inner = isObject(first) ? textOf(first, 'code') : null;
  const category = textOf(body, 'category') ?? textOf(body, 'errorType');
  if (category === 'VALIDATION_ERROR' && inner) return inner;
  const status = textOf(body, 'status');
  return textOf(body, 'policyName') ?? category ?? textOf(body, 'code') ?? (status === 'error' ? null : status);
}

/** At most 300 characters of vendor text. */
function messageOf(body: JsonObject): string {
  return (textOf(body, 'message') ?? 'HubSpot gave no message.').slice(0, 300);
}

function targetOf(body: JsonObject): string | null {
  const existing = /Existing ID: ([0-9]+)/i.exec(textOf(body, 'message') ?? '');
  if (existing?.[1]) return existing[1];
  const first = Array.isArray(body.errors) ? (body.errors as readonly Json[])[0] : undefined;
  if (isObject(first)) {
    const context = isObject(first.context) ? first.context.propertyName : undefined;
    const named = Array.isArray(context) ? context[0] : context;
    if (typeof named === 'string') return named;
    const inside = textOf(first, 'in');
    if (inside) return inside;
  }
  const context = isObject(body.context) ? body.context : null;
  const ids = context?.ids ?? context?.id;
  const id = Array.isArray(ids) ? ids[0] : ids;
  return typeof id === 'string' ? id : null;
}

function textOf(body: JsonObject, name: string): string | null {
  const value = body[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

/** HubSpot sends whole seconds. @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 */
function retryAfterOf(answer: HttpAnswer): number | undefined {
  const value = answer.headers['retry-after'];
  return value && /^[0-9]{1,5}$/.test(value) ? Number(value) * 1000 : undefined;
}
