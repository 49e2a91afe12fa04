import * as z from 'zod/mini';
import { salesforce } from '../../shared/connectors/salesforce/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentChange } from '../../shared/tools/records.ts';
import { line } from './inputs.ts';
import { amount, day, openStageNames, opportunityFields, salesforceId } from './salesforce_inputs.ts';

export default defineTool({
  name: 'opportunity_create',
  does: 'Creates one Salesforce opportunity for an account, with its primary contact where one is given: both or neither.',
  useWhen: ['a customer asked for an offer and no opportunity exists for it'],
  doNotUseWhen: [
    'one for it may exist: use opportunity_search first',
    'an opportunity moved on: use opportunity_update_stage',
  ],
  input: z.strictObject({
    account_id: salesforceId('001').check(z.describe('Salesforce account id, as returned by account_find')),
    name: line(120).check(z.describe('opportunity name: company and what is sold')),
    stage: z._default(z.enum(openStageNames), 'Prospecting').check(z.describe('the open stage it starts in')),
    close_date: day.check(z.describe('the day it is expected to close, such as 2026-03-31')),
    amount: z.optional(amount).check(z.describe('expected amount in the currency of the organization')),
    contact_id: z
      .optional(salesforceId('003'))
      .check(z.describe('Salesforce contact id of the primary contact, as returned by account_get')),
  }),
  effect: 'create',
  target: ({ account_id }) => ['salesforce', 'opportunity', `new-for-${account_id}`],
  identifiedBy: ['name', 'amount'],
  part: ['name'],
  occasion: 'window',
  operation: ({ account_id, name, stage, close_date, amount, contact_id }) => {
    const properties = {
      ...{ AccountId: account_id, Name: name, StageName: stage, CloseDate: close_date },
      ...(amount === undefined ? {} : { Amount: amount }),
    };
    return contact_id === undefined
      ? salesforce.opportunities.create(properties)
      : salesforce.opportunities.open(properties, contact_id);
  },
  present: presentChange('opportunity', opportunityFields),
  examples: [
    { account_id: '001000000000001AAA', name: 'Acme: annual licence', close_date: '2026-12-31', amount: 12_500 },
  ],
});
