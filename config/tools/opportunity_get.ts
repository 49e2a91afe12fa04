import * as z from 'zod/mini';
import { salesforce } from '../../shared/connectors/salesforce/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentOne, recordsOf } from '../../shared/tools/records.ts';
import { opportunityFields, salesforceId } from './salesforce_inputs.ts';

export default defineTool({
  name: 'opportunity_get',
  does: 'Reads one Salesforce opportunity by its id: name, stage, amount, close date and the id of its account.',
  useWhen: ['you have an opportunity id and need its current stage, amount or close date'],
  doNotUseWhen: ['you do not have the id: use opportunity_search'],
  input: z.strictObject({
    opportunity_id: salesforceId('006').check(
      z.describe('Salesforce opportunity id, as returned by opportunity_search'),
    ),
  }),
  effect: 'read',
  operation: ({ opportunity_id }) => salesforce.opportunities.get(opportunity_id),
  lookup: { none: 'fail', several: 'fail', missingField: 'case', unavailable: 'fail' },
  records: recordsOf('opportunity'),
  required: ['StageName', 'CloseDate'],
  present: presentOne('opportunity', opportunityFields),
  examples: [{ opportunity_id: '006000000000001AAA' }],
});
