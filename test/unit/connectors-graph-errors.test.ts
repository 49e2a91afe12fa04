import { describe, expect, it } from 'vitest';
import { graphFailure, saysResync, saysTokenExpired } from '../../shared/connectors/graph/errors.ts';
import { manifest } from '../../shared/connectors/graph/manifest.ts';
import { operationById } from '../../shared/connectors/graph/operations.ts';
import { signInProblem } from '../../shared/connectors/graph/sign-in.ts';
import type { FailureClass } from '../../shared/model/operation.ts';

const requestId = '9abbd3b9-4d2c-4a0b-8d3e-0c4a5a3c9a11';
const inner = { date: '2026-11-01T10:00:00', 'request-id': requestId, 'client-request-id': requestId };
const answer = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) => ({
  status,
  headers,
  bodyText: typeof body === 'string' ? body : JSON.stringify(body),
});
/** An error as Graph answers it. */
const said = (status: number, code: string, message: string, innerCode?: string, headers = {}) =>
  answer(status, { error: { code, message, innerError: innerCode ? { ...inner, code: innerCode } : inner } }, headers);

type Row = readonly [what: string, given: ReturnType<typeof answer>, kind: FailureClass, notApplied: boolean];
const rows: readonly Row[] = [
  [
    'a token that has ended',
    said(401, 'InvalidAuthenticationToken', 'Lifetime validation failed, the token is expired.'),
    'auth',
    true,
  ],
  ['a 401 without a body', answer(401, ''), 'auth', true],
  [
    'a missing directory permission',
    said(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.'),
    'permission',
    true,
  ],
  [
    'a mailbox that the access policy leaves out',
    said(
      403,
      'ErrorAccessDenied',
      'Access to OData is disabled: [RAOP] : Blocked by tenant configured AppOnly AccessPolicy settings.',
    ),
    'permission',
    true,
  ],
  [
    'a sender that is not allowed',
    said(
      403,
      'ErrorSendAsDenied',
      'The user account which was used to submit this request does not have the right to send mail on behalf of the specified sending account.',
    ),
    'permission',
    true,
  ],
  [
    'an item that is gone',
    said(404, 'ErrorItemNotFound', 'The specified object was not found in the store.'),
    'not_found',
    true,
  ],
  [
    'a user that is gone',
    said(
      404,
      'Request_ResourceNotFound',
      "Resource 'x' does not exist or one of its queried reference-property objects are not present.",
    ),
    'not_found',
    true,
  ],
  [
    'a mailbox that is not in the cloud',
    said(404, 'MailboxNotEnabledForRESTAPI', 'The mailbox is either inactive, soft-deleted, or is hosted on-premise.'),
    'business',
    true,
  ],
  [
    'a property that does not exist any more',
    said(400, 'RequestBroker--ParseUri', "Could not find a property named 'subjct' on type 'microsoft.graph.message'."),
    'schema',
    true,
  ],
  [
    'the same said as a bad request',
    said(
      400,
      'BadRequest',
      "Parsing OData Select and Expand failed: Could not find a property named 'subjct' on type 'microsoft.graph.message'.",
    ),
    'schema',
    true,
  ],
  [
    'a recipient that is none',
    said(400, 'ErrorInvalidRecipients', "At least one recipient isn't valid., Recipient 'x' is not resolved."),
    'business',
    true,
  ],
  ['a malformed id', said(400, 'ErrorInvalidIdMalformed', 'Id is malformed.'), 'business', true],
  [
    'a filter that is too much',
    said(400, 'InefficientFilter', 'The restriction or sort order is too complex for this operation.'),
    'business',
    true,
  ],
  ['a full mailbox', said(507, 'ErrorQuotaExceeded', 'The mailbox quota was exceeded.'), 'business', true],
  [
    'a version that is not the newest',
    said(
      412,
      'ErrorIrresolvableConflict',
      'The send or update operation could not be performed because the change key passed in the request does not match the current change key for the item.',
    ),
    'conflict',
    true,
  ],
  [
    'a precondition of another service',
    said(412, 'preconditionFailed', 'ETag does not match current item’s value'),
    'conflict',
    true,
  ],
  [
    'a transaction that was used',
    said(
      409,
      'ErrorDuplicateTransactionId',
      "Your request can't be completed. The TransactionId specified in the request has already been used to create a different event.",
    ),
    'duplicate',
    true,
  ],
  [
    'too many requests',
    said(429, 'TooManyRequests', 'Too Many Requests', 'ApplicationThrottled', { 'retry-after': '17' }),
    'rate',
    true,
  ],
  [
    'a mailbox that sent too much',
    said(429, 'ErrorExceededMessageLimit', 'Cannot send mail. Limit exceeded.'),
    'rate',
    true,
  ],
  ['a 429 without a body', answer(429, '', { 'retry-after': '5' }), 'rate', true],
  [
    'a mailbox that is being moved',
    said(400, 'ErrorMailboxMoveInProgress', 'Mailbox move in progress. Try again later.'),
    'transient',
    true,
  ],
  ['a locked record', said(423, 'resourceLocked', 'The resource is locked.'), 'transient', true],
  [
    'a failed dependency in a batch',
    said(424, 'FailedDependency', 'A request it depends on failed.'),
    'transient',
    true,
  ],
  ['a code that is not known', said(400, 'SomethingNew', 'x'), 'business', true],
  ['a server error', said(500, 'generalException', 'An unexpected error occurred.'), 'unknown_outcome', false],
  ['a server error that names a harmless code', said(500, 'ErrorItemNotFound', 'x'), 'unknown_outcome', false],
  [
    'an unavailable service',
    said(503, 'serviceNotAvailable', 'Try again later.', undefined, { 'retry-after': '30' }),
    'unknown_outcome',
    false,
  ],
  ['a gateway that gave up', said(504, 'UnknownError', ''), 'unknown_outcome', false],
  ['a page of a proxy', answer(404, '<html><body>404</body></html>'), 'business', false],
  ['a redirect', answer(302, ''), 'unknown_outcome', false],
];

describe('Graph says of a request', () => {
  it.each(rows)('that it met %s', (_what, given, kind, notApplied) => {
    const failure = graphFailure(given);
    expect([failure.error.class, failure.notApplied]).toEqual([kind, notApplied]);
  });

  it('how long to wait, which property it is about, and under which id it was seen', () => {
    expect(graphFailure(said(429, 'TooManyRequests', 'x', undefined, { 'retry-after': '17' })).error).toMatchObject({
      retryAfterMs: 17_000,
      vendorRequestId: requestId,
    });
    const missing = said(
      400,
      'BadRequest',
      "Could not find a property named 'subjct' on type 'microsoft.graph.message'.",
    );
    expect(graphFailure(missing).error.target).toBe('subjct');
  });

  it('that its answer to a write may or may not stand, and to a read that it is to be asked again', () => {
    const failing = said(503, 'serviceNotAvailable', 'x');
    const send = operationById('graph.messages.send');
    const get = operationById('graph.messages.get');
    const input = { userId: 'u1', id: 'm1', ref: 'act_d_1' };
    expect(send?.judge(failing, input)).toMatchObject({ kind: 'unknown', error: { class: 'unknown_outcome' } });
    expect(get?.judge(failing, input)).toMatchObject({ kind: 'error', error: { class: 'transient' } });
  });

  it('only of a 401 that names the token that a new one may help', () => {
    expect(saysTokenExpired(said(401, 'InvalidAuthenticationToken', 'x'))).toBe(true);
    expect(saysTokenExpired(answer(401, '', { 'www-authenticate': 'Bearer error="invalid_token"' }))).toBe(true);
    expect(saysTokenExpired(answer(401, ''))).toBe(false);
    expect(saysTokenExpired(said(403, 'InvalidAuthenticationToken', 'x'))).toBe(false);
  });

  it('that a cursor has ended, and nothing else by a page of a proxy', () => {
    expect(saysResync(said(410, 'syncStateNotFound', 'x'))).toBe(true);
    expect(saysResync(said(400, 'BadRequest', 'x', 'SyncStateNotFound'))).toBe(true);
    expect(saysResync(said(410, 'resyncRequired', 'x'))).toBe(true);
    expect([saysResync(answer(410, '<html></html>')), saysResync(said(400, 'BadRequest', 'x'))]).toEqual([
      false,
      false,
    ]);
  });

  it('how much of a limit is left, where it says so', () => {
    const headroom = (headers: Record<string, string>) => manifest.headroom(answer(200, {}, headers));
    expect(headroom({ 'ratelimit-limit': '100', 'ratelimit-remaining': '20' })).toEqual([
      { limit: 'requests', max: 100, remaining: 20 },
    ]);
    expect(headroom({ 'x-ms-throttle-limit-percentage': '0.9' })).toEqual([
      { limit: 'share', max: 100, remaining: 10 },
    ]);
    expect(headroom({})).toEqual([]);
  });
});

describe('a refused sign-in', () => {
  const refusal = (number: number, error = 'invalid_client') => ({
    bodyText: JSON.stringify({
      error,
      error_description: `AADSTS${number}: The provided client secret keys for app 'aaaa-bbbb' are expired. Trace ID: t Timestamp: 2026-11-01`,
      error_codes: [number],
      timestamp: '2026-11-01 10:00:00Z',
      trace_id: requestId,
      correlation_id: requestId,
      error_uri: `https://login.microsoftonline.com/error?code=${number}`,
    }),
  });

  it.each([
    [7000222, 'The client secret has expired.', false],
    [7000215, 'The client secret is not the right one', false],
    [700016, 'The application is not known in this tenant.', false],
    [90002, 'There is no such tenant.', false],
    [90033, 'The sign-in service has a temporary problem.', true],
    [123456, 'Microsoft Entra refused the credential.', false],
  ])('AADSTS%i is told to the owner in words, without what names the application', (number, says, passes) => {
    const problem = signInProblem(refusal(number));
    expect(problem).toMatchObject({ code: `AADSTS${number}`, passes });
    expect(problem?.detail).toContain(says);
    expect(JSON.stringify(problem)).not.toContain('aaaa-bbbb');
  });

  it('without a number is told by its word, and what is no refusal not at all', () => {
    expect(signInProblem({ bodyText: '{"error":"invalid_grant"}' })?.code).toBe('invalid_grant');
    expect(signInProblem({ bodyText: '{"error":{"code":"x"}}' })).toBeNull();
    expect(signInProblem({ bodyText: '<html>' })).toBeNull();
  });
});
