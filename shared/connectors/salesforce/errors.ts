import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { Classified, FailureClass, HttpAnswer } from '../../model/operation.ts';
import { jsonOf } from './client.ts';

/** A classified Salesforce failure, and whether it proves that the request was not carried out. */
export type SalesforceFailure = { readonly error: Classified; readonly notApplied: boolean };

type Verdict = { readonly class: FailureClass; readonly notApplied: boolean; readonly retryAfterMs?: number };

const refused = (kind: FailureClass): Verdict => ({ class: kind, notApplied: true });
const unknown: Verdict = { class: 'unknown_outcome', notApplied: false };
const again = (retryAfterMs: number): Verdict => ({ class: 'transient', notApplied: true, retryAfterMs });

const byClass: readonly (readonly [verdict: Verdict, codes: readonly string[]])[] = [
  [refused('auth'), ['INVALID_SESSION_ID', 'INVALID_AUTH_HEADER', 'INVALID_LOGIN', 'Bad_OAuth_Token']],
  [refused('auth'), ['invalid_grant', 'invalid_client', 'invalid_client_id', 'invalid_client_credentials']],
  [refused('auth'), ['inactive_user', 'inactive_org', 'unauthorized_client']],
  [
    refused('permission'),
    [
      'API_CURRENTLY_DISABLED',
      'API_DISABLED_FOR_ORG',
      'CANNOT_UPDATE_CONVERTED_LEAD',
      'FUNCTIONALITY_NOT_ENABLED',
      'INSUFFICIENT_ACCESS',
      'INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY',
      'INSUFFICIENT_ACCESS_OR_READONLY',
      // Salesforce says the same of a field that is read-only to this user.
      'INVALID_FIELD_FOR_INSERT_UPDATE',
      'TRANSFER_REQUIRES_READ',
    ],
  ],
  [
    refused('business'),
    [
      'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY',
      'DELETE_FAILED',
      'ENTITY_IS_LOCKED',
      'FIELD_CUSTOM_VALIDATION_EXCEPTION',
      'FIELD_FILTER_VALIDATION_EXCEPTION',
      'FIELD_INTEGRITY_EXCEPTION',
      'INVALID_CROSS_REFERENCE_KEY',
      'INVALID_EMAIL_ADDRESS',
      'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
      'INVALID_QUERY_FILTER_OPERATOR',
      'INVALID_QUERY_LOCATOR',
      'INVALID_STATUS',
      'JSON_PARSER_ERROR',
      'MALFORMED_ID',
      'MALFORMED_QUERY',
      'NUMBER_OUTSIDE_VALID_RANGE',
      'REQUIRED_FIELD_MISSING',
      'STRING_TOO_LONG',
    ],
  ],
  [
    refused('schema'),
    ['INVALIDENTITY', 'INVALID_FIELD', 'INVALID_TYPE', 'INVALID_TYPE_ON_FIELD_IN_RECORD', 'UNSUPPORTED_API_VERSION'],
  ],
  [refused('duplicate'), ['DUPLICATE_VALUE', 'DUPLICATES_DETECTED', 'DUPLICATE_EXTERNAL_ID']],
  [refused('not_found'), ['ENTITY_IS_DELETED', 'NOT_FOUND']],
  [refused('conflict'), ['PRECONDITION_FAILED', 'INVALIDJOBSTATE']],
  [again(1000), ['UNABLE_TO_LOCK_ROW']],
  // Not carried out because of another item of the same request.
  [again(0), ['ALL_OR_NONE_OPERATION_ROLLED_BACK', 'BATCH_PROCESSING_HALTED', 'PROCESSING_HALTED']],
  [unknown, ['QUERY_TIMEOUT', 'REQUEST_RUNNING_TOO_LONG', 'SERVER_UNAVAILABLE', 'UNKNOWN_EXCEPTION']],
];

/** By `errorCode`, before any status is looked at. */
const byCode: ReadonlyMap<string, Verdict> = new Map(
  byClass.flatMap(([verdict, codes]) => codes.map((code) => [code, verdict] as const)),
);

/** By status, last. What is not listed proves nothing. */
const byStatus: Readonly<Record<number, Verdict>> = { 401: refused('auth'), 412: refused('conflict') };

/** By status, but only where the body is Salesforce's own: a proxy's page with this status proves nothing. */
const byOwnStatus: Readonly<Record<number, Verdict>> = {
  300: refused('duplicate'),
  400: refused('business'),
  403: refused('permission'),
  404: refused('not_found'),
  405: refused('schema'),
  409: refused('conflict'),
  414: refused('business'),
  415: refused('business'),
  431: refused('business'),
};

/** The daily limit counts over the last 24 hours, so that it eases bit by bit; too many long requests at once pass sooner. */
const dailyWaitMs = 900_000;
const concurrentWaitMs = 10_000;

/**
 * Classifies an answer that is not the expected one: by `errorCode` first, by status last. `notApplied` is true only for what
 * is known to be refused or rolled back; 5xx, redirects and unreadable answers prove nothing.
 * @see https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm
 */
export function salesforceFailure(answer: HttpAnswer): SalesforceFailure {
  const body = jsonOf(answer);
  if (answer.status === 300) return severalRecords(body);
  const rows = errorRows(body);
  const first = rows[0];
  if (!first) {
    const verdict = byStatus[answer.status] ?? verdictOfStatus(answer.status);
    const message = `Salesforce answered ${answer.status} without an error of its own.`;
    return failure(verdict, { code: `http_${answer.status}`, message }, answer);
  }
  return failure(verdictOfRows(answer.status, rows), described(first), answer);
}

/** Classifies the errors of one item inside a successful answer; `statusCode` stands where others say `errorCode`. */
export function itemFailure(errors: Json | undefined): SalesforceFailure {
  const rows = errorRows(errors);
  const first = rows[0];
  if (first) return failure(verdictOfRows(0, rows), described(first), null);
  const message = 'Salesforce said that the item failed and not why.';
  return failure(unknown, { code: 'item_failed', message }, null);
}

/** Whether a 401 says that the session has ended. Two texts say that no newer token would be taken either. */
export function saysTokenExpired(answer: HttpAnswer): boolean {
  const [first] = answer.status === 401 ? errorRows(jsonOf(answer)) : [];
  if (!first || codeOf(first) !== 'INVALID_SESSION_ID') return false;
  return !/Connected app is not attached to Agent|not valid for use with the REST API/i.test(messageOf(first));
}

type Described = { readonly code: string; readonly message: string; readonly target?: string };

function failure(verdict: Verdict, said: Described, answer: HttpAnswer | null): SalesforceFailure {
  const retryAfterMs = (answer ? retryAfterOf(answer) : undefined) ?? verdict.retryAfterMs;
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  return { notApplied: verdict.notApplied, error: { class: verdict.class, ...said, ...wait } };
}

/** An external id that several records have: nothing was written. The body lists their addresses. */
function severalRecords(body: Json | undefined): SalesforceFailure {
  const urls = Array.isArray(body) ? (body as readonly Json[]).filter((url) => typeof url === 'string') : [];
  // Without Salesforce's own list it is a redirect of something in between.
  if (urls.length === 0) return failure(unknown, { code: 'http_300', message: 'Salesforce answered 300.' }, null);
  const target = /\/([A-Za-z0-9]{15,18})$/.exec(urls[0] ?? '')?.[1];
  const message = `${urls.length} records have this external id.`;
  return failure(refused('duplicate'), { code: 'MULTIPLE_CHOICES', message, ...(target ? { target } : {}) }, null);
}

/** The errors of a body in its forms: a list, or the OAuth object. */
function errorRows(body: Json | undefined): readonly JsonObject[] {
  const rows = Array.isArray(body) ? (body as readonly Json[]).filter(isObject) : isObject(body) ? [body] : [];
  return rows.filter((row) => codeOf(row) !== null);
}

function codeOf(row: JsonObject): string | null {
  const code = row.errorCode ?? row.statusCode ?? (typeof row.error_description === 'string' ? row.error : undefined);
  return typeof code === 'string' && code !== '' ? code : null;
}

/** Several errors prove nothing unless each of them does, and none does where the server itself failed. */
function verdictOfRows(status: number, rows: readonly JsonObject[]): Verdict {
  const verdicts = rows
    .map((row) => verdictOf(status, row))
    .map((one) => (status < 500 ? one : { ...one, notApplied: false }));
  return verdicts.find(({ notApplied }) => !notApplied) ?? verdicts[0] ?? unknown;
}

function verdictOf(status: number, row: JsonObject): Verdict {
  const [code, message] = [codeOf(row) ?? '', messageOf(row)];
  if (code === 'REQUEST_LIMIT_EXCEEDED') {
    const retryAfterMs = /concurrent/i.test(message) ? concurrentWaitMs : dailyWaitMs;
    return { class: 'rate', notApplied: true, retryAfterMs };
  }
  if (code === 'NOT_FOUND' && /external id field/i.test(message)) return refused('schema');
  const known = byCode.get(code);
  if (known) return known;
  // An item that is said to have failed and carries a code of its own was rolled back with its savepoint.
  if (status === 0) return refused('business');
  return byOwnStatus[status] ?? byStatus[status] ?? verdictOfStatus(status);
}

function verdictOfStatus(status: number): Verdict {
  return { class: status >= 500 || status < 400 ? 'unknown_outcome' : 'business', notApplied: false };
}

function described(row: JsonObject): Described {
  const target = targetOf(row);
  return { code: codeOf(row) ?? 'unknown', message: messageOf(row).slice(0, 300), ...(target ? { target } : {}) };
}

function messageOf(row: JsonObject): string {
  const text = row.message ?? row.error_description;
  return typeof text === 'string' && text !== '' ? text : 'Salesforce gave no message.';
}

/** The record that is in the way, or the field that is wrong. */
function targetOf(row: JsonObject): string | null {
  const existing = /record with id: ([A-Za-z0-9]{15,18})/.exec(messageOf(row))?.[1];
  if (existing) return existing;
  const matches = isObject(row.duplicateResult) ? row.duplicateResult.matchResults : undefined;
  for (const match of rowsOf(matches)) {
    for (const { record } of rowsOf(match.matchRecords)) {
      if (isObject(record) && typeof record.Id === 'string') return record.Id;
    }
  }
  const [field] = Array.isArray(row.fields) ? (row.fields as readonly Json[]) : [];
  return typeof field === 'string' ? field : null;
}

function rowsOf(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? (value as readonly Json[]).filter(isObject) : [];
}

/** Whole seconds. @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 */
function retryAfterOf(answer: HttpAnswer): number | undefined {
  const value = answer.headers['retry-after'];
  return value && /^[0-9]{1,5}$/.test(value) ? Number(value) * 1000 : undefined;
}
