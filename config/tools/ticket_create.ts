import * as z from 'zod/mini';
import { hubspot } from '../../shared/connectors/hubspot/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentChange } from '../../shared/tools/records.ts';
import { line, recordId, text } from './inputs.ts';

export default defineTool({
  name: 'ticket_create',
  does: 'Opens one HubSpot support ticket for a contact, in the stage New.',
  useWhen: ['a customer reports a problem that a person must work on'],
  doNotUseWhen: [
    'the ticket exists and there is news: use ticket_append_note',
    'it is only worth remembering: use contact_append_note',
  ],
  input: z.strictObject({
    contact_id: recordId.check(
      z.describe('HubSpot contact id of the person who reports it, as returned by contact_find'),
    ),
    subject: line(200).check(z.describe('one line that says what is wrong')),
    content: text(1, 10_000).check(z.describe('what the customer said, as plain text')),
    priority: z
      ._default(z.enum(['LOW', 'MEDIUM', 'HIGH']), 'MEDIUM')
      .check(z.describe('how urgent it is for the customer')),
  }),
  effect: 'create',
  target: ({ contact_id }) => ['hubspot', 'ticket', `new-for-${contact_id}`],
  identifiedBy: ['contact_id', 'subject'],
  occasion: 'event', // an event makes one ticket, whatever the words
  operation: ({ contact_id, subject, content, priority }) =>
    hubspot.tickets.create(
      { subject, content, hs_ticket_priority: priority, hs_pipeline: '0', hs_pipeline_stage: '1' },
      [{ object: 'contact', id: contact_id }],
    ),
  present: presentChange('ticket', { subject: 'subject', hs_ticket_priority: 'priority', hs_pipeline_stage: 'stage' }),
  examples: [{ contact_id: '1001', subject: 'Invoice is wrong', content: 'The March invoice lists two licences.' }],
});
