import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { itemFailure, salesforceFailure, saysTokenExpired } from '../../shared/connectors/salesforce/errors.ts';
import type { HttpAnswer } from '../../shared/model/operation.ts';

const answer = (status: number, body: unknown, headers: Record<string, string> = {}): HttpAnswer => ({
  status,
  headers,
  bodyText: typeof body === 'string' ? body : JSON.stringify(body),
});
const row = (errorCode: string, message = 'm', more: object = {}) => [{ message, errorCode, ...more }];
const html = '<html><head><title>Down for maintenance</title></head></html>';
const expired = row('INVALID_SESSION_ID', 'Session expired or invalid');

const duplicates = [
  {
    errorCode: 'DUPLICATES_DETECTED',
    message: 'Use one of these records?',
    duplicateResult: {
      allowSave: false,
      duplicateRule: 'Standard_Contact_Duplicate_Rule',
      duplicateRuleEntityType: 'Contact',
      errorMessage: 'Use one of these records?',
      matchResults: [
        {
          entityType: 'Contact',
          matchEngine: 'FuzzyMatchEngine',
          matchRecords: [
            { additionalInformation: [], fieldDiffs: [], matchConfidence: 100, record: { Id: '003000000000001AAA' } },
          ],
          rule: 'Standard_Contact_Match_Rule',
          size: 1,
          success: true,
        },
      ],
    },
  },
];

describe('the error table of Salesforce', () => {
  it.each<[string, HttpAnswer, string, boolean]>([
    ['an ended session', answer(401, expired), 'auth', true],
    ['a 401 without a body', answer(401, ''), 'auth', true],
    [
      'a refused refresh token',
      answer(400, { error: 'invalid_grant', error_description: 'expired access/refresh token' }),
      'auth',
      true,
    ],
    ['an inactive user', answer(400, { error: 'inactive_user', error_description: 'user is inactive' }), 'auth', true],
    ['the daily limit', answer(403, row('REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.')), 'rate', true],
    [
      'too many requests at once',
      answer(403, row('REQUEST_LIMIT_EXCEEDED', 'ConcurrentRequests (Concurrent API Requests) Limit exceeded.')),
      'rate',
      true,
    ],
    ['a candidate of a duplicate rule', answer(400, duplicates), 'duplicate', true],
    [
      'a value that must be unique',
      answer(
        400,
        row('DUPLICATE_VALUE', 'duplicate value found: Ext__c duplicates value on record with id: 003000000000001', {
          fields: [],
        }),
      ),
      'duplicate',
      true,
    ],
    [
      'an external id of several records',
      answer(300, ['/services/data/v62.0/sobjects/Contact/003000000000001AAA']),
      'duplicate',
      true,
    ],
    ['a 300 of something in between', answer(300, html), 'unknown_outcome', false],
    [
      'a locked row',
      answer(400, row('UNABLE_TO_LOCK_ROW', 'unable to obtain exclusive access to this record')),
      'transient',
      true,
    ],
    ['a deleted record', answer(404, row('ENTITY_IS_DELETED', 'entity is deleted')), 'not_found', true],
    ['a missing record', answer(404, row('NOT_FOUND', 'The requested resource does not exist')), 'not_found', true],
    [
      'an external id field that is none',
      answer(404, row('NOT_FOUND', 'Provided external ID field does not exist or is not accessible: Nope__c')),
      'schema',
      true,
    ],
    ['a malformed query', answer(400, row('MALFORMED_QUERY', "unexpected token: 'FORM'")), 'business', true],
    ['a malformed id', answer(400, row('MALFORMED_ID', 'bad id 001', { fields: ['AccountId'] })), 'business', true],
    [
      'a field that does not exist',
      answer(400, row('INVALID_FIELD', "No such column 'Nope__c' on sobject of type Contact")),
      'schema',
      true,
    ],
    [
      'an object that does not exist',
      answer(404, row('INVALID_TYPE', "sObject type 'X' is not supported.")),
      'schema',
      true,
    ],
    [
      'a required field',
      answer(400, row('REQUIRED_FIELD_MISSING', 'Required fields are missing: [LastName]', { fields: ['LastName'] })),
      'business',
      true,
    ],
    [
      'a validation rule',
      answer(400, row('FIELD_CUSTOM_VALIDATION_EXCEPTION', 'Close date is in the past', { fields: ['CloseDate'] })),
      'business',
      true,
    ],
    [
      'a value outside the picklist',
      answer(400, row('INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST', 'bad value for restricted picklist field: x')),
      'business',
      true,
    ],
    [
      'a right that is missing',
      answer(403, row('INSUFFICIENT_ACCESS_OR_READONLY', 'insufficient access rights')),
      'permission',
      true,
    ],
    [
      'a right on another record',
      answer(400, row('INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY')),
      'permission',
      true,
    ],
    [
      'a read-only field',
      answer(400, row('INVALID_FIELD_FOR_INSERT_UPDATE', 'Unable to create/update fields: X')),
      'permission',
      true,
    ],
    ['a code that is not known here', answer(400, row('SOMETHING_NEW')), 'business', true],
    ['a newer version of the record', answer(412, ''), 'conflict', true],
    ['a server that is unavailable', answer(503, row('SERVER_UNAVAILABLE')), 'unknown_outcome', false],
    ['a request that ran for too long', answer(400, row('REQUEST_RUNNING_TOO_LONG')), 'unknown_outcome', false],
    ['a slow query', answer(400, row('QUERY_TIMEOUT')), 'unknown_outcome', false],
    [
      'an unexpected exception',
      answer(500, row('UNKNOWN_EXCEPTION', 'An unexpected error occurred.')),
      'unknown_outcome',
      false,
    ],
    ['a maintenance page', answer(503, html), 'unknown_outcome', false],
    ['a page with 404', answer(404, html), 'business', false],
    ['a redirect', answer(302, ''), 'unknown_outcome', false],
    ['a success that cannot be read', answer(200, html), 'unknown_outcome', false],
  ])('takes %s for what it is', (_name, given, kind, notApplied) => {
    const failure = salesforceFailure(given);
    expect([failure.error.class, failure.notApplied]).toEqual([kind, notApplied]);
  });

  it('names the record or the field, and how long to wait', () => {
    expect(salesforceFailure(answer(400, duplicates)).error.target).toBe('003000000000001AAA');
    const taken = row(
      'DUPLICATE_VALUE',
      'duplicate value found: A__c duplicates value on record with id: 003000000000001',
    );
    expect(salesforceFailure(answer(400, taken)).error.target).toBe('003000000000001');
    expect(
      salesforceFailure(answer(400, row('REQUIRED_FIELD_MISSING', 'm', { fields: ['LastName'] }))).error.target,
    ).toBe('LastName');
    const limit = (text: string) =>
      salesforceFailure(answer(403, row('REQUEST_LIMIT_EXCEEDED', text))).error.retryAfterMs;
    expect([limit('TotalRequests Limit exceeded.'), limit('ConcurrentRequests Limit exceeded.')]).toEqual([
      900_000, 10_000,
    ]);
    expect(salesforceFailure(answer(503, '', { 'retry-after': '7' })).error.retryAfterMs).toBe(7000);
  });

  it('is not proven by one of several errors alone', () => {
    const both = [...row('STRING_TOO_LONG'), ...row('UNKNOWN_EXCEPTION')];
    expect(salesforceFailure(answer(400, both))).toMatchObject({ notApplied: false });
  });

  it('caps what the vendor says', () => {
    expect(salesforceFailure(answer(400, row('STRING_TOO_LONG', 'x'.repeat(5000)))).error.message).toHaveLength(300);
  });

  it.each([
    ['FIELD_INTEGRITY_EXCEPTION', 'business', true],
    ['ALL_OR_NONE_OPERATION_ROLLED_BACK', 'transient', true],
    ['PROCESSING_HALTED', 'transient', true],
    ['SOMETHING_NEW', 'business', true],
    ['UNKNOWN_EXCEPTION', 'unknown_outcome', false],
  ])('takes %s of one item for %s', (statusCode, kind, notApplied) => {
    const failure = itemFailure([{ statusCode, message: 'm', fields: [] }]);
    expect([failure.error.class, failure.notApplied]).toEqual([kind, notApplied]);
  });

  it('proves nothing of an item that failed without a reason', () => {
    expect([itemFailure([]).notApplied, itemFailure(undefined).notApplied]).toEqual([false, false]);
  });

  it('never takes an answer of any other shape for proof', () => {
    const status = fc.constantFrom(100, 200, 204, 300, 301, 400, 402, 403, 404, 405, 408, 409, 418, 500, 502, 503, 599);
    fc.assert(
      fc.property(status, fc.jsonValue(), (code, body) => {
        const text = JSON.stringify(body);
        if (/errorCode|statusCode|error_description/.test(text) || (code === 300 && Array.isArray(body))) return;
        expect(salesforceFailure(answer(code, text)).notApplied).toBe(false);
      }),
    );
  });

  it('lets an ended session be refreshed, and none of which no newer token would help', () => {
    expect(saysTokenExpired(answer(401, expired))).toBe(true);
    const others = [
      row('INVALID_SESSION_ID', 'This session is not valid for use with the REST API'),
      row('INVALID_SESSION_ID', 'Connected app is not attached to Agent'),
      row('INVALID_AUTH_HEADER'),
    ];
    expect(others.map((body) => saysTokenExpired(answer(401, body)))).toEqual([false, false, false]);
    expect(saysTokenExpired(answer(403, expired))).toBe(false);
  });
});
