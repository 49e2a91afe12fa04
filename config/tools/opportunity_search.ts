import * as z from 'zod/mini';
import { salesforce } from '../../shared/connectors/salesforce/calls.ts';
import type { SoqlCondition } from '../../shared/connectors/salesforce/soql.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentPage, recordsOf } from '../../shared/tools/records.ts';
import { line } from './inputs.ts';
import { day, opportunityFields, salesforceId, stageNames } from './salesforce_inputs.ts';

export default defineTool({
  name: 'opportunity_search',
  does: 'Searches Salesforce opportunities by words of their name, account, stage or close date, latest close date first. `more` in the answer says that not all are shown: narrow the search.',
  useWhen: [
    'you look for an opportunity whose id you do not have',
    'you need the opportunities of an account or stage',
  ],
  doNotUseWhen: ['you have the opportunity id: use opportunity_get', 'the deal is in HubSpot: use deal_search'],
  input: z.strictObject({
    words: z.optional(line(80)).check(z.describe('a part of the opportunity name')),
    account_id: z
      .optional(salesforceId('001'))
      .check(z.describe('only those of this account, an id as returned by account_find')),
    stage: z.optional(z.enum(stageNames)).check(z.describe('only opportunities in this stage')),
    closes_before: z.optional(day).check(z.describe('only those whose close date is before this day')),
    limit: z
      ._default(z.int().check(z.minimum(1), z.maximum(50)), 10)
      .check(z.describe('how many opportunities to return at most, 1 to 50')),
  }),
  effect: 'read',
  operation: ({ words, account_id, stage, closes_before, limit }) => {
    const conditions: SoqlCondition[] = [
      ...(words ? [{ field: 'Name', operator: 'contains' as const, value: words }] : []),
      ...(account_id ? [{ field: 'AccountId', operator: '=' as const, value: account_id }] : []),
      ...(stage ? [{ field: 'StageName', operator: '=' as const, value: stage }] : []),
      ...(closes_before ? [{ field: 'CloseDate', operator: '<' as const, value: { date: closes_before } }] : []),
    ];
    const orderBy = [{ field: 'CloseDate', direction: 'desc' as const }];
    return salesforce.opportunities.query({ where: [conditions], orderBy, limit });
  },
  lookup: { none: 'empty', several: 'list', missingField: 'fail', unavailable: 'fail' },
  records: recordsOf('opportunity'),
  present: presentPage('opportunities', opportunityFields),
  examples: [
    { words: 'Renewal', limit: 5 },
    { account_id: '001000000000001AAA', stage: 'Qualification' },
  ],
});
