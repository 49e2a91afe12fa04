import * as z from 'zod/mini';
import { graph } from '../../shared/connectors/graph/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentPage, recordsOf } from '../../shared/tools/records.ts';
import { isOfMailbox, itemId, messageFields, nextPage, ofMailbox, userId } from './mail_inputs.ts';

const recordsOfMail = recordsOf('message');

export default defineTool({
  name: 'mail_thread_get',
  does: 'Reads the mails of one conversation in every folder, what was sent and drafts included: oldest first where one page holds all of them.',
  useWhen: ['you need to know what was said before you answer', 'you want to see whether somebody answered already'],
  doNotUseWhen: ['you do not have the conversation id: use mail_search first'],
  input: z
    .strictObject({
      user_id: userId.check(z.describe('whose mailbox: the user id, as returned by user_find')),
      conversation_id: itemId.check(
        z.describe('the conversation_id of a mail, as returned by mail_search or mail_get'),
      ),
      after: z.optional(nextPage).check(z.describe('the `after` of an earlier answer, to get the next page')),
    })
    .check(z.refine(isOfMailbox, ofMailbox)),
  effect: 'read',
  operation: ({ user_id, conversation_id, after }) =>
    after === undefined ? graph.messages.thread(user_id, conversation_id, 50) : graph.messages.next(after),
  lookup: { none: 'fail', several: 'list', missingField: 'fail', unavailable: 'fail' },
  // Graph does not sort a list that is filtered by its conversation.
  records: (data) =>
    [...recordsOfMail(data)].sort((a, b) =>
      String(a.fields.receivedDateTime) < String(b.fields.receivedDateTime) ? -1 : 1,
    ),
  present: presentPage('mails', { ...messageFields, body: 'text' }),
  examples: [{ user_id: '00000000-0000-4000-8000-000000000001', conversation_id: 'AAQkADExample000001=' }],
});
