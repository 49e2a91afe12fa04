import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { failureOf } from '../../shared/connectors/failure.ts';
import { hubspotFailure, saysTokenExpired } from '../../shared/connectors/hubspot/errors.ts';
import type { HttpAnswer } from '../../shared/model/operation.ts';

const answer = (status: number, body: unknown, headers: Record<string, string> = {}): HttpAnswer => ({
  status,
  headers,
  bodyText: typeof body === 'string' ? body : JSON.stringify(body),
});

describe('the error table', () => {
  const correlationId = '0f1e2d3c-0000-4000-8000-000000000000';
  const own = (more: object) => ({ status: 'error', correlationId, message: 'm', ...more });
  const html = '<html><head><title>502 Bad Gateway</title></head></html>';

  it.each<[string, HttpAnswer, string, boolean]>([
    ['a rule of the portal', answer(400, own({ category: 'VALIDATION_ERROR' })), 'business', true],
    [
      'a property that does not exist',
      answer(
        400,
        own({
          message:
            'Property values were not valid: [{"isValid":false,"message":"Property \\"foo\\" does not exist","error":"PROPERTY_DOESNT_EXIST","name":"foo"}]',
          category: 'VALIDATION_ERROR',
          errors: [
            {
              message: 'Property "foo" does not exist',
              code: 'PROPERTY_DOESNT_EXIST',
              context: { propertyName: ['foo'] },
            },
          ],
        }),
      ),
      'schema',
      true,
    ],
    [
      'a refused refresh token',
      answer(400, { status: 'BAD_REFRESH_TOKEN', message: 'missing or invalid refresh token' }),
      'auth',
      true,
    ],
    ['an unknown token', answer(401, own({ category: 'INVALID_AUTHENTICATION' })), 'auth', true],
    ['an expired token', answer(401, own({ category: 'EXPIRED_AUTHENTICATION' })), 'auth', true],
    ['a 401 without a body', answer(401, ''), 'auth', true],
    ['a missing scope', answer(403, own({ category: 'MISSING_SCOPES' })), 'permission', true],
    ['a missing record', answer(404, own({ category: 'OBJECT_NOT_FOUND' })), 'not_found', true],
    ['a missing record without a category', answer(404, own({ message: 'resource not found' })), 'not_found', true],
    [
      'a duplicate',
      answer(409, own({ message: 'Contact already exists. Existing ID: 123', category: 'CONFLICT' })),
      'duplicate',
      true,
    ],
    ['a locked record', answer(423, own({})), 'transient', true],
    [
      'the daily limit',
      answer(429, own({ message: 'You have reached your daily limit.', errorType: 'RATE_LIMIT', policyName: 'DAILY' })),
      'rate',
      true,
    ],
    [
      'the secondly limit by message',
      answer(429, own({ message: 'You have reached your secondly limit.', errorType: 'RATE_LIMIT' })),
      'rate',
      true,
    ],
    ['a 429 of the edge', answer(429, html), 'rate', true],
    ['a migration', answer(477, own({})), 'transient', true],
    ['a category that comes with a wrong status', answer(500, own({ category: 'MISSING_SCOPES' })), 'permission', true],
    ['an internal error', answer(500, own({ category: 'INTERNAL_ERROR' })), 'unknown_outcome', false],
    ['a gateway page', answer(502, html), 'unknown_outcome', false],
    ['a gateway timeout', answer(504, html), 'unknown_outcome', false],
    ['a redirect', answer(302, ''), 'unknown_outcome', false],
    ['a success that cannot be read', answer(200, html), 'unknown_outcome', false],
    ['a refusal by something in between', answer(403, html), 'business', false],
    ['a page with 404', answer(404, html), 'business', false],
  ])('takes %s for what it is', (_name, given, kind, notApplied) => {
    const failure = hubspotFailure(given);
    expect([failure.error.class, failure.notApplied]).toEqual([kind, notApplied]);
  });

  it('names the record, the field, the wait and the request', () => {
    const duplicate = own({ message: 'Contact already exists. Existing ID: 123', category: 'CONFLICT' });
    expect(hubspotFailure(answer(409, duplicate)).error).toMatchObject({
      code: 'CONFLICT',
      target: '123',
      vendorRequestId: correlationId,
    });
    expect(hubspotFailure(answer(429, own({ policyName: 'TEN_SECONDLY_ROLLING' }))).error.retryAfterMs).toBe(10_000);
    expect(hubspotFailure(answer(477, own({}), { 'retry-after': '7' })).error.retryAfterMs).toBe(7000);
  });

  it('caps what the vendor says', () => {
    expect(hubspotFailure(answer(400, own({ message: 'x'.repeat(5000) }))).error.message).toHaveLength(300);
  });

  it('never takes an answer of any other shape for proof', () => {
    const status = fc.constantFrom(100, 200, 204, 301, 400, 402, 403, 404, 405, 408, 409, 418, 500, 502, 503, 599);
    fc.assert(
      fc.property(status, fc.jsonValue(), (code, body) => {
        const text = JSON.stringify(body);
        if (/message|category|status|policyName/.test(text)) return;
        expect(hubspotFailure(answer(code, text)).notApplied).toBe(false);
      }),
    );
  });

  it('lets only an expired token be refreshed', () => {
    expect(saysTokenExpired(answer(401, own({ category: 'EXPIRED_AUTHENTICATION' })))).toBe(true);
    expect(saysTokenExpired(answer(401, own({ category: 'INVALID_AUTHENTICATION' })))).toBe(false);
    expect(saysTokenExpired(answer(403, own({ category: 'EXPIRED_AUTHENTICATION' })))).toBe(false);
  });

  it.each([
    ['transient', 'connect_failed', 'system_unavailable', true],
    ['transient', 'circuit_open', 'system_unavailable', true],
    ['rate', 'DAILY', 'system_rate_limited', true],
    ['schema', 'property_missing', 'system_schema_changed', false],
    ['permission', 'account_mismatch', 'account_mismatch', false],
    ['unknown_outcome', 'deadline', 'outcome_unknown', false],
  ] as const)('says %s %s in our words as %s', (kind, code, expected, retryable) => {
    expect(failureOf({ class: kind, code, message: 'm' }, 'hubspot')).toMatchObject({
      code: expected,
      retryable,
      vendorText: 'm',
    });
  });
});
