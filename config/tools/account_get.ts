import * as z from 'zod/mini';
import { salesforce } from '../../shared/connectors/salesforce/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { overviewRecords, presentOverview, salesforceId } from './salesforce_inputs.ts';

export default defineTool({
  name: 'account_get',
  does: 'Reads one Salesforce account with its contacts, its open opportunities and its open cases, newest first.',
  useWhen: ['you have an account id and need to know how things stand with this customer'],
  doNotUseWhen: ['you do not have the id: use account_find', 'you need one opportunity only: use opportunity_get'],
  input: z.strictObject({
    account_id: salesforceId('001').check(z.describe('Salesforce account id, as returned by account_find')),
  }),
  effect: 'read',
  operation: ({ account_id }) => salesforce.accounts.overview(account_id, { limit: 20 }),
  lookup: { none: 'fail', several: 'list', missingField: 'fail', unavailable: 'fail' },
  records: overviewRecords,
  present: presentOverview,
  examples: [{ account_id: '001000000000001AAA' }],
});
