import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { execute } from '../../shared/action/execute.ts';
import { stripe } from '../../shared/connectors/stripe/calls.ts';
import { operations } from '../../shared/connectors/stripe/operations.ts';
import { actionId } from '../../shared/model/ids.ts';
import type { PlannedCall } from '../../shared/model/operation.ts';
import { callStripe, type StripeWorld, stripeWorld } from '../kit/stripe-simulator.ts';
import { claimOf, settle } from '../kit/system-world.ts';
import { type Faults, itIsRunForEveryWrite, writesUnderFaults } from '../kit/write-faults.ts';

let world: StripeWorld;
const post = async (path: string, params: Record<string, string> = {}): Promise<string> => {
  const { status, text, body } = await callStripe(world.simulator, 'POST', path, params);
  if (status !== 200) throw new Error(text);
  return body.id;
};
const customer = () => post('/v1/customers', { email: 'a@b.example', name: 'A' });
const draft = async () => {
  const owner = await customer();
  const id = await post('/v1/invoices', { customer: owner });
  await post('/v1/invoiceitems', { customer: owner, invoice: id, amount: '1200', currency: 'eur' });
  return id;
};
const open = async () => {
  const id = await draft();
  await post(`/v1/invoices/${id}/finalize`);
  return id;
};
const product = () => post('/v1/products', { name: 'P' });
const intent = (more: Record<string, string> = {}) =>
  post('/v1/payment_intents', { amount: '1000', currency: 'eur', payment_method: 'pm_card_visa', ...more });
const held = async () => {
  const id = await intent({ capture_method: 'manual' });
  await post(`/v1/payment_intents/${id}/confirm`);
  return id;
};
const paid = async () => {
  const id = await intent();
  await post(`/v1/payment_intents/${id}/confirm`);
  return id;
};

/** Every write, planned on records that were made for it. */
const writes: Readonly<Record<string, (nowMs: number) => Promise<PlannedCall>>> = {
  'customers.create': async (at) => stripe.customers.create({ email: 'new@b.example' }, at),
  'customers.update': async () => stripe.customers.update(await customer(), { name: 'B', 'metadata.tier': 'gold' }),
  'customers.delete': async () => stripe.customers.delete(await customer()),
  'products.create': async (at) => stripe.products.create({ name: 'P' }, at),
  'products.update': async () => stripe.products.update(await product(), { active: false }),
  'prices.create': async (at) =>
    stripe.prices.create({ product: await product(), currency: 'eur', unit_amount: 900 }, at),
  'prices.update': async () => {
    const id = await post('/v1/prices', { product: await product(), currency: 'eur', unit_amount: '900' });
    return stripe.prices.update(id, { nickname: 'standard' });
  },
  'invoices.create': async (at) => stripe.invoices.create({ customer: await customer() }, at),
  'invoices.finalize': async () => stripe.invoices.finalize(await draft()),
  'invoices.void': async () => stripe.invoices.void(await open()),
  'invoices.delete': async () => stripe.invoices.delete(await draft()),
  'invoice_items.create': async (at) =>
    stripe.invoiceItems.create({ customer: await customer(), amount: 500, currency: 'eur' }, at),
  'invoice_items.delete': async () => {
    const owner = await customer();
    return stripe.invoiceItems.delete(
      await post('/v1/invoiceitems', { customer: owner, amount: '1', currency: 'eur' }),
    );
  },
  'refunds.create': async (at) => stripe.refunds.create({ payment_intent: await paid(), amount: 400 }, at),
  'payment_intents.create': async (at) => stripe.paymentIntents.create({ amount: 700, currency: 'eur' }, at),
  'payment_intents.confirm': async () => stripe.paymentIntents.confirm(await intent()),
  'payment_intents.capture': async () => stripe.paymentIntents.capture(await held()),
  'payment_intents.cancel': async () => stripe.paymentIntents.cancel(await intent()),
};

const faults: Faults = {
  'a failure in front of the endpoint': { kind: 'fail_before_commit' },
  'a connection that ends before it': { kind: 'reset' },
  'a gateway page instead of it': { kind: 'html_error' },
  'a refusal by the rate limiter': { kind: 'rate_limited' },
  'a stored 500 without an effect': { kind: 'server_error' },
  'a stored 500 after the effect': { kind: 'server_error', afterCommit: true },
  'an answer that is lost after the effect': { kind: 'commit_then_lose_response' },
  'a gateway page after the effect': { kind: 'html_error', afterCommit: true },
};

beforeEach(async () => {
  world = await stripeWorld();
});
afterEach(() => world.close());

const { meet, applied } = writesUnderFaults({
  world: () => world,
  plans: Object.fromEntries(Object.entries(writes).map(([name, plan]) => [name, () => plan(world.clock.now())])),
  isWrite: (name) => ({ method: name.endsWith('.delete') ? 'DELETE' : 'POST' }),
});

itIsRunForEveryWrite(operations.values(), Object.keys(writes));

describe.each(Object.keys(writes))('%s takes effect once, or provably not,', (name) => {
  it.each(Object.keys(faults))('after %s', async (fault) => {
    const { key } = await meet(name, faults[fault] ?? { kind: 'reset' });
    const record = await settle(world, key);
    expect([record.state, applied()]).toEqual(['SUCCEEDED', 1]);
    // A key that holds an error brings nothing else: once it is proven that nothing happened, the next one is sent.
    const spent = fault === 'a stored 500 without an effect' && record.resend.kind === 'key';
    expect([record.resendNo, record.attempts]).toEqual(spent ? [1, 2] : [0, expect.any(Number)]);
  });

  it('when it is looked into only after Stripe forgot the key', async () => {
    const { key, first } = await meet(name, { kind: 'commit_then_lose_response' });
    expect(first.outcome.kind).toBe('unknown');
    world.clock.advance(25 * 3_600_000);
    const record = await settle(world, key);
    expect([record.state, applied(), record.attempts]).toEqual(['SUCCEEDED', 1, 1]);
  });
});

it('a declined card is a refusal that is not tried again', async () => {
  const id = await intent({ payment_method: 'pm_card_chargeDeclinedInsufficientFunds' });
  const request = await claimOf(world, stripe.paymentIntents.confirm(id));
  const { outcome } = await execute(world.kernel, request);
  expect(outcome).toMatchObject({ kind: 'failed', failure: { vendorCode: 'card_declined:insufficient_funds' } });
});

it('a record that another request holds is tried again under the same key', async () => {
  const request = await claimOf(world, stripe.customers.create({ email: 'l@b.example' }, world.clock.now()));
  world.simulator.knobs.locks = 1;
  expect((await execute(world.kernel, request)).outcome.kind).toBe('queued');
  const record = await settle(world, request.identity.key);
  expect([record.state, applied(), record.resendNo]).toEqual(['SUCCEEDED', 1, 0]);
});

it('a key that Stripe knows from another request is looked into, and never believed', async () => {
  const call = stripe.customers.create({ email: 'k@b.example' }, world.clock.now());
  const request = await claimOf(world, call);
  const key = actionId(request.identity.key, 1);
  await callStripe(world.simulator, 'POST', '/v1/customers', { email: 'x@b.example' }, { 'idempotency-key': key });
  world.simulator.effects.clear();
  expect((await execute(world.kernel, request)).outcome.kind).toBe('unknown');
  const record = await settle(world, request.identity.key);
  expect([record.state, applied()]).toEqual(['FAILED', 0]);
});

it('twenty equal claims at once make one record', async () => {
  const request = await claimOf(world, stripe.customers.create({ email: 'm@b.example' }, world.clock.now()));
  await Promise.all(Array.from({ length: 20 }, () => execute(world.kernel, request)));
  const record = await settle(world, request.identity.key);
  expect([record.state, applied()]).toEqual(['SUCCEEDED', 1]);
});
