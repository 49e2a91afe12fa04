import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { Classified, FailureClass, HttpAnswer } from '../../model/operation.ts';
import { bodyOf } from '../json-body.ts';

/** A classified failure of Graph, and whether it proves that the request was not carried out. */
export type GraphFailure = { readonly error: Classified; readonly notApplied: boolean };

type Verdict = { readonly class: FailureClass; readonly notApplied: boolean; readonly retryAfterMs?: number };

const refused = (kind: FailureClass): Verdict => ({ class: kind, notApplied: true });
const unknown: Verdict = { class: 'unknown_outcome', notApplied: false };
const wait = (kind: 'rate' | 'transient', retryAfterMs: number): Verdict => ({
  ...refused(kind),
  retryAfterMs,
});

/** How long a mailbox that sent too many mails is left alone: its limits count by the minute and by the day. */
const sendLimitWaitMs = 3_600_000;
const movingWaitMs = 300_000;
const rateWaitMs = 10_000;

/** By `error.code` or a code inside `innerError`, the innermost that is known; their letter case varies between services. */
const byClass: readonly (readonly [verdict: Verdict, codes: readonly string[]])[] = [
  [
    refused('auth'),
    [
      ...['InvalidAuthenticationToken', 'Authentication_ExpiredToken', 'Authentication_MissingOrMalformed'],
      ...['AuthenticationError', 'unauthenticated', 'tokenExpired', 'tokenNotFound', 'invalid_client', 'invalid_grant'],
      ...['unauthorized_client', 'Authorization_IdentityNotFound', 'Authorization_IdentityDisabled'],
    ],
  ],
  [
    refused('permission'),
    [
      ...['Authorization_RequestDenied', 'ErrorAccessDenied', 'accessDenied', 'AccessDenied', 'Forbidden'],
      ...['ErrorSendAsDenied', 'ErrorSendOnBehalfAccessDenied', 'ErrorInsufficientPermissions', 'accessRestricted'],
      ...['ErrorCalendarIsNotOrganizer', 'ErrorDelegateNoUser', 'InsufficientPrivileges'],
    ],
  ],
  [
    refused('not_found'),
    [
      ...['ErrorItemNotFound', 'itemNotFound', 'Request_ResourceNotFound', 'ResourceNotFound', 'ErrorFolderNotFound'],
      ...['ErrorInvalidUser', 'ErrorNonExistentMailbox', 'NotFound', 'ExtensionNotFound'],
    ],
  ],
  [refused('schema'), ['RequestBroker--ParseUri', 'UnknownProperty', 'ErrorInvalidProperty']],
  [refused('duplicate'), ['ErrorDuplicateTransactionId', 'ErrorObjectAlreadyExists', 'nameAlreadyExists']],
  [
    refused('conflict'),
    [
      ...['ErrorIrresolvableConflict', 'preconditionFailed', 'ErrorStaleObject', 'ErrorChangeKeyRequired'],
      ...['ErrorChangeKeyRequiredForWriteOperations', 'resourceModified', 'editConflict'],
    ],
  ],
  [
    refused('business'),
    [
      ...['MailboxNotEnabledForRESTAPI', 'MailboxNotSupportedForRESTAPI', 'MailboxNotHostedInExchangeOnline'],
      ...['ErrorInvalidRecipients', 'ErrorMissingRecipients', 'ErrorInvalidIdMalformed', 'ErrorInvalidId'],
      ...['ErrorPropertyValidationFailure', 'ErrorInvalidPropertyForCreate', 'ErrorInvalidPropertyForUpdate'],
      ...['ErrorInvalidRequest', 'ErrorInvalidArgument', 'ErrorInvalidParameter', 'ErrorInvalidOperation'],
      ...['ErrorInvalidUrlQuery', 'ErrorInvalidUrlQueryFilter', 'InefficientFilter', 'ErrorInvalidRestriction'],
      ...['ErrorQuotaExceeded', 'ErrorMessageSizeExceeded', 'ErrorAttachmentSizeLimitExceeded', 'quotaLimitReached'],
      ...['ErrorCalendarDurationIsTooLong', 'ErrorCalendarEndDateIsEarlierThanStartDate', 'ErrorTimeZone'],
      ...['ErrorRecurrenceHasNoOccurrence', 'ErrorCannotDeleteObject', 'ErrorMoveCopyFailed', 'ValidationError'],
      ...['Request_BadRequest', 'invalidRequest', 'BadRequest', 'Request_UnsupportedQuery', 'ExtensionError'],
    ],
  ],
  [wait('rate', sendLimitWaitMs), ['ErrorExceededMessageLimit', 'ErrorSubmissionQuotaExceeded', 'ErrorSendLimit']],
  [
    wait('rate', rateWaitMs),
    [
      'TooManyRequests',
      'activityLimitReached',
      'ApplicationThrottled',
      'throttledRequest',
      'ErrorExceededConnectionCount',
    ],
  ],
  [wait('transient', movingWaitMs), ['ErrorMailboxMoveInProgress', 'ErrorMailboxConfiguration']],
  [wait('transient', rateWaitMs), ['resourceLocked', 'ErrorMailboxLocked']],
];

const byCode: ReadonlyMap<string, Verdict> = new Map(
  byClass.flatMap(([verdict, codes]) => codes.map((code) => [code.toLowerCase(), verdict] as const)),
);

/** By status, last, and without a look at the body: these say by themselves that nothing was done. */
const byStatus: Readonly<Record<number, Verdict>> = {
  401: refused('auth'),
  412: refused('conflict'),
  429: wait('rate', rateWaitMs),
};

/** By status, but only where the body is an error of Graph: a proxy's page with this status proves nothing. */
const byOwnStatus: Readonly<Record<number, Verdict>> = {
  400: refused('business'),
  402: refused('business'),
  403: refused('permission'),
  404: refused('not_found'),
  405: refused('schema'),
  406: refused('business'),
  409: refused('conflict'),
  410: refused('conflict'),
  411: refused('business'),
  413: refused('business'),
  415: refused('business'),
  416: refused('business'),
  422: refused('business'),
  423: wait('transient', rateWaitMs),
  424: wait('transient', 0),
  507: refused('business'),
};

/** Codes that say that a change token is of no use any more. */
const resyncCodes = [
  ...[
    'syncstatenotfound',
    'syncstateinvalid',
    'resyncrequired',
    'errorinvalidsyncstatedata',
    'errorsyncfoldernotfound',
  ],
  ...['resyncchangesapplydifferences', 'resyncchangesuploaddifferences'],
];

/**
 * Classifies an answer that is not the expected one: by the innermost known code first, by status last. `notApplied` is true only
 * for what is known to be refused; 5xx, redirects and unreadable answers prove nothing.
 * @see https://learn.microsoft.com/en-us/graph/errors
 */
export function graphFailure(answer: HttpAnswer): GraphFailure {
  const error = errorOf(answer);
  const codes = error ? codesOf(error) : [];
  const verdict = verdictOf(answer.status, error, codes);
  const retryAfterMs = retryAfterOf(answer) ?? verdict.retryAfterMs;
  const target = error ? targetOf(error) : null;
  const requestId = requestIdOf(answer, error);
  return {
    notApplied: verdict.notApplied,
    error: {
      class: verdict.class,
      code: codes[0] ?? `http_${answer.status}`,
      message: (error ? messageOf(error) : `Graph answered ${answer.status} without an error of its own.`).slice(
        0,
        300,
      ),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(target === null ? {} : { target }),
      ...(requestId === null ? {} : { vendorRequestId: requestId }),
    },
  };
}

/** Whether a delta query says that its token has ended and everything is to be read again. */
export function saysResync(answer: HttpAnswer): boolean {
  const error = errorOf(answer);
  const codes = error ? codesOf(error).map((code) => code.toLowerCase()) : [];
  return (answer.status === 410 && error !== null) || codes.some((code) => resyncCodes.includes(code));
}

/** Whether a 401 says that the token is of no use any more, so that a new one may help. */
export function saysTokenExpired(answer: HttpAnswer): boolean {
  if (answer.status !== 401) return false;
  const codes = codesOf(errorOf(answer) ?? {}).map((code) => code.toLowerCase());
  const named = ['invalidauthenticationtoken', 'authentication_expiredtoken', 'tokenexpired', 'unauthenticated'];
  return codes.some((code) => named.includes(code)) || /invalid_token/.test(answer.headers['www-authenticate'] ?? '');
}

function verdictOf(status: number, error: JsonObject | null, codes: readonly string[]): Verdict {
  // A server that failed proves nothing, whatever it calls it.
  if (status >= 500 && status !== 507) return unknown;
  if (error && status === 400 && saysUnknownProperty(messageOf(error))) return refused('schema');
  for (const code of codes.toReversed()) {
    const known = byCode.get(code.toLowerCase());
    if (known) return known;
  }
  const own = error ? byOwnStatus[status] : undefined;
  return own ?? byStatus[status] ?? { class: status < 400 ? 'unknown_outcome' : 'business', notApplied: false };
}

function saysUnknownProperty(message: string): boolean {
  return /could not find a property named|property '[^']*' does not exist on type|does not (declare|exist as) (a )?property|unrecognized property/i.test(
    message,
  );
}

/** `{ error: { code, message, innerError } }`; the token endpoint says `{ error: "invalid_client", error_description }`. */
function errorOf(answer: Pick<HttpAnswer, 'bodyText'>): JsonObject | null {
  const body = bodyOf(answer);
  if (body && typeof body.error === 'string') return { code: body.error, message: body.error_description ?? null };
  return body && isObject(body.error) ? body.error : null;
}

/** The codes of an error, outermost first. */
function codesOf(error: JsonObject): readonly string[] {
  const codes: string[] = [];
  let at: Json | undefined = error;
  for (let depth = 0; depth < 5 && isObject(at); depth += 1) {
    if (typeof at.code === 'string' && /^[A-Za-z0-9_.-]{1,80}$/.test(at.code)) codes.push(at.code);
    at = at.innerError ?? at.innererror;
  }
  return codes;
}

function messageOf(error: JsonObject): string {
  return typeof error.message === 'string' && error.message !== '' ? error.message : 'Graph gave no message.';
}

/** The property that is wrong, where the error or its text names one. */
function targetOf(error: JsonObject): string | null {
  if (typeof error.target === 'string' && error.target !== '') return error.target.slice(0, 100);
  return /(?:property named|Property|property) '([A-Za-z0-9_./]{1,100})'/.exec(messageOf(error))?.[1] ?? null;
}

function requestIdOf(answer: HttpAnswer, error: JsonObject | null): string | null {
  const inner = isObject(error?.innerError) ? error.innerError['request-id'] : undefined;
  const id = answer.headers['request-id'] ?? inner;
  return typeof id === 'string' && /^[0-9a-f-]{36}$/i.test(id) ? id : null;
}

/** Whole seconds. @see https://learn.microsoft.com/en-us/graph/throttling */
function retryAfterOf(answer: HttpAnswer): number | undefined {
  const value = answer.headers['retry-after'];
  return value && /^[0-9]{1,5}$/.test(value) ? Number(value) * 1000 : undefined;
}
