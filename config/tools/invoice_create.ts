import * as z from 'zod/mini';
import { stripe } from '../../shared/connectors/stripe/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentChange } from '../../shared/tools/records.ts';
import { customerId, invoiceFields } from './billing_inputs.ts';
import { line } from './inputs.ts';

export default defineTool({
  name: 'invoice_create',
  does: 'Creates one empty draft invoice for a Stripe customer. Nothing is sent: a person finalizes it in Stripe.',
  useWhen: ['a customer is to be billed and no draft exists for it'],
  doNotUseWhen: ['a draft for it may exist: use invoice_list first', 'a draft needs a line: use invoice_add_line'],
  input: z.strictObject({
    customer_id: customerId.check(z.describe('Stripe customer id, as returned by customer_billing_find')),
    description: line(200).check(z.describe('what the invoice is for; the customer reads it')),
    currency: z.enum(['eur', 'usd', 'gbp']).check(z.describe('three-letter currency of the invoice')),
    days_until_due: z
      ._default(z.int().check(z.minimum(1), z.maximum(90)), 14)
      .check(z.describe('days the customer has to pay, counted from when it is sent')),
  }),
  effect: 'create',
  target: ({ customer_id }) => ['stripe', 'invoice', `new-for-${customer_id}`],
  identifiedBy: ['description', 'currency'],
  part: ['description'],
  occasion: 'window',
  operation: ({ customer_id, description, currency, days_until_due }, { nowMs }) =>
    stripe.invoices.create(
      { customer: customer_id, description, currency, collection_method: 'send_invoice', days_until_due },
      nowMs,
    ),
  present: presentChange('invoice', invoiceFields),
  examples: [{ customer_id: 'cus_sim00000000001', description: 'Onboarding in March', currency: 'eur' }],
});
