import * as z from 'zod/mini';
import { stripe } from '../../shared/connectors/stripe/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentOne, recordsOf } from '../../shared/tools/records.ts';
import { customerFields } from './billing_inputs.ts';
import { email, line } from './inputs.ts';

export default defineTool({
  name: 'customer_billing_find',
  does: 'Finds the one Stripe customer with an e-mail address or a name. Changes of the last minute may be missing.',
  useWhen: ['you know who a customer is and need the Stripe customer id or the balance'],
  doNotUseWhen: ['you already have the Stripe customer id: use customer_billing_get'],
  input: z
    .strictObject({
      email: z.optional(email).check(z.describe('the billing e-mail address; capitals make no difference')),
      name: z.optional(line(120)).check(z.describe('the whole name as it stands in Stripe')),
    })
    .check(
      z.refine(({ email, name }) => (email === undefined) !== (name === undefined), 'exactly one of: email; name'),
    ),
  effect: 'read',
  operation: ({ email, name }) => {
    const clause = email === undefined ? { field: 'name', value: name ?? '' } : { field: 'email', value: email };
    return stripe.customers.search([{ ...clause, operator: ':' }], { limit: 10 });
  },
  lookup: { none: 'fail', several: 'fail', missingField: 'fail', unavailable: 'fail' },
  records: recordsOf('customer'),
  present: presentOne('customer', customerFields),
  examples: [{ email: 'accounts@example.com' }, { name: 'Northwind B.V.' }],
});
