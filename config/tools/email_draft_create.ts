import * as z from 'zod/mini';
import { graph } from '../../shared/connectors/graph/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentChange } from '../../shared/tools/records.ts';
import { line, text } from './inputs.ts';
import { addresses, messageFields, userId } from './mail_inputs.ts';

export default defineTool({
  name: 'email_draft_create',
  does: 'Writes a new mail as a draft into the mailbox of one colleague. Nothing is sent: a person can read and change it in Outlook.',
  useWhen: ['a mail is to be written that answers no other mail'],
  doNotUseWhen: ['it answers a mail: use email_reply_create', 'the draft exists and is to go out: use email_send'],
  input: z.strictObject({
    user_id: userId.check(z.describe('who writes the mail: the user id, as returned by user_find')),
    to: addresses.check(z.describe('the e-mail addresses of those it is for, 1 to 20')),
    cc: z.optional(addresses).check(z.describe('the e-mail addresses of those who get a copy')),
    subject: line(200).check(z.describe('the subject line, as the reader sees it')),
    text: text(1, 20_000).check(z.describe('the whole mail as plain text, with greeting and signature')),
  }),
  effect: 'create',
  target: ({ user_id }) => ['graph', 'message', `new-of-${user_id}`],
  identifiedBy: ['to', 'subject', 'text'],
  part: ['subject'],
  occasion: 'window',
  operation: ({ user_id, to, cc, subject, text }) =>
    graph.messages.create(user_id, {
      ...{ subject, body: text, toRecipients: to },
      ...(cc === undefined ? {} : { ccRecipients: cc }),
    }),
  present: presentChange('draft', messageFields),
  examples: [
    {
      user_id: '00000000-0000-4000-8000-000000000001',
      to: ['maria@example.com'],
      subject: 'Your delivery',
      text: 'Dear Ms Gomez,\nyour delivery leaves us on Friday.\nKind regards\nAnna',
    },
  ],
});
