import * as z from 'zod/mini';
import { hubspot } from '../../shared/connectors/hubspot/calls.ts';
import { isObject } from '../../shared/model/json.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { recordsOf } from '../../shared/tools/records.ts';
import { recordId, text } from './inputs.ts';

export default defineTool({
  name: 'ticket_append_note',
  does: 'Adds a note to one HubSpot support ticket, where the people who work on it see it.',
  useWhen: ['there is news about a ticket that exists'],
  doNotUseWhen: [
    'no ticket exists yet: use ticket_create',
    'it concerns the person, not the ticket: use contact_append_note',
  ],
  input: z.strictObject({
    ticket_id: recordId.check(z.describe('HubSpot ticket id, as returned by ticket_create or contact_get')),
    text: text(1, 10_000).check(z.describe('the note as plain text: what was said, by whom, when')),
  }),
  effect: 'append',
  target: ({ ticket_id }) => ['hubspot', 'ticket', ticket_id],
  identifiedBy: ['text'],
  occasion: 'window',
  live: { call: ({ ticket_id }) => hubspot.tickets.get(ticket_id), records: recordsOf('ticket') },
  operation: ({ ticket_id, text }, { nowMs }) =>
    hubspot.notes.append({ text, on: { object: 'ticket', id: ticket_id }, atMs: nowMs }),
  present: (result) => ({ note: { id: isObject(result) ? (result.id ?? null) : null } }),
  examples: [{ ticket_id: '801', text: 'The customer sent the corrected order number.' }],
});
