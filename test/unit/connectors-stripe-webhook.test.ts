import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listenLoopback, type SimListener, type SimRequest } from '../../infra/local/systems/loopback-server.ts';
import type { StripeSimulator } from '../../infra/local/systems/stripe/start.ts';
import { webhookAdapter } from '../../shared/connectors/stripe/webhook.ts';
import type { Json } from '../../shared/model/json.ts';
import type { DeliveryFacts } from '../../shared/webhooks/adapter.ts';
import { readableMessages } from '../../shared/webhooks/messages.ts';
import { providers } from '../../shared/webhooks/providers.ts';
import { verify } from '../../shared/webhooks/verify.ts';
import { turn } from '../kit/answers.ts';
import { callStripe, startTestStripe } from '../kit/stripe-simulator.ts';

const facts: DeliveryFacts = {
  system: 'stripe',
  channel: 'events',
  scheme: 'stripe',
  bodyHash: 'h',
  signedId: null,
  receivedAtMs: 1_800_000_000_000,
};
const declared: DeliveryFacts = { ...facts, params: { same: 'invoice.paid = invoice.payment_succeeded; a.b = c.d' } };
const event = (more: object = {}): Json => ({
  id: 'evt_1',
  object: 'event',
  api_version: '2026-10-28.endive',
  created: 1_800_000_000,
  data: { object: { id: 'in_1', object: 'invoice', status: 'paid' } },
  livemode: false,
  pending_webhooks: 2,
  request: { id: null, idempotency_key: null },
  type: 'invoice.paid',
  ...more,
});
const thin: Json = {
  id: 'evt_thin_1',
  object: 'v2.core.event',
  created: '2027-01-15T08:00:00.000Z',
  livemode: false,
  related_object: { id: 'in_1', type: 'invoice', url: '/v1/invoices/in_1' },
  type: 'v1.invoice.paid',
};

describe('notifications', () => {
  it('are one event a delivery, whole or thin, and anything else is none', () => {
    expect([webhookAdapter.split(event()), webhookAdapter.split(thin)]).toEqual([[event()], [thin]]);
    for (const other of [
      [event()],
      null,
      'x',
      { object: 'invoice', id: 'in_1' },
      event({ id: 'in_1' }),
      event({ id: 7 }),
    ]) {
      expect(webhookAdapter.split(other as Json)).toBeNull();
    }
  });

  it('are identified by their id, and by the account where they name one', () => {
    expect(webhookAdapter.identity(event(), facts)).toBe('own-evt_1');
    expect(webhookAdapter.identity(event({ account: 'acct_9' }), facts)).toBe('acct_9-evt_1');
    expect(webhookAdapter.identity(event({ type: '../x' }), facts)).toBeNull();
  });

  it('keep their content over attempts', () => {
    expect(webhookAdapter.stable(event({ pending_webhooks: 1 }))).toEqual(webhookAdapter.stable(event()));
    expect(webhookAdapter.stable(event({ type: 'invoice.voided' }))).not.toEqual(webhookAdapter.stable(event()));
  });

  it('are read again live by the record they are about', () => {
    const reads = [event(), thin].map((item) => webhookAdapter.reRead(item, 'stripe-eu'));
    const read = { operation: 'stripe.invoices.get', system: 'stripe-eu', input: { id: 'in_1' } };
    expect(reads).toEqual([read, read]);
    expect(webhookAdapter.record?.(thin, 'stripe-eu')).toEqual(['stripe-eu', 'invoice', 'in_1']);
  });

  it('about an object that is not known here, or about no plain id, are read by nobody', () => {
    const about = (object: object) => webhookAdapter.reRead(event({ data: { object } }), 'stripe');
    expect([
      about({ id: 'sub_1', object: 'subscription' }),
      about({ id: '../x', object: 'invoice' }),
      about({}),
    ]).toEqual([null, null, null]);
  });

  it('say when they happened, in seconds or as a date', () => {
    expect([webhookAdapter.occurredAtMs(event()), webhookAdapter.occurredAtMs(thin)]).toEqual([
      1_800_000_000_000, 1_800_000_000_000,
    ]);
    expect(webhookAdapter.occurredAtMs(event({ created: 'soon' }))).toBeNull();
  });
});

describe('two event types that a channel declares to tell one change', () => {
  const succeeded = event({ id: 'evt_2', type: 'invoice.payment_succeeded', created: 1_800_000_001 });

  it('have one identity, one content and one name for one record', () => {
    const of = (item: Json) => [
      webhookAdapter.identity(item, declared),
      webhookAdapter.stable(item, declared),
      webhookAdapter.type(item, declared),
    ];
    expect(of(succeeded)).toEqual(of(event()));
    expect(webhookAdapter.type(succeeded, declared)).toBe('invoice.paid');
  });

  it('reach the inbox as one event, whichever comes first', async () => {
    const provider = providers.get('stripe');
    if (!provider) throw new Error('no such provider');
    const source = { system: 'stripe', channel: 'events', scheme: 'stripe', secret: 's', owner: 'billing' };
    const settings = { toleranceSeconds: 300, maxBodyBytes: 1_000_000, params: declared.params ?? {} };
    const channel = { ...source, ...settings, provider, adapter: webhookAdapter };
    const puts = { put: async () => 'hash' };
    const of = async (body: Json, bodyHash: string) => {
      const delivery = { channel, bodyHash, receivedAtMs: 0, verdict: { secretIndex: 0 }, unsignedType: null };
      const [message] = await readableMessages(puts, delivery, body);
      return [message?.identity, message?.itemHash, message?.type];
    };
    expect(await of(succeeded, 'a')).toEqual(await of(event(), 'b'));
  });

  it('stay two without the declaration', () => {
    expect(webhookAdapter.identity(succeeded, facts)).not.toBe(webhookAdapter.identity(event(), facts));
  });

  it('are told apart by record and by account', () => {
    const other = event({ data: { object: { id: 'in_2', object: 'invoice' } } });
    const ids = [event(), other, event({ account: 'acct_9' })].map((item) => webhookAdapter.identity(item, declared));
    expect(new Set(ids).size).toBe(3);
  });

  it('leave every other type to its own id', () => {
    expect(webhookAdapter.identity(event({ type: 'invoice.voided' }), declared)).toBe('own-evt_1');
  });
});

describe('webhooks of the simulated Stripe account', () => {
  const secret = 'local-signing-secret';
  let stripe: StripeSimulator;
  let receiver: SimListener;
  let received: SimRequest[];
  let statuses: number[];
  let arrivals: (() => void)[];

  const start = async (more: { thin?: boolean } = {}) => {
    stripe = await startTestStripe({
      webhooks: { url: `${receiver.url}/stripe`, secret, ...more },
      retryDelaysMs: [1, 1, 1],
    });
  };
  const arrived = async (count: number) => {
    while (received.length < count) await new Promise<void>((resolve) => arrivals.push(resolve));
    return received.map(({ bodyText }) => JSON.parse(bodyText) as Record<string, Json>);
  };

  beforeEach(async () => {
    [received, statuses, arrivals] = [[], [], []];
    receiver = await listenLoopback({
      port: 0,
      handle: async (request) => {
        received.push(request);
        for (const wake of arrivals.splice(0)) wake();
        return { status: statuses.shift() ?? 200, headers: {}, bodyText: '' };
      },
    });
  });
  afterEach(async () => {
    await stripe.close();
    await receiver.close();
  });

  it('carry a signature that our own check accepts', async () => {
    await start();
    await callStripe(stripe, 'POST', '/v1/customers', { name: 'A' });
    await arrived(1);
    const [request] = received;
    const result = verify({
      scheme: 'stripe',
      method: 'POST',
      url: `${receiver.url}/stripe`,
      headers: { ...request?.headers },
      body: Buffer.from(request?.bodyText ?? ''),
      secrets: ['another', secret],
      nowMs: Date.now(),
    });
    expect(result).toMatchObject({ ok: true, secretIndex: 1 });
  });

  it('name the record, the request and its key', async () => {
    await start();
    const { body } = await callStripe(stripe, 'POST', '/v1/customers', { name: 'A' }, { 'idempotency-key': 'k' });
    const [told] = await arrived(1);
    expect(told).toMatchObject({
      object: 'event',
      type: 'customer.created',
      data: { object: { id: body.id } },
      request: { idempotency_key: 'k' },
    });
  });

  it('come thin where that is asked for', async () => {
    await start({ thin: true });
    const { body } = await callStripe(stripe, 'POST', '/v1/customers', { name: 'A' });
    const [told] = await arrived(1);
    expect(webhookAdapter.reRead(told ?? null, 'stripe')?.input).toEqual({ id: body.id });
    expect(JSON.stringify(told)).not.toContain('"data"');
  });

  it('come again with the same id until they are acknowledged', async () => {
    await start();
    statuses = [500, 503, 200];
    await callStripe(stripe, 'POST', '/v1/customers', { name: 'A' });
    const told = await arrived(3);
    expect(new Set(told.map(({ id }) => id)).size).toBe(1);
  });

  it('are dropped and doubled on request', async () => {
    await start();
    await turn(stripe, '/_admin/drop-webhook');
    await turn(stripe, '/_admin/duplicate-webhook');
    await callStripe(stripe, 'POST', '/v1/customers', { name: 'A' });
    await callStripe(stripe, 'POST', '/v1/products', { name: 'P' });
    const told = await arrived(2);
    expect(told.map(({ type }) => type)).toEqual(['product.created', 'product.created']);
  });

  it('tell a paid invoice twice, which a channel may declare to be one change', async () => {
    await start();
    const owner = await callStripe(stripe, 'POST', '/v1/customers', { name: 'A' });
    const draft = await callStripe(stripe, 'POST', '/v1/invoices', { customer: owner.body.id });
    const item = { customer: owner.body.id, invoice: draft.body.id, amount: '100', currency: 'eur' };
    await callStripe(stripe, 'POST', '/v1/invoiceitems', item);
    await callStripe(stripe, 'POST', `/v1/invoices/${draft.body.id}/finalize`);
    await turn(stripe, '/_admin/pay-invoice', { id: draft.body.id });
    const told = await arrived(8);
    const paid = told.filter(({ type }) => ['invoice.paid', 'invoice.payment_succeeded'].includes(String(type)));
    expect([paid.length, new Set(paid.map((one) => webhookAdapter.identity(one, declared))).size]).toEqual([2, 1]);
  });
});
