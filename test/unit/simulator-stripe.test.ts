import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type StripeOptions, type StripeSimulator, startStripe } from '../../infra/local/systems/stripe/start.ts';
import { turn } from '../kit/answers.ts';
import { manualClock, startTestHubSpot } from '../kit/simulator.ts';
import { callStripe, startTestStripe } from '../kit/stripe-simulator.ts';

let stripe: StripeSimulator;
const start = async (options: Partial<StripeOptions> = {}) => {
  stripe = await startTestStripe(options);
};
const create = (key?: string, params: Record<string, string> = { email: 'a@b.example' }) =>
  callStripe(stripe, 'POST', '/v1/customers', params, key === undefined ? {} : { 'idempotency-key': key });
const applied = () => stripe.effects.effects().length;
afterEach(() => stripe.close());

describe('keys of the simulated Stripe account', () => {
  it('answer a repeat with the first answer, and say so', async () => {
    await start();
    const [first, second] = [await create('k'), await create('k')];
    expect([second.text, applied()]).toEqual([first.text, 1]);
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect(second.headers.get('original-request')).toBe(first.headers.get('request-id'));
  });

  it('belong to one request: other parameters are refused', async () => {
    await start();
    await create('k');
    const { status, body } = await create('k', { email: 'other@b.example' });
    expect([status, body.error.type, applied()]).toEqual([400, 'idempotency_error', 1]);
  });

  it('are forgotten after a day', async () => {
    const clock = manualClock();
    await start({ clock });
    await create('k');
    clock.advance(24 * 3_600_000 - 1);
    await create('k');
    const within = applied();
    clock.advance(1);
    await create('k');
    expect([within, applied()]).toEqual([1, 2]);
  });

  it('hold a 500 whose endpoint had begun, and say that a repeat is of no use', async () => {
    await start();
    stripe.addFault({ kind: 'server_error' });
    const [first, second] = [await create('k'), await create('k')];
    expect([first.status, second.status, second.headers.get('idempotent-replayed'), applied()]).toEqual([
      500,
      500,
      'true',
      0,
    ]);
    expect(first.headers.get('stripe-should-retry')).toBe('false');
  });

  it.each([
    ['a failure in front of the endpoint', { kind: 'fail_before_commit' }, 500],
    ['a rate limit', { kind: 'rate_limited' }, 429],
  ] as const)('do not hold %s', async (_name, fault, status) => {
    await start();
    stripe.addFault(fault);
    expect([(await create('k')).status, (await create('k')).status, applied()]).toEqual([status, 200, 1]);
  });

  it('do not hold a refusal of the parameters', async () => {
    await start();
    expect((await create('k', { foo: '1' })).body.error.code).toBe('parameter_unknown');
    expect((await create('k')).status).toBe(200);
  });

  it('hold the answer that was lost', async () => {
    await start();
    stripe.addFault({ kind: 'commit_then_lose_response' });
    await expect(create('k')).rejects.toThrow();
    expect([(await create('k')).headers.get('idempotent-replayed'), applied()]).toEqual(['true', 1]);
  });

  it('refuse a second request while the first is under way', async () => {
    const clock = manualClock();
    await start({ clock });
    stripe.addFault({ kind: 'slow', ms: 3000 });
    const first = create('k');
    while (stripe.effects.requests().length === 0) await new Promise(setImmediate);
    const second = await create('k');
    clock.advance(3000);
    expect([second.status, second.body.error.code, (await first).status, applied()]).toEqual([
      409,
      'idempotency_key_in_use',
      200,
      1,
    ]);
  });

  it('hold a declined card, and the charge that was tried', async () => {
    await start();
    const card = { amount: '100', currency: 'eur', payment_method: 'pm_card_chargeDeclined' };
    const { body } = await callStripe(stripe, 'POST', '/v1/payment_intents', card);
    const confirm = () =>
      callStripe(stripe, 'POST', `/v1/payment_intents/${body.id}/confirm`, {}, { 'idempotency-key': 'c' });
    const [first, second] = [await confirm(), await confirm()];
    const charges = await callStripe(stripe, 'GET', '/v1/charges');
    expect([first.status, first.body.error.decline_code, second.text, charges.body.data.length]).toEqual([
      402,
      'generic_decline',
      first.text,
      1,
    ]);
  });
});

describe('lists of the simulated Stripe account', () => {
  const made = async (count: number) => {
    const ids: string[] = [];
    for (let n = 0; n < count; n += 1) ids.push((await create(undefined, { name: `n${n}` })).body.id);
    return ids;
  };
  const list = async (params: Record<string, string>, path = '/v1/customers') => {
    const { body } = await callStripe(stripe, 'GET', path, params);
    return { ids: body.data.map((row: { id: string }) => row.id) as string[], more: body.has_more as boolean };
  };

  it('are newest first and say whether there is more', async () => {
    await start();
    const ids = await made(5);
    expect(await list({ limit: '2' })).toEqual({ ids: [ids[4], ids[3]], more: true });
    expect(await list({ limit: '5' })).toEqual({ ids: [...ids].reverse(), more: false });
  });

  it('go on after a record, and back before one', async () => {
    await start();
    const ids = await made(5);
    expect(await list({ limit: '2', starting_after: String(ids[3]) })).toEqual({ ids: [ids[2], ids[1]], more: true });
    expect(await list({ limit: '2', ending_before: String(ids[1]) })).toEqual({ ids: [ids[3], ids[2]], more: true });
  });

  it('take a time in brackets, plain or encoded', async () => {
    const clock = manualClock();
    await start({ clock });
    const [old] = await made(1);
    clock.advance(10_000);
    const [young] = await made(1);
    const atS = Math.floor(clock.now() / 1000);
    expect((await list({ 'created[gte]': String(atS) })).ids).toEqual([young]);
    const { body } = await callStripe(stripe, 'GET', `/v1/customers?created[lt]=${atS}`);
    expect(body.data.map((row: { id: string }) => row.id)).toEqual([old]);
  });

  it('feed the events newest first, by type', async () => {
    await start();
    const [id] = await made(2);
    await callStripe(stripe, 'POST', `/v1/customers/${id}`, { phone: '1' });
    const { body } = await callStripe(stripe, 'GET', '/v1/events');
    expect(body.data.map((row: { type: string }) => row.type)).toEqual([
      'customer.updated',
      'customer.created',
      'customer.created',
    ]);
    expect((await list({ 'types[0]': 'customer.updated' }, '/v1/events')).ids).toHaveLength(1);
  });

  it.each([
    [{ limit: '101' }, 'parameter_invalid_integer'],
    [{ starting_after: 'cus_nope' }, 'resource_missing'],
    [{ page: '2' }, 'parameter_unknown'],
  ])('refuse %o', async (params, code) => {
    await start();
    const { status, body } = await callStripe(stripe, 'GET', '/v1/customers', params);
    expect([status, body.error.code]).toEqual([400, code]);
  });

  it('show at once what search shows only later', async () => {
    const clock = manualClock();
    await start({ clock, searchLagMs: 60_000 });
    await create();
    const found = async () => (await list({ query: "email:'A@b.example'" }, '/v1/customers/search')).ids.length;
    const before = await found();
    clock.advance(60_000);
    expect([before, (await list({ email: 'a@b.example' })).ids.length, await found()]).toEqual([0, 1, 1]);
  });
});

describe('rules of the simulated Stripe account', () => {
  it('refunds a payment once', async () => {
    await start();
    const card = { amount: '100', currency: 'eur', payment_method: 'pm_card_visa', confirm: 'true' };
    const { body } = await callStripe(stripe, 'POST', '/v1/payment_intents', card);
    const refund = () => callStripe(stripe, 'POST', '/v1/refunds', { payment_intent: body.id });
    const [first, second] = [await refund(), await refund()];
    expect([first.body.amount, second.status, second.body.error.code]).toEqual([100, 400, 'charge_already_refunded']);
  });

  it('deletes drafts and voids what is final', async () => {
    await start();
    const owner = (await create()).body.id as string;
    const { body } = await callStripe(stripe, 'POST', '/v1/invoices', { customer: owner });
    const item = { customer: owner, invoice: body.id, amount: '5', currency: 'eur' };
    await callStripe(stripe, 'POST', '/v1/invoiceitems', item);
    await callStripe(stripe, 'POST', `/v1/invoices/${body.id}/finalize`);
    const deleted = await callStripe(stripe, 'DELETE', `/v1/invoices/${body.id}`);
    const voided = await callStripe(stripe, 'POST', `/v1/invoices/${body.id}/void`);
    expect([deleted.status, voided.body.status, voided.body.total]).toEqual([400, 'void', 5]);
  });

  it('takes forms only', async () => {
    await start();
    const headers = { authorization: 'Bearer local-static-token', 'content-type': 'application/json' };
    const answer = await fetch(`${stripe.url}/v1/customers`, { method: 'POST', headers, body: '{"name":"A"}' });
    expect([answer.status, applied()]).toEqual([400, 0]);
  });

  it('knows its keys, and what a restricted one may', async () => {
    await start({ keys: { whole: null, limited: ['rak_customer_write'] } });
    const as = (key: string, method: string, path: string) =>
      callStripe(stripe, method, path, {}, { authorization: `Bearer ${key}` });
    const statuses = await Promise.all([
      as('nobody', 'GET', '/v1/customers'),
      as('limited', 'GET', '/v1/customers'),
      as('limited', 'GET', '/v1/invoices'),
      as('whole', 'GET', '/v1/account'),
    ]);
    expect(statuses.map(({ status }) => status)).toEqual([401, 200, 403, 200]);
    expect(statuses[2]?.body.error.message).toContain("'rak_invoice_read'");
  });

  it('limits the requests of a second', async () => {
    const clock = manualClock();
    await start({ clock, perSecond: 1 });
    const statuses = [await create(), await create()].map(({ status }) => status);
    clock.advance(1000);
    expect([...statuses, (await create()).status]).toEqual([200, 429, 200]);
  });

  it('leaves out a field on request, as another API version would', async () => {
    await start();
    const { body } = await create();
    await turn(stripe, '/_admin/hide-field', { kind: 'customer', field: 'email' });
    const read = await callStripe(stripe, 'GET', `/v1/customers/${body.id}`);
    expect([Object.hasOwn(read.body, 'email'), read.body.id]).toEqual([false, body.id]);
  });
});

describe('the seeded Stripe account', () => {
  it('holds people of the seeded CRM, some under the same address and some under another spelling', async () => {
    const clock = manualClock();
    await start({ clock, seeded: true, seed: 42 });
    const hubspot = await startTestHubSpot({ clock, seeded: true, seed: 42 });
    const known = new Set(
      [...hubspot.portal.objects.contacts.values()].flatMap(({ properties }) => properties.email ?? []),
    );
    await hubspot.close();
    const emails = [...stripe.account.entries.customer.values()].flatMap(
      ({ body }) => (body.email as string | null) ?? [],
    );
    const same = emails.filter((email) => known.has(email)).length;
    const other = emails.filter((email) => !known.has(email) && known.has(email.toLowerCase())).length;
    expect([same > 50, other > 10, new Set(emails).size < emails.length]).toEqual([true, true, true]);
  });

  it('is the same for the same seed', async () => {
    const clock = manualClock();
    await start({ clock, seeded: true, seed: 7 });
    const again = await startTestStripe({ clock, seeded: true, seed: 7 });
    const names = (one: StripeSimulator) => [...one.account.entries.customer.values()].map(({ body }) => body.name);
    expect(names(again)).toEqual(names(stripe));
    await again.close();
  });

  it('keeps records, effects and keys over a restart', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'plumbline-stripe-'));
    const options = { port: 0, seed: 1, clock: manualClock(), stateDir, seeded: false };
    stripe = await startStripe(options);
    const first = await create('k');
    await stripe.close();
    stripe = await startStripe(options);
    const second = await create('k');
    expect([second.body.id, second.headers.get('idempotent-replayed'), applied()]).toEqual([first.body.id, 'true', 1]);
    rmSync(stateDir, { recursive: true, force: true });
  });
});
