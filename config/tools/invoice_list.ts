import * as z from 'zod/mini';
import { stripe } from '../../shared/connectors/stripe/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentPage, recordsOf } from '../../shared/tools/records.ts';
import { customerId, invoiceFields, invoiceId } from './billing_inputs.ts';

export default defineTool({
  name: 'invoice_list',
  does: 'Lists the Stripe invoices of one customer, newest first, with what is still to be paid in the smallest unit of the currency.',
  useWhen: ['you need to know which invoices are open, paid or still drafts'],
  doNotUseWhen: ['you do not have the Stripe customer id: use customer_billing_find first'],
  input: z.strictObject({
    customer_id: customerId.check(z.describe('Stripe customer id, as returned by customer_billing_find')),
    status: z
      .optional(z.enum(['draft', 'open', 'paid', 'uncollectible', 'void']))
      .check(z.describe('only invoices in this status')),
    limit: z
      ._default(z.int().check(z.minimum(1), z.maximum(50)), 10)
      .check(z.describe('how many invoices to return at most, 1 to 50')),
    after: z.optional(invoiceId).check(z.describe('the `after` of an earlier answer, to get the next page')),
  }),
  effect: 'read',
  operation: ({ customer_id, status, limit, after }) =>
    stripe.invoices.list({
      filter: { customer: customer_id, ...(status === undefined ? {} : { status }) },
      limit,
      ...(after === undefined ? {} : { after }),
    }),
  lookup: { none: 'empty', several: 'list', missingField: 'fail', unavailable: 'fail' },
  records: recordsOf('invoice'),
  present: presentPage('invoices', invoiceFields),
  examples: [{ customer_id: 'cus_sim00000000001', status: 'open' }],
});
