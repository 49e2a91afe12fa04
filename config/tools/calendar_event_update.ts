import * as z from 'zod/mini';
import { graph } from '../../shared/connectors/graph/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentChange } from '../../shared/tools/records.ts';
import { line } from './inputs.ts';
import { eventFields, itemId, nobodyInvited, userId, utc } from './mail_inputs.ts';

export default defineTool({
  name: 'calendar_event_update',
  does: 'Moves or renames an appointment in the calendar of one colleague, unless it was changed since it was read.',
  useWhen: ['an appointment without other people is to be at another time or place'],
  doNotUseWhen: [
    'other people are invited: who organizes it changes it in Outlook',
    'it is new: use calendar_event_create',
  ],
  input: z
    .strictObject({
      user_id: userId.check(z.describe('whose calendar: the user id, as returned by user_find')),
      event_id: itemId.check(z.describe('the id of the event, as returned by calendar_list')),
      version: z
        .string()
        .check(z.regex(/^[A-Za-z0-9+/=_-]{4,120}$/, 'the version of the event'))
        .check(z.describe('the version of the event that you read, as returned by calendar_list')),
      subject: z.optional(line(200)).check(z.describe('the new subject, only if it changes')),
      start: z.optional(utc).check(z.describe('the new beginning in UTC; only together with end')),
      end: z.optional(utc).check(z.describe('the new end in UTC; only together with start')),
      location: z.optional(line(200)).check(z.describe('the new place, only if it changes')),
    })
    .check(
      z.refine(
        ({ subject, start, end, location }) =>
          (start === undefined) === (end === undefined) &&
          (start === undefined || start < (end ?? '')) &&
          [subject, start, location].some((given) => given !== undefined),
        'something that changes; start together with a later end',
      ),
    ),
  effect: 'update',
  target: ({ event_id }) => ['graph', 'event', event_id],
  identifiedBy: ['subject', 'start', 'end', 'location'],
  occasion: 'run',
  gates: [nobodyInvited],
  operation: ({ user_id, event_id, version, subject, start, end, location }) => {
    const given = Object.entries({ subject, start, end, location });
    const properties = Object.fromEntries(given.filter((one): one is [string, string] => one[1] !== undefined));
    return graph.events.update(user_id, event_id, properties, { etag: `W/"${version}"` });
  },
  present: presentChange('event', eventFields),
  examples: [
    {
      user_id: '00000000-0000-4000-8000-000000000001',
      event_id: 'AAkALgExample0000001A=',
      version: 'CQAAABYAAAD000000001AAA',
      subject: 'Call Northwind',
    },
  ],
});
