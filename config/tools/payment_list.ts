import * as z from 'zod/mini';
import { stripe } from '../../shared/connectors/stripe/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentPage, recordsOf } from '../../shared/tools/records.ts';
import { customerId, paymentFields, paymentId } from './billing_inputs.ts';

export default defineTool({
  name: 'payment_list',
  does: 'Lists the Stripe payments of one customer, newest first, with amounts in the smallest unit of the currency.',
  useWhen: ['you look for the payment that a customer asks about', 'you need a payment id for a refund'],
  doNotUseWhen: ['you want to know what is still to be paid: use invoice_list'],
  input: z.strictObject({
    customer_id: customerId.check(z.describe('Stripe customer id, as returned by customer_billing_find')),
    limit: z
      ._default(z.int().check(z.minimum(1), z.maximum(50)), 10)
      .check(z.describe('how many payments to return at most, 1 to 50')),
    after: z.optional(paymentId).check(z.describe('the `after` of an earlier answer, to get the next page')),
  }),
  effect: 'read',
  operation: ({ customer_id, limit, after }) =>
    stripe.paymentIntents.list({
      filter: { customer: customer_id },
      limit,
      ...(after === undefined ? {} : { after }),
    }),
  lookup: { none: 'empty', several: 'list', missingField: 'fail', unavailable: 'fail' },
  records: recordsOf('payment_intent'),
  present: presentPage('payments', paymentFields),
  examples: [{ customer_id: 'cus_sim00000000001' }],
});
