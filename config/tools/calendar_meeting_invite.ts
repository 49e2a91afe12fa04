import * as z from 'zod/mini';
import { graph } from '../../shared/connectors/graph/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentChange } from '../../shared/tools/records.ts';
import { line, text } from './inputs.ts';
import { addresses, eventFields, userId, utc } from './mail_inputs.ts';

export default defineTool({
  name: 'calendar_meeting_invite',
  does: 'Puts a meeting into the calendar of one colleague and sends the invitation to the people named.',
  useWhen: ['people agreed on a time, and the invitation is to go out'],
  doNotUseWhen: ['nobody else is to come: use calendar_event_create', 'the time was not agreed: ask the user'],
  input: z
    .strictObject({
      user_id: userId.check(z.describe('who invites: the user id, as returned by user_find')),
      attendees: addresses.check(z.describe('the e-mail addresses of those who are invited, 1 to 20')),
      subject: line(200).check(z.describe('what it is about, as the invitation says')),
      start: utc.check(z.describe('when it begins, in UTC; look into calendar_list first')),
      end: utc.check(z.describe('when it ends, in UTC; later than the start')),
      location: z.optional(line(200)).check(z.describe('where it is, only if that was said')),
      text: z.optional(text(1, 5000)).check(z.describe('what the invitation says beside it, as plain text')),
    })
    .check(z.refine(({ start, end }) => start < end, 'end is later than start')),
  effect: 'send',
  target: ({ user_id }) => ['graph', 'event', `new-of-${user_id}`],
  identifiedBy: ['attendees', 'subject', 'start', 'end'],
  part: ['subject', 'start'],
  occasion: 'window',
  operation: ({ user_id, attendees, subject, start, end, location, text }) =>
    graph.events.invite(user_id, {
      ...{ attendees, subject, start, end },
      ...(location === undefined ? {} : { location }),
      ...(text === undefined ? {} : { body: text }),
    }),
  present: presentChange('event', eventFields),
  examples: [
    {
      user_id: '00000000-0000-4000-8000-000000000001',
      attendees: ['maria@example.com'],
      subject: 'Renewal of your contract',
      start: '2026-01-31T13:00:00Z',
      end: '2026-01-31T13:30:00Z',
    },
  ],
});
