import * as z from 'zod/mini';
import { salesforce } from '../../shared/connectors/salesforce/calls.ts';
import { isObject } from '../../shared/model/json.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { recordsOf } from '../../shared/tools/records.ts';
import { text } from './inputs.ts';
import { salesforceId } from './salesforce_inputs.ts';

export default defineTool({
  name: 'case_append_comment',
  does: 'Adds an internal comment to one Salesforce case, where the people who work on it see it.',
  useWhen: ['there is news about a case that exists'],
  doNotUseWhen: ['no case exists yet: use case_create', 'it is about a HubSpot ticket: use ticket_append_note'],
  input: z.strictObject({
    case_id: salesforceId('500').check(z.describe('Salesforce case id, as returned by account_get or case_create')),
    text: text(1, 3800).check(z.describe('the comment as plain text: what was said, by whom, when')),
  }),
  effect: 'append',
  target: ({ case_id }) => ['salesforce', 'case', case_id],
  identifiedBy: ['text'],
  occasion: 'window',
  live: { call: ({ case_id }) => salesforce.cases.get(case_id), records: recordsOf('case') },
  operation: ({ case_id, text }) => salesforce.cases.comment(case_id, text),
  present: (result) => ({ comment: { id: isObject(result) ? (result.id ?? null) : null } }),
  examples: [{ case_id: '500000000000001AAA', text: 'The customer sent the corrected order number.' }],
});
