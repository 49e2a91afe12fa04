import * as z from 'zod/mini';
import { graph } from '../../shared/connectors/graph/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentChange } from '../../shared/tools/records.ts';
import { line, text } from './inputs.ts';
import { eventFields, userId, utc } from './mail_inputs.ts';

export default defineTool({
  name: 'calendar_event_create',
  does: 'Puts an appointment into the calendar of one colleague. Nobody else is invited or told.',
  useWhen: ['a time is to be kept free, or a reminder is to stand in the calendar'],
  doNotUseWhen: ['other people are to come: use calendar_meeting_invite', 'it stands there: use calendar_event_update'],
  input: z
    .strictObject({
      user_id: userId.check(z.describe('whose calendar: the user id, as returned by user_find')),
      subject: line(200).check(z.describe('what it is, as the calendar shows it')),
      start: utc.check(z.describe('when it begins, in UTC; look into calendar_list first')),
      end: utc.check(z.describe('when it ends, in UTC; later than the start')),
      location: z.optional(line(200)).check(z.describe('where it is, only if that was said')),
      text: z.optional(text(1, 5000)).check(z.describe('what to know for it, as plain text')),
    })
    .check(z.refine(({ start, end }) => start < end, 'end is later than start')),
  effect: 'create',
  target: ({ user_id }) => ['graph', 'event', `new-of-${user_id}`],
  identifiedBy: ['subject', 'start', 'end'],
  part: ['subject', 'start'],
  occasion: 'window',
  operation: ({ user_id, subject, start, end, location, text }) =>
    graph.events.create(user_id, {
      ...{ subject, start, end },
      ...(location === undefined ? {} : { location }),
      ...(text === undefined ? {} : { body: text }),
    }),
  present: presentChange('event', eventFields),
  examples: [
    {
      user_id: '00000000-0000-4000-8000-000000000001',
      subject: 'Call Northwind about the renewal',
      start: '2026-01-31T13:00:00Z',
      end: '2026-01-31T13:30:00Z',
    },
  ],
});
