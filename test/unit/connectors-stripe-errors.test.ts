import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { saysTokenExpired, stripeFailure } from '../../shared/connectors/stripe/errors.ts';
import { operationById } from '../../shared/connectors/stripe/operations.ts';
import type { HttpAnswer } from '../../shared/model/operation.ts';

const answer = (status: number, body: unknown, headers: Record<string, string> = {}): HttpAnswer => ({
  status,
  headers: { 'request-id': 'req_1', ...headers },
  bodyText: typeof body === 'string' ? body : JSON.stringify(body),
});
const own = (type: string, more: object = {}) => ({
  error: { type, message: 'm', request_log_url: 'https://x', ...more },
});
const request = (more: object = {}) => own('invalid_request_error', more);
const html = '<html><head><title>502 Bad Gateway</title></head></html>';

describe('the error table', () => {
  it.each<[string, HttpAnswer, string, boolean]>([
    ['a missing parameter', answer(400, request({ code: 'parameter_missing', param: 'amount' })), 'business', true],
    ['an unknown parameter', answer(400, request({ code: 'parameter_unknown', param: 'foo' })), 'schema', true],
    [
      'a record a parameter names and that is not there',
      answer(400, request({ code: 'resource_missing' })),
      'not_found',
      true,
    ],
    ['a record that is not there', answer(404, request({ code: 'resource_missing', param: 'id' })), 'not_found', true],
    [
      'a path Stripe does not know',
      answer(404, request({ message: 'Unrecognized request URL (POST: /v1/x). Please see https://stripe.com/docs' })),
      'schema',
      true,
    ],
    ['a second refund', answer(400, request({ code: 'charge_already_refunded' })), 'duplicate', true],
    ['a payment in another state', answer(400, request({ code: 'payment_intent_unexpected_state' })), 'business', true],
    ['an id that is taken', answer(400, request({ code: 'resource_already_exists' })), 'duplicate', true],
    ['our key with other parameters', answer(400, own('idempotency_error')), 'unknown_outcome', false],
    [
      'a request under our key that is under way',
      answer(409, own('idempotency_error', { code: 'idempotency_key_in_use' }), { 'stripe-should-retry': 'true' }),
      'unknown_outcome',
      false,
    ],
    ['an unknown key', answer(401, request({ message: 'Invalid API Key provided: sk_test_*abcd' })), 'auth', true],
    ['a key that has ended', answer(401, request({ code: 'api_key_expired' })), 'auth', true],
    ['a 401 without a body', answer(401, ''), 'auth', true],
    [
      'a declined card',
      answer(402, own('card_error', { code: 'card_declined', decline_code: 'lost_card' })),
      'business',
      true,
    ],
    [
      'a restricted key without the right',
      answer(
        403,
        request({ message: "Having the 'rak_customer_write' permission would allow this request to continue." }),
      ),
      'permission',
      true,
    ],
    ['a rate limit', answer(429, request({ code: 'rate_limit' }), { 'stripe-should-retry': 'false' }), 'rate', true],
    [
      'a locked record',
      answer(429, request({ code: 'lock_timeout' }), { 'stripe-should-retry': 'true' }),
      'transient',
      true,
    ],
    ['a 429 of the edge', answer(429, html), 'rate', true],
    ['a 400 that asks to be repeated', answer(400, request(), { 'stripe-should-retry': 'true' }), 'transient', true],
    [
      'a 500 that may be repeated',
      answer(500, own('api_error'), { 'stripe-should-retry': 'true' }),
      'unknown_outcome',
      false,
    ],
    ['a stored 500', answer(500, own('api_error'), { 'stripe-should-retry': 'false' }), 'unknown_outcome', false],
    ['a 503 with a known code', answer(503, own('api_error', { code: 'rate_limit' })), 'unknown_outcome', false],
    ['a failed dependency', answer(424, own('api_error')), 'business', false],
    ['a gateway page', answer(502, html), 'unknown_outcome', false],
    ['a redirect', answer(302, ''), 'unknown_outcome', false],
    ['a success that cannot be read', answer(200, html), 'unknown_outcome', false],
    ['a refusal by something in between', answer(403, html), 'business', false],
  ])('takes %s for what it is', (_name, given, kind, notApplied) => {
    const failure = stripeFailure(given);
    expect([failure.error.class, failure.notApplied]).toEqual([kind, notApplied]);
  });

  it.each([
    ['a 500 that says so', answer(500, own('api_error'), { 'stripe-should-retry': 'false' }), true],
    ['a 500 that may be repeated', answer(500, own('api_error'), { 'stripe-should-retry': 'true' }), false],
    ['an answer out of the store', answer(400, request(), { 'idempotent-replayed': 'true' }), true],
    ['a declined card', answer(402, own('card_error', { code: 'card_declined' })), true],
    ['a refusal before the endpoint began', answer(400, request({ code: 'parameter_missing' })), false],
    ['a rate limit', answer(429, request({ code: 'rate_limit' })), false],
  ])('knows of %s whether the key holds it', (_name, given, stored) => {
    expect(stripeFailure(given).stored).toBe(stored);
  });

  it.each([
    ['global-rate', 1000],
    ['endpoint-concurrency', 2000],
    ['resource-specific', 300_000],
  ])('names the limiter %s and waits as long as it needs', (limiter, waitMs) => {
    const { error } = stripeFailure(
      answer(429, request({ code: 'rate_limit' }), { 'stripe-rate-limited-reason': limiter }),
    );
    expect([error.code, error.retryAfterMs]).toEqual([`rate_limit:${limiter}`, waitMs]);
  });

  it('names the field, the reason of the decline and the request', () => {
    expect(stripeFailure(answer(400, request({ code: 'parameter_missing', param: 'amount' }))).error).toMatchObject({
      code: 'parameter_missing',
      target: 'amount',
      vendorRequestId: 'req_1',
    });
    const declined = own('card_error', { code: 'card_declined', decline_code: 'insufficient_funds', charge: 'ch_1' });
    expect(stripeFailure(answer(402, declined)).error).toMatchObject({
      code: 'card_declined:insufficient_funds',
      target: 'ch_1',
    });
  });

  it('caps what the vendor says and lets no key through', () => {
    // Put together here, so that no text of this shape stands in a file.
    const key = ['sk', 'live', 'abcdefghijklmnop'].join('_');
    const { message } = stripeFailure(answer(401, request({ message: `Key ${key}. ${'x'.repeat(5000)}` }))).error;
    expect([message.length, message.includes('abcdefgh')]).toEqual([300, false]);
  });

  it('never takes an answer of any other shape for proof', () => {
    const status = fc.constantFrom(100, 200, 204, 301, 400, 402, 403, 404, 405, 408, 409, 418, 500, 502, 503, 599);
    fc.assert(
      fc.property(status, fc.jsonValue(), (code, body) => {
        const text = JSON.stringify(body);
        if (/"error"/.test(text)) return;
        expect(stripeFailure(answer(code, text)).notApplied).toBe(false);
      }),
    );
  });

  it('lets only a key that has ended be asked for again', () => {
    expect(saysTokenExpired(answer(401, request({ code: 'api_key_expired' })))).toBe(true);
    expect(saysTokenExpired(answer(401, request()))).toBe(false);
  });
});

describe('a refused write', () => {
  it('says that the key holds the refusal, so that a later attempt needs another key', () => {
    const confirm = operationById('stripe.payment_intents.confirm');
    const declined = answer(402, own('card_error', { code: 'card_declined' }));
    expect(confirm?.kind === 'write' && confirm.judge(declined, { id: 'pi_1', properties: {} })).toMatchObject({
      kind: 'not_applied',
      stored: true,
    });
  });

  it('is never refused by an answer about another record', () => {
    const update = operationById('stripe.customers.update');
    const other = answer(200, { id: 'cus_2', object: 'customer', metadata: {} });
    expect(update?.kind === 'write' && update.judge(other, { id: 'cus_1', properties: {} })).toMatchObject({
      kind: 'unknown',
    });
  });
});
