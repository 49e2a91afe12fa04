import * as z from 'zod/mini';
import { salesforce } from '../../shared/connectors/salesforce/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentPage, recordsOf } from '../../shared/tools/records.ts';
import { line } from './inputs.ts';
import { accountFields } from './salesforce_inputs.ts';

export default defineTool({
  name: 'account_find',
  does: 'Finds Salesforce accounts by a part of their name or website, or the one linked to a HubSpot company: twenty at most, and `more` in the answer says that there are others.',
  useWhen: ['you know a company and need its Salesforce account id'],
  doNotUseWhen: ['you have the account id: use account_get', 'you look for a deal of it: use opportunity_search'],
  input: z
    .strictObject({
      name: z.optional(line(80)).check(z.describe('a part of the company name, such as Acme; spellings differ')),
      website: z.optional(line(120)).check(z.describe('the domain of the company, such as acme.example')),
      hubspot_id: z
        .optional(z.string().check(z.regex(/^[1-9][0-9]{0,18}$/)))
        .check(z.describe('the id of the HubSpot company that the account is linked to')),
    })
    .check(
      z.refine(
        ({ name, website, hubspot_id }) =>
          [name, website, hubspot_id].filter((given) => given !== undefined).length === 1,
        'exactly one of: name; website; hubspot_id',
      ),
    ),
  effect: 'read',
  operation: ({ name, website, hubspot_id }) => {
    const condition = hubspot_id
      ? ({ field: 'HubSpot_Id__c', operator: '=', value: hubspot_id } as const)
      : name
        ? ({ field: 'Name', operator: 'contains', value: name } as const)
        : ({ field: 'Website', operator: 'contains', value: website ?? '' } as const);
    return salesforce.accounts.query({ where: [[condition]], limit: 20 });
  },
  lookup: { none: 'empty', several: 'list', missingField: 'fail', unavailable: 'fail' },
  records: recordsOf('account'),
  present: presentPage('accounts', accountFields),
  examples: [{ name: 'Acme' }, { website: 'acme.example' }, { hubspot_id: '9001' }],
});
