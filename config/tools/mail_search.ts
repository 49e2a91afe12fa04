import * as z from 'zod/mini';
import { graph } from '../../shared/connectors/graph/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentPage, recordsOf } from '../../shared/tools/records.ts';
import { email, line } from './inputs.ts';
import { day, isOfMailbox, messageFields, nextPage, ofMailbox, userId } from './mail_inputs.ts';

export default defineTool({
  name: 'mail_search',
  does: 'Searches the mails in the mailbox of one colleague by words, sender, subject or days, newest first. Mails of the last minutes may be missing.',
  useWhen: ['you look for a mail whose id you do not have', 'you need to know what was written about a subject'],
  doNotUseWhen: ['you have the message id: use mail_get', 'you want a whole conversation: use mail_thread_get'],
  input: z
    .strictObject({
      user_id: userId.check(z.describe('whose mailbox: the user id, as returned by user_find')),
      words: z.optional(line(120)).check(z.describe('words as they stand next to each other in subject or text')),
      from: z.optional(email).check(z.describe('the e-mail address of the sender')),
      subject: z.optional(line(120)).check(z.describe('words that stand next to each other in the subject')),
      received_from: z.optional(day).check(z.describe('only mails received on this day or later')),
      received_to: z.optional(day).check(z.describe('only mails received on this day or earlier')),
      limit: z
        ._default(z.int().check(z.minimum(1), z.maximum(25)), 10)
        .check(z.describe('how many mails to return at most, 1 to 25')),
      after: z.optional(nextPage).check(z.describe('the `after` of an earlier answer, to get the next page')),
    })
    .check(
      z.refine(
        ({ words, from, subject, received_from, after }) =>
          [words, from, subject, received_from, after].some((given) => given !== undefined),
        'at least one of: words; from; subject; received_from; after',
      ),
      z.refine(isOfMailbox, ofMailbox),
    ),
  effect: 'read',
  operation: ({ user_id, words, from, subject, received_from, received_to, limit, after }) =>
    after === undefined
      ? graph.messages.search(user_id, {
          ...(words === undefined ? {} : { words }),
          ...(from === undefined ? {} : { from }),
          ...(subject === undefined ? {} : { subject }),
          ...(received_from === undefined ? {} : { receivedFrom: received_from }),
          ...(received_to === undefined ? {} : { receivedTo: received_to }),
          limit,
        })
      : graph.messages.next(after),
  lookup: { none: 'empty', several: 'list', missingField: 'fail', unavailable: 'fail' },
  records: recordsOf('message'),
  present: presentPage('mails', messageFields),
  examples: [
    { user_id: '00000000-0000-4000-8000-000000000001', words: 'delivery late' },
    { user_id: '00000000-0000-4000-8000-000000000001', from: 'maria@example.com', received_from: '2026-01-01' },
  ],
});
