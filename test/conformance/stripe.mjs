import Stripe from 'stripe';
import { startStripe } from '../../infra/local/systems/stripe/start.ts';
import { systemClock } from '../../shared/model/clock.ts';
import { check } from './check.mjs';

const key = 'local-conformance-key';
const simulator = await startStripe({ port: 0, seed: 7, clock: systemClock, keys: { [key]: null }, perSecond: 1000 });
const { hostname, port } = new URL(simulator.url);
const stripe = new Stripe(key, { host: hostname, port: Number(port), protocol: 'http', maxNetworkRetries: 0 });
const codeOf = (call) =>
  call.then(
    () => 'no error',
    (error) => `${error.type} ${error.statusCode} ${error.code ?? ''}`.trim(),
  );

await check(
  'stripe',
  {
    'the account and the balance': async () => {
      const [account, balance] = [await stripe.accounts.retrieveCurrent(), await stripe.balance.retrieve()];
      return [
        [account.object, balance.livemode],
        ['account', false],
      ];
    },
    'auto-pagination sees every customer once': async () => {
      const ids = [];
      for await (const customer of stripe.customers.list({ limit: 50 })) ids.push(customer.id);
      return [
        [ids.length > 100, new Set(ids).size],
        [true, ids.length],
      ];
    },
    'create, read, update with metadata': async () => {
      const made = await stripe.customers.create({ email: 'ada@example.com', metadata: { ext: 'A-1' } });
      const updated = await stripe.customers.update(made.id, { name: 'Ada', metadata: { ext: 'A-2' } });
      const read = await stripe.customers.retrieve(made.id);
      return [
        [updated.name, read.metadata.ext],
        ['Ada', 'A-2'],
      ];
    },
    'the same idempotency key answers the same customer': async () => {
      const once = () => stripe.customers.create({ name: 'Once' }, { idempotencyKey: 'k-1' });
      const [first, second] = [await once(), await once()];
      return [
        [second.id, second.lastResponse.headers['idempotent-replayed']],
        [first.id, 'true'],
      ];
    },
    'the same key with other parameters is an idempotency error': async () => [
      await codeOf(stripe.customers.create({ name: 'Other' }, { idempotencyKey: 'k-1' })),
      'StripeIdempotencyError 400',
    ],
    'a payment, and a refund of a part of it': async () => {
      const intent = await stripe.paymentIntents.create({
        ...{ amount: 2000, currency: 'eur', confirm: true, payment_method: 'pm_card_visa' },
        automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
      });
      const refund = await stripe.refunds.create({ payment_intent: intent.id, amount: 500 });
      return [
        [intent.status, refund.amount],
        ['succeeded', 500],
      ];
    },
    'an invoice from draft to open': async () => {
      const customer = await stripe.customers.create({ email: 'inv@example.com' });
      const invoice = await stripe.invoices.create({
        customer: customer.id,
        collection_method: 'send_invoice',
        days_until_due: 14,
      });
      await stripe.invoiceItems.create({ customer: customer.id, invoice: invoice.id, amount: 700, currency: 'eur' });
      const open = await stripe.invoices.finalizeInvoice(invoice.id);
      return [
        [open.status, open.amount_due],
        ['open', 700],
      ];
    },
    'search by metadata': async () => {
      const found = await stripe.customers.search({ query: "metadata['ext']:'nobody'" });
      return [found.data, []];
    },
    'events, newest first': async () => {
      const { data } = await stripe.events.list({ limit: 10, types: ['customer.created'] });
      const times = data.map(({ created }) => created);
      return [times, [...times].sort((a, b) => b - a)];
    },
    'what is not there is resource_missing': async () => [
      await codeOf(stripe.customers.retrieve('cus_nobody')),
      'StripeInvalidRequestError 404 resource_missing',
    ],
    'a wrong key is an authentication error': async () => {
      const other = new Stripe('wrong', { host: hostname, port: Number(port), protocol: 'http', maxNetworkRetries: 0 });
      return [await codeOf(other.balance.retrieve()), 'StripeAuthenticationError 401'];
    },
  },
  () => simulator.close(),
);
