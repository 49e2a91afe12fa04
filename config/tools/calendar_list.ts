import * as z from 'zod/mini';
import { graph } from '../../shared/connectors/graph/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentPage, recordsOf } from '../../shared/tools/records.ts';
import { eventFields, isOfMailbox, nextPage, ofMailbox, userId, utc } from './mail_inputs.ts';

export default defineTool({
  name: 'calendar_list',
  does: 'Lists what stands in the calendar of one colleague between two times, in order. All times are UTC.',
  useWhen: ['you look for a free time or for an appointment', 'you need the id and version of an event'],
  doNotUseWhen: ['you want to know what was written about it: use mail_search'],
  input: z
    .strictObject({
      user_id: userId.check(z.describe('whose calendar: the user id, as returned by user_find')),
      from: utc.check(z.describe('the beginning of the span, in UTC')),
      to: utc.check(z.describe('the end of the span, in UTC; at most a few weeks later')),
      limit: z
        ._default(z.int().check(z.minimum(1), z.maximum(50)), 25)
        .check(z.describe('how many events to return at most, 1 to 50')),
      after: z.optional(nextPage).check(z.describe('the `after` of an earlier answer, to get the next page')),
    })
    .check(z.refine(isOfMailbox, ofMailbox)),
  effect: 'read',
  operation: ({ user_id, from, to, limit, after }) =>
    after === undefined ? graph.events.list(user_id, { from, to, limit }) : graph.events.next(after),
  lookup: { none: 'empty', several: 'list', missingField: 'fail', unavailable: 'fail' },
  records: recordsOf('event'),
  present: presentPage('events', eventFields),
  examples: [
    {
      user_id: '00000000-0000-4000-8000-000000000001',
      from: '2026-01-31T00:00:00Z',
      to: '2026-02-07T00:00:00Z',
    },
  ],
});
