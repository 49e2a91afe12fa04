import * as z from 'zod/mini';
import { salesforce } from '../../shared/connectors/salesforce/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentChange } from '../../shared/tools/records.ts';
import { line } from './inputs.ts';
import { accountFields } from './salesforce_inputs.ts';

const fields = {
  name: 'Name',
  phone: 'Phone',
  website: 'Website',
  city: 'BillingCity',
  country: 'BillingCountry',
} as const;

export default defineTool({
  name: 'account_upsert',
  does: 'Creates the Salesforce account of a HubSpot company, or changes the named fields where it exists.',
  useWhen: ['a company of HubSpot has to exist in Salesforce', 'a customer gave new company details'],
  doNotUseWhen: ['you only look for the account: use account_find', 'you guess a value'],
  input: z.strictObject({
    hubspot_id: z
      .string()
      .check(z.regex(/^[1-9][0-9]{0,18}$/), z.describe('the id of the HubSpot company; it identifies the account')),
    name: line(255).check(z.describe('the full company name')),
    phone: z.optional(line(40)).check(z.describe('phone number with country code, only if it was given')),
    website: z.optional(line(255)).check(z.describe('the web address, only if it was given')),
    city: z.optional(line(40)).check(z.describe('city of the billing address, only if it was given')),
    country: z.optional(line(80)).check(z.describe('country of the billing address, only if it was given')),
  }),
  effect: 'update',
  target: ({ hubspot_id }) => ['salesforce', 'account', `HubSpot_Id__c=${hubspot_id}`],
  identifiedBy: ['name', 'phone', 'website', 'city', 'country'],
  occasion: 'run',
  operation: ({ hubspot_id, ...given }) => {
    const values = Object.entries(fields).flatMap(([input, field]) => {
      const value = given[input as keyof typeof given];
      return value === undefined ? [] : [[field, value] as const];
    });
    return salesforce.accounts.upsert({ field: 'HubSpot_Id__c', value: hubspot_id }, Object.fromEntries(values));
  },
  present: presentChange('account', accountFields),
  examples: [{ hubspot_id: '9001', name: 'Acme GmbH', website: 'acme.example' }],
});
