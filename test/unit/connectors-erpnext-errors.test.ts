import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { erpnextFailure, itemFailure } from '../../shared/connectors/erpnext/errors.ts';
import type { HttpAnswer } from '../../shared/model/operation.ts';

const answer = (status: number, body: unknown, headers: Record<string, string> = {}): HttpAnswer => ({
  status,
  headers,
  bodyText: typeof body === 'string' ? body : JSON.stringify(body),
});
/** As version 1 of the API writes it: JSON texts in a JSON text. */
const v1 = (type: string, message = 'm') => ({
  exception: `frappe.exceptions.${type}: ${message}`,
  exc_type: type,
  exc: JSON.stringify([
    `Traceback (most recent call last):\n  File "app.py", line 1\nfrappe.exceptions.${type}: ${message}\n`,
  ]),
  _server_messages: JSON.stringify([JSON.stringify({ message, title: 'Message', indicator: 'red' })]),
});
const v2 = (type: string, message = 'm') => ({ errors: [{ type, message, title: 'Message', indicator: 'red' }] });
const html = '<!DOCTYPE html><html><head><title>Updating</title></head></html>';
const microseconds = {
  'retry-after': '1234',
  'x-ratelimit-limit': '600000000',
  'x-ratelimit-remaining': '0',
  'x-ratelimit-reset': '1234',
};

describe('the error table of ERPNext', () => {
  it.each<[string, HttpAnswer, string, boolean]>([
    ['a missing value', answer(417, v1('MandatoryError', '[Sales Order, SO-1]: customer, items')), 'business', true],
    ['a link to nothing', answer(417, v1('LinkValidationError', 'Could not find Customer: X')), 'business', true],
    ['a linked document', answer(417, v1('LinkExistsError')), 'business', true],
    ['a rule of the site', answer(417, v1('ValidationError', 'Please enter Delivery Date')), 'business', true],
    ['a text that is too long', answer(417, v1('CharacterLengthExceededError')), 'business', true],
    ['a wrong step', answer(417, v1('DocstatusTransitionError')), 'business', true],
    ['a change after the submit', answer(417, v1('UpdateAfterSubmitError')), 'business', true],
    ['a column of the wrong kind', answer(417, v1('DataError', 'Data too long')), 'business', true],
    ['a field there is none of', answer(417, v1('DataError', 'Field not permitted in query: x')), 'schema', true],
    ['a column there is none of', answer(417, v1('InvalidColumnName')), 'schema', true],
    [
      'an older site without the column',
      answer(500, v1('OperationalError', '(1054, "Unknown column \'x\'")')),
      'schema',
      true,
    ],
    ['a DocType there is none of', answer(404, v1('DoesNotExistError', 'DocType Salez not found')), 'schema', true],
    ['a value that must be unique', answer(417, v1('UniqueValidationError', 'Ref must be unique')), 'duplicate', true],
    ['a name that is taken', answer(409, v1('DuplicateEntryError')), 'duplicate', true],
    ['a name error of older versions', answer(409, v1('NameError')), 'duplicate', true],
    ['a newer version', answer(417, v1('TimestampMismatchError')), 'conflict', true],
    ['a locked document', answer(417, v1('DocumentLockedError')), 'transient', true],
    ['a limited function', answer(417, v1('RateLimitExceededError')), 'rate', true],
    ['a limited site', answer(429, 'Too Many Requests', microseconds), 'rate', true],
    ['no such document', answer(404, v1('DoesNotExistError', 'Customer X not found')), 'not_found', true],
    ['no right', answer(403, v1('PermissionError')), 'permission', true],
    ['a wrong key', answer(401, { exc_type: 'AuthenticationError' }), 'auth', true],
    ['a 401 without a body', answer(401, ''), 'auth', true],
    ['a header that is none', answer(400, v1('InvalidAuthorizationHeader')), 'auth', true],
    ['an ended session', answer(401, v1('SessionExpired')), 'auth', true],
    ['a deadlock', answer(500, v1('QueryDeadlockError')), 'transient', true],
    ['a lock that came too late', answer(500, v1('QueryTimeoutError')), 'transient', true],
    ['a site that is updated, in JSON', answer(503, v1('SessionStopped')), 'transient', true],
    ['a site that is read-only', answer(503, v1('InReadOnlyMode')), 'transient', true],
    ['a mail that did not go out', answer(501, v1('OutgoingEmailError')), 'unknown_outcome', false],
    [
      'a failure of an app in the commit',
      answer(500, v1('OperationalError', '(2013, "Lost connection")')),
      'unknown_outcome',
      false,
    ],
    ['a mistake in an app', answer(500, v1('AttributeError')), 'unknown_outcome', false],
    ['a refusal of an app', answer(417, v1('MyAppError')), 'business', true],
    ['a refusal in version 2', answer(417, v2('MandatoryError')), 'business', true],
    ['a conflict in version 2', answer(417, v2('TimestampMismatchError')), 'conflict', true],
    ['a deadlock in version 2', answer(500, v2('QueryDeadlockError')), 'transient', true],
    ['a page of a site that is updated', answer(503, html), 'unknown_outcome', false],
    ['a page of a proxy', answer(502, html), 'unknown_outcome', false],
    ['a page that says 403', answer(403, html), 'business', false],
    ['a page that says 404', answer(404, html), 'business', false],
    ['a 417 without a body', answer(417, ''), 'business', false],
    ['a redirect', answer(302, ''), 'unknown_outcome', false],
  ])('%s', (_what, given, kind, notApplied) => {
    const failure = erpnextFailure(given);
    expect([failure.error.class, failure.notApplied]).toEqual([kind, notApplied]);
  });

  it('takes the exception from the last line of a trace where an older version names it nowhere else', () => {
    const { exc, _server_messages } = v1('LinkExistsError');
    expect(erpnextFailure(answer(417, { exc, _server_messages })).error.code).toBe('LinkExistsError');
    expect(erpnextFailure(answer(417, { exception: 'frappe.exceptions.MandatoryError: x' })).error.code).toBe(
      'MandatoryError',
    );
  });

  it('tells the text for people, without its markup, and what it is about', () => {
    const linked = v1('LinkExistsError', 'Cannot cancel because <a href="/app/x">SO-1</a> is linked');
    expect(erpnextFailure(answer(417, linked)).error.message).toBe('Cannot cancel because SO-1 is linked');
    const targets = [
      '[Sales Order, SO-1]: customer, items',
      'Ref must be unique',
      'Field not permitted in query: foo',
    ].map((message) => erpnextFailure(answer(417, v1('ValidationError', message))).error.target);
    expect(targets).toEqual(['customer', 'Ref', 'foo']);
  });

  it('waits as long as the site says, in seconds, though its budget is in microseconds', () => {
    expect(erpnextFailure(answer(429, 'Too Many Requests', microseconds)).error.retryAfterMs).toBe(1_234_000);
    expect(erpnextFailure(answer(417, v1('RateLimitExceededError'))).error.retryAfterMs).toBe(60_000);
    expect(erpnextFailure(answer(500, v1('QueryDeadlockError'))).error.retryAfterMs).toBe(2000);
  });

  it.each([
    ['Error: Document has been modified after you have opened it (a, b). Please refresh', 'conflict', true],
    ['This document is currently locked and queued for execution.', 'transient', true],
    ["(1213, 'Deadlock found when trying to get lock')", 'unknown_outcome', false],
    ['Customer X not found', 'not_found', true],
    ['Ref must be unique', 'duplicate', true],
    ['User <b>x</b> does not have doctype access via role permission: not permitted', 'permission', true],
    ['[Customer, X]: customer_name', 'business', true],
    ['', 'business', true],
  ])('judges the text %j of an item that failed', (text, kind, notApplied) => {
    const failure = itemFailure(text);
    expect([failure.error.class, failure.notApplied]).toEqual([kind, notApplied]);
  });

  it('makes a verdict of any answer, capped and without a throw', () => {
    const body = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .record({ exc_type: fc.string(), _server_messages: fc.json(), exc: fc.json() })
        .map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 599 }), body, (status, bodyText) => {
        const { error } = erpnextFailure({ status, headers: {}, bodyText });
        expect(error.message.length).toBeLessThanOrEqual(300);
        expect(error.code.length).toBeLessThanOrEqual(80);
      }),
    );
  });
});
