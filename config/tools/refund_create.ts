import * as z from 'zod/mini';
import { stripe } from '../../shared/connectors/stripe/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentChange, recordsOf } from '../../shared/tools/records.ts';
import { amount, paymentId } from './billing_inputs.ts';
import { text } from './inputs.ts';

export default defineTool({
  name: 'refund_create',
  does: 'Pays back a Stripe payment, in part, or all that is left of it.',
  useWhen: ['the customer was promised the money back by a person who may promise it'],
  doNotUseWhen: [
    'the customer only asks for it: tell the user, a person decides',
    'nothing was paid yet: use invoice_list',
  ],
  input: z.strictObject({
    payment_id: paymentId.check(z.describe('Stripe payment id, as returned by payment_list')),
    amount: z
      .optional(amount)
      .check(z.describe('amount in the smallest unit of the currency: 1250 is 12.50; leave out for all that is left')),
    reason: z
      .enum(['duplicate', 'fraudulent', 'requested_by_customer'])
      .check(z.describe('why, in the words Stripe knows')),
    promised: text(10, 500).check(z.describe('who promised what to whom; shown to the approver')),
  }),
  effect: 'send',
  target: ({ payment_id }) => ['stripe', 'payment_intent', payment_id],
  identifiedBy: ['amount'],
  part: ['payment_id'],
  occasion: 'window',
  live: { call: ({ payment_id }) => stripe.paymentIntents.get(payment_id), records: recordsOf('payment_intent') },
  operation: ({ payment_id, amount, reason }, { nowMs }) =>
    stripe.refunds.create({ payment_intent: payment_id, reason, ...(amount === undefined ? {} : { amount }) }, nowMs),
  present: presentChange('refund', {
    amount: 'amount',
    currency: 'currency',
    status: 'status',
    payment_intent: 'payment_id',
  }),
  examples: [
    {
      payment_id: 'pi_sim00000000001',
      amount: 1250,
      reason: 'requested_by_customer',
      promised: 'Anna of support promised Mr Testa half of it by mail on 3 March.',
    },
  ],
});
