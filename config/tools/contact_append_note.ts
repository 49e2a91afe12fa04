import * as z from 'zod/mini';
import { hubspot } from '../../shared/connectors/hubspot/calls.ts';
import { isObject } from '../../shared/model/json.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { recordsOf } from '../../shared/tools/records.ts';
import { recordId, text } from './inputs.ts';

export default defineTool({
  name: 'contact_append_note',
  does: 'Adds a note to one HubSpot contact, where people see it on the timeline.',
  useWhen: ['something was said or decided that people should find at the contact'],
  doNotUseWhen: [
    'the note is about a support ticket: use ticket_append_note',
    'you want to change a field: use contact_upsert',
  ],
  input: z.strictObject({
    contact_id: recordId.check(z.describe('HubSpot contact id, as returned by contact_find')),
    text: text(1, 10_000).check(z.describe('the note as plain text: what was said, by whom, when')),
  }),
  effect: 'append',
  target: ({ contact_id }) => ['hubspot', 'contact', contact_id],
  identifiedBy: ['text'],
  occasion: 'window',
  live: { call: ({ contact_id }) => hubspot.contacts.get(contact_id), records: recordsOf('contact') },
  operation: ({ contact_id, text }, { nowMs }) =>
    hubspot.notes.append({ text, on: { object: 'contact', id: contact_id }, atMs: nowMs }),
  present: (result) => ({ note: { id: isObject(result) ? (result.id ?? null) : null } }),
  examples: [{ contact_id: '1001', text: 'Called on 3 March: wants the offer by Friday.' }],
});
