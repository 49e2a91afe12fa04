import * as z from 'zod/mini';
import { stripe } from '../../shared/connectors/stripe/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentChange, recordsOf } from '../../shared/tools/records.ts';
import { amount, customerId, invoiceId } from './billing_inputs.ts';
import { line } from './inputs.ts';

export default defineTool({
  name: 'invoice_add_line',
  does: 'Adds one line with an amount to a draft invoice in Stripe.',
  useWhen: ['a draft invoice lacks something the customer agreed to pay'],
  doNotUseWhen: ['the invoice is not a draft any more: leave it and tell the user', 'you guess the amount'],
  input: z.strictObject({
    invoice_id: invoiceId.check(z.describe('Stripe invoice id of a draft, as returned by invoice_list')),
    customer_id: customerId.check(z.describe('Stripe customer id that the invoice belongs to')),
    description: line(200).check(z.describe('what is billed; the customer reads it')),
    amount: amount.check(z.describe('amount in the smallest unit of the currency: 1250 is 12.50')),
    currency: z.enum(['eur', 'usd', 'gbp']).check(z.describe('three-letter currency of the invoice')),
  }),
  effect: 'append',
  target: ({ invoice_id }) => ['stripe', 'invoice', invoice_id],
  identifiedBy: ['description', 'amount', 'currency'],
  part: ['description'],
  occasion: 'window',
  live: { call: ({ invoice_id }) => stripe.invoices.get(invoice_id), records: recordsOf('invoice') },
  operation: ({ invoice_id, customer_id, description, amount, currency }, { nowMs }) =>
    stripe.invoiceItems.create({ customer: customer_id, invoice: invoice_id, description, amount, currency }, nowMs),
  present: presentChange('line', {
    description: 'description',
    amount: 'amount',
    currency: 'currency',
    invoice: 'invoice_id',
  }),
  examples: [
    {
      invoice_id: 'in_sim00000000001',
      customer_id: 'cus_sim00000000001',
      description: 'Training day on 3 March',
      amount: 125_000,
      currency: 'eur',
    },
  ],
});
