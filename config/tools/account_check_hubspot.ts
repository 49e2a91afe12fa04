import * as z from 'zod/mini';
import { hubspot } from '../../shared/connectors/hubspot/calls.ts';
import { salesforce } from '../../shared/connectors/salesforce/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { recordsOf } from '../../shared/tools/records.ts';
import { accountFields } from './salesforce_inputs.ts';

export default defineTool({
  name: 'account_check_hubspot',
  does: 'Shows one HubSpot company beside the Salesforce account that is linked to it, so that differences are seen.',
  useWhen: ['you need to know whether Salesforce and HubSpot agree about a company', 'you doubt an address or a name'],
  doNotUseWhen: [
    'you only need the Salesforce account: use account_find',
    'you want to decide which system is right: tell the user what each one says',
  ],
  input: z.strictObject({
    hubspot_id: z
      .string()
      .check(z.regex(/^[1-9][0-9]{0,18}$/), z.describe('the id of the HubSpot company that the account is linked to')),
  }),
  effect: 'read',
  sources: [
    {
      operation: ({ hubspot_id }) =>
        hubspot.companies.get(hubspot_id, { properties: ['name', 'domain', 'phone', 'city', 'country'] }),
      records: recordsOf('company'),
    },
    {
      operation: ({ hubspot_id }) =>
        salesforce.accounts.query({
          fields: Object.keys(accountFields),
          where: [[{ field: 'HubSpot_Id__c', operator: '=', value: hubspot_id }]],
          limit: 10,
        }),
      records: recordsOf('account'),
    },
  ],
  examples: [{ hubspot_id: '9001' }],
});
