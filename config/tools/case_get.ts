import * as z from 'zod/mini';
import { salesforce } from '../../shared/connectors/salesforce/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentOne, recordsOf } from '../../shared/tools/records.ts';
import { caseFields, salesforceId } from './salesforce_inputs.ts';

export default defineTool({
  name: 'case_get',
  does: 'Reads one Salesforce case by its id: number, subject, status, priority, and the ids of its account and contact.',
  useWhen: ['you have a case id and need to know how it stands'],
  doNotUseWhen: ['you need the open cases of a customer: use account_get'],
  input: z.strictObject({
    case_id: salesforceId('500').check(z.describe('Salesforce case id, as returned by account_get or case_create')),
  }),
  effect: 'read',
  operation: ({ case_id }) => salesforce.cases.get(case_id),
  lookup: { none: 'fail', several: 'fail', missingField: 'fail', unavailable: 'fail' },
  records: recordsOf('case'),
  present: presentOne('case', caseFields),
  examples: [{ case_id: '500000000000001AAA' }],
});
