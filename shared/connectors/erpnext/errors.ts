import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { Classified, FailureClass, HttpAnswer } from '../../model/operation.ts';
import { bodyOf } from '../json-body.ts';
import { jsonIn } from './client.ts';

/** A classified failure of a site, and whether it proves that the request was not carried out. */
export type ErpnextFailure = { readonly error: Classified; readonly notApplied: boolean };

type Verdict = { readonly class: FailureClass; readonly notApplied: boolean; readonly retryAfterMs?: number };

const refused = (kind: FailureClass): Verdict => ({ class: kind, notApplied: true });
const again = (kind: 'transient' | 'rate', retryAfterMs: number): Verdict => ({
  ...{ class: kind, notApplied: true, retryAfterMs },
});
const unknown: Verdict = { class: 'unknown_outcome', notApplied: false };

/**
 * By the exception that ended the request. Frappe rolls its transaction back before it answers with one, so that each of these
 * proves that nothing was written; also a deadlock, in which the database itself rolled back. What is not listed is judged by
 * its status.
 * @see https://github.com/frappe/frappe/blob/develop/frappe/exceptions.py and frappe/app.py (`application`)
 */
const byClass: readonly (readonly [verdict: Verdict, types: readonly string[]])[] = [
  [
    refused('business'),
    [
      ...['CancelledLinkError', 'CannotChangeConstantError', 'CharacterLengthExceededError', 'DataError'],
      ...['DocstatusTransitionError', 'InvalidStatusError', 'LinkExistsError', 'LinkValidationError', 'MandatoryError'],
      ...['NonNegativeError', 'UpdateAfterSubmitError', 'ValidationError', 'WorkflowTransitionError'],
    ],
  ],
  [refused('schema'), ['InvalidColumnName', 'MappingMismatchError', 'UnknownDomainError']],
  [refused('duplicate'), ['DuplicateEntryError', 'UniqueValidationError']],
  [refused('conflict'), ['TimestampMismatchError']],
  [refused('not_found'), ['DoesNotExistError']],
  [refused('permission'), ['PermissionError', 'WorkflowPermissionError']],
  [refused('auth'), ['AuthenticationError', 'SessionExpired', 'CSRFTokenError']],
  [refused('auth'), ['InvalidAuthorizationHeader', 'InvalidAuthorizationPrefix', 'InvalidAuthorizationToken']],
  [again('rate', 60_000), ['RateLimitExceededError', 'TooManyRequestsError']],
  [again('transient', 2000), ['DocumentLockedError', 'QueryDeadlockError', 'QueryTimeoutError', 'TooManyWritesError']],
  [again('transient', 60_000), ['InReadOnlyMode', 'SessionStopped']],
  // The mail goes out beside the transaction: only the record itself tells.
  [unknown, ['OutgoingEmailError']],
];

const byType: ReadonlyMap<string, Verdict> = new Map(
  byClass.flatMap(([verdict, types]) => types.map((type) => [type, verdict] as const)),
);

/** By status, where the body names no exception: these two are decided before anything of the request is done. */
const byStatus: Readonly<Record<number, Verdict>> = { 401: refused('auth'), 429: again('rate', 60_000) };

/** By status, but only where the body names an exception: a proxy's page with this status proves nothing. */
const byOwnStatus: Readonly<Record<number, FailureClass>> = {
  401: 'auth',
  403: 'permission',
  404: 'not_found',
  409: 'duplicate',
  429: 'rate',
};

/** Texts of a refused field or DocType: the schema is another than the one we were written for. */
const schemaText = /Field not permitted in query|Unknown column|^DocType .{1,140} not found/i;

/**
 * Classifies an answer that is not the expected one: by exception first, by status last. 417 alone says nothing, since locks,
 * conflicts, duplicates, limits and rules all come as 417. Pages of a proxy and 5xx without a listed exception prove nothing.
 */
export function erpnextFailure(answer: HttpAnswer): ErpnextFailure {
  const body = bodyOf(answer);
  const type = body ? typeIn(body) : null;
  const message = (body ? messageIn(body) : null) ?? `The site answered ${answer.status} without an error of its own.`;
  const verdict = verdictOf(answer.status, type, message);
  const wait = retryAfterOf(answer) ?? verdict.retryAfterMs;
  const target = targetIn(message);
  const requestId = answer.headers['x-frappe-request-id'];
  const error: Classified = {
    ...{ class: verdict.class, code: type ?? `http_${answer.status}`, message: message.slice(0, 300) },
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
    ...(target === null ? {} : { target }),
    ...(requestId === undefined ? {} : { vendorRequestId: requestId.slice(0, 100) }),
  };
  return { error, notApplied: verdict.notApplied };
}

/** The failure of one item of a bulk request: Frappe rolled it back to its savepoint and answers its text alone. */
export function itemFailure(text: string): ErpnextFailure {
  const message = plainText(text).slice(0, 300) || 'The site gave no message.';
  const kinds: readonly (readonly [RegExp, FailureClass, string])[] = [
    [/modified after you have opened it/i, 'conflict', 'TimestampMismatchError'],
    [/Deadlock found|Lock wait timeout/i, 'unknown_outcome', 'QueryDeadlockError'],
    [/is currently locked|Document (has been|is) (queued|locked)/i, 'transient', 'DocumentLockedError'],
    [/must be unique|Duplicate (Name|entry)/i, 'duplicate', 'UniqueValidationError'],
    [/ not found$|does not exist/i, 'not_found', 'DoesNotExistError'],
    [/(not|no) permi(tted|ssion)|Insufficient Permission/i, 'permission', 'PermissionError'],
    [schemaText, 'schema', 'InvalidColumnName'],
  ];
  const [, kind, code] = kinds.find(([form]) => form.test(message)) ?? [null, 'business', 'ValidationError'];
  const wait = kind === 'transient' ? { retryAfterMs: 2000 } : {};
  return { notApplied: kind !== 'unknown_outcome', error: { class: kind as FailureClass, code, message, ...wait } };
}

function verdictOf(status: number, type: string | null, message: string): Verdict {
  if (type === null) {
    const proven = byStatus[status];
    if (proven) return proven;
    return { class: status >= 500 || status < 400 ? 'unknown_outcome' : 'business', notApplied: false };
  }
  // Older versions let the database refuse the column, as a 500.
  if (schemaText.test(message)) return refused('schema');
  const known = byType.get(type);
  if (known) return known;
  // An exception of an app of the site is rolled back like the others; a 5xx may have ended the commit itself.
  return status >= 400 && status < 500 ? refused(byOwnStatus[status] ?? 'business') : unknown;
}

/** `exc_type`, else the class in `exception` or at the end of `exc`, else the type of the first of `errors` (version 2). */
function typeIn(body: JsonObject): string | null {
  const [first] = Array.isArray(body.errors) ? (body.errors as readonly Json[]) : [];
  const [trace] = listIn(body.exc);
  const named = [body.exc_type, classIn(body.exception), classIn(trace), isObject(first) ? first.type : undefined];
  const type = named.find((name) => typeof name === 'string' && /^[A-Za-z][A-Za-z0-9_]{2,79}$/.test(name));
  return typeof type === 'string' ? type : null;
}

/** `frappe.exceptions.LinkExistsError: Cannot cancel` and a traceback that ends so. */
function classIn(text: Json | undefined): string | undefined {
  if (typeof text !== 'string') return undefined;
  const last = text
    .trimEnd()
    .split('\n')
    .findLast((line) => /^[A-Za-z_][\w.]*(:|$)/.test(line));
  return last === undefined ? undefined : /^(?:[\w]+\.)*([A-Za-z_]\w*)(?::|$)/.exec(last)?.[1];
}

/** The text for people: the first of `_server_messages`, which is JSON in JSON, else what the exception says. */
function messageIn(body: JsonObject): string | null {
  const [error] = Array.isArray(body.errors) ? (body.errors as readonly Json[]) : [];
  const [first] = listIn(body._server_messages).map((text) => jsonIn(text));
  const exception = typeof body.exception === 'string' ? body.exception.replace(/^[\w.]+:\s*/, '') : undefined;
  const texts = [
    isObject(first) ? first.message : first,
    isObject(error) ? error.message : undefined,
    ...[exception, body._error_message, body.message],
  ];
  const text = texts.find((one) => typeof one === 'string' && one.trim() !== '');
  return typeof text === 'string' ? plainText(text) : null;
}

function listIn(text: Json | undefined): readonly Json[] {
  const list = jsonIn(text);
  return Array.isArray(list) ? (list as readonly Json[]) : [];
}

/** Frappe marks names up with HTML. */
function plainText(html: string): string {
  return html
    .replaceAll(/<[^>]{0,500}>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
    .trim();
}

/** The field or record a message names first, where it has one of the known forms. */
function targetIn(message: string): string | null {
  const forms = [/^(\w[\w ]{0,60}) must be unique/, /^\[[^\]]{1,200}\]: (\w{1,140})/, /query: `?(\w{1,140})/];
  return forms.map((form) => form.exec(message)?.[1]).find((name) => name !== undefined) ?? null;
}

/** Whole seconds to the end of the window. @see https://github.com/frappe/frappe/blob/develop/frappe/rate_limiter.py */
function retryAfterOf(answer: HttpAnswer): number | undefined {
  const value = answer.headers['retry-after'];
  return value !== undefined && /^[0-9]{1,6}$/.test(value) ? Number(value) * 1000 : undefined;
}
