import * as z from 'zod/mini';
import { hubspot } from '../../shared/connectors/hubspot/calls.ts';
import { salesforce } from '../../shared/connectors/salesforce/calls.ts';
import { stripe } from '../../shared/connectors/stripe/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { recordsOf } from '../../shared/tools/records.ts';
import { contactProperties } from './contact_fields.ts';
import { email } from './inputs.ts';

export default defineTool({
  name: 'customer_find_everywhere',
  does: 'Finds what HubSpot, Salesforce and Stripe each hold under one e-mail address, side by side.',
  useWhen: ['you need to see whether the systems agree about a customer', 'you do not know which system knows them'],
  doNotUseWhen: [
    'one system is enough: use contact_find or customer_billing_find',
    'you want to decide which system is right: tell the user what each one says',
  ],
  input: z.strictObject({
    email: email.check(z.describe('the e-mail address; only records with exactly this address are found')),
  }),
  effect: 'read',
  sources: [
    {
      operation: ({ email }) => hubspot.contacts.find({ email }, { properties: contactProperties }),
      records: recordsOf('contact'),
    },
    {
      operation: ({ email }) =>
        salesforce.contacts.query({ where: [[{ field: 'Email', operator: '=', value: email }]], limit: 10 }),
      records: recordsOf('contact'),
    },
    {
      operation: ({ email }) =>
        stripe.customers.search([{ field: 'email', operator: ':', value: email }], { limit: 10 }),
      records: recordsOf('customer'),
    },
  ],
  examples: [{ email: 'maria@example.com' }],
});
