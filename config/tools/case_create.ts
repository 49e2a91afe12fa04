import * as z from 'zod/mini';
import { salesforce } from '../../shared/connectors/salesforce/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentChange } from '../../shared/tools/records.ts';
import { line, text } from './inputs.ts';
import { salesforceId } from './salesforce_inputs.ts';

export default defineTool({
  name: 'case_create',
  does: 'Opens one Salesforce case for an account, in the status New.',
  useWhen: ['a customer of Salesforce reports a problem that a person must work on'],
  doNotUseWhen: [
    'the case exists and there is news: use case_append_comment',
    'support of this customer works in HubSpot: use ticket_create',
  ],
  input: z.strictObject({
    account_id: salesforceId('001').check(z.describe('Salesforce account id, as returned by account_find')),
    contact_id: z
      .optional(salesforceId('003'))
      .check(z.describe('Salesforce contact id of who reports it, as returned by account_get')),
    subject: line(200).check(z.describe('one line that says what is wrong')),
    description: text(1, 10_000).check(z.describe('what the customer said, as plain text')),
    priority: z
      ._default(z.enum(['Low', 'Medium', 'High']), 'Medium')
      .check(z.describe('how urgent it is for the customer')),
  }),
  effect: 'create',
  target: ({ account_id }) => ['salesforce', 'case', `new-for-${account_id}`],
  identifiedBy: ['account_id', 'subject'],
  part: ['subject'],
  occasion: 'window',
  operation: ({ account_id, contact_id, subject, description, priority }) =>
    salesforce.cases.create({
      ...{ AccountId: account_id, Subject: subject, Description: description, Priority: priority, Status: 'New' },
      ...(contact_id === undefined ? {} : { ContactId: contact_id }),
    }),
  present: presentChange('case', { Subject: 'subject', Priority: 'priority', Status: 'status' }),
  examples: [
    {
      account_id: '001000000000001AAA',
      subject: 'Invoice is wrong',
      description: 'The March invoice lists two licences.',
    },
  ],
});
