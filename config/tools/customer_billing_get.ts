import * as z from 'zod/mini';
import { stripe } from '../../shared/connectors/stripe/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentOne, recordsOf } from '../../shared/tools/records.ts';
import { customerFields, customerId } from './billing_inputs.ts';

export default defineTool({
  name: 'customer_billing_get',
  does: 'Reads one Stripe customer by its id: balance in the smallest unit of the currency, and whether a payment is overdue.',
  useWhen: ['you have a Stripe customer id and need current billing details'],
  doNotUseWhen: ['you only have a name or an e-mail address: use customer_billing_find'],
  input: z.strictObject({
    customer_id: customerId.check(z.describe('Stripe customer id, as returned by customer_billing_find')),
  }),
  effect: 'read',
  operation: ({ customer_id }) => stripe.customers.get(customer_id),
  lookup: { none: 'fail', several: 'fail', missingField: 'fail', unavailable: 'fail' },
  records: recordsOf('customer'),
  present: presentOne('customer', customerFields),
  examples: [{ customer_id: 'cus_sim00000000001' }],
});
