import * as z from 'zod/mini';
import { graph } from '../../shared/connectors/graph/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentChange, recordsOf } from '../../shared/tools/records.ts';
import { text } from './inputs.ts';
import { itemId, messageFields, userId } from './mail_inputs.ts';

export default defineTool({
  name: 'email_reply_create',
  does: 'Writes an answer to one mail as a draft, in the same conversation and to its sender or to everybody. Nothing is sent.',
  useWhen: ['a mail is to be answered'],
  doNotUseWhen: ['it answers no mail: use email_draft_create', 'the draft exists and is to go out: use email_send'],
  input: z.strictObject({
    user_id: userId.check(z.describe('who answers: the user id, as returned by user_find')),
    message_id: itemId.check(z.describe('the mail that is answered, as returned by mail_search or mail_thread_get')),
    text: text(1, 20_000).check(z.describe('the whole answer as plain text, with greeting and signature')),
    to_all: z._default(z.boolean(), false).check(z.describe('whether everybody who got the mail gets the answer')),
  }),
  effect: 'create',
  target: ({ message_id }) => ['graph', 'message', message_id],
  identifiedBy: ['text', 'to_all'],
  occasion: 'window',
  live: { call: ({ user_id, message_id }) => graph.messages.get(user_id, message_id), records: recordsOf('message') },
  operation: ({ user_id, message_id, text, to_all }) => graph.messages.reply(user_id, message_id, text, to_all),
  present: presentChange('draft', messageFields),
  examples: [
    {
      user_id: '00000000-0000-4000-8000-000000000001',
      message_id: 'AAkALgExample0000001A=',
      text: 'Dear Ms Gomez,\nthank you, Friday suits us.\nKind regards\nAnna',
    },
  ],
});
