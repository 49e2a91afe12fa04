import * as z from 'zod/mini';
import { graph } from '../../shared/connectors/graph/calls.ts';
import { isObject } from '../../shared/model/json.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { itemId, stillDraft, userId } from './mail_inputs.ts';

export default defineTool({
  name: 'email_send',
  does: 'Sends one draft that was written with email_draft_create or email_reply_create, as it stands in the mailbox.',
  useWhen: ['the draft is complete and was meant to go out'],
  doNotUseWhen: [
    'there is no draft yet: use email_draft_create or email_reply_create',
    'a person wrote the draft in Outlook: tell the user to send it there',
  ],
  input: z.strictObject({
    user_id: userId.check(z.describe('whose draft it is: the user id, as returned by user_find')),
    draft_id: itemId.check(z.describe('the id of the draft, as returned by email_draft_create or email_reply_create')),
    draft_action: z
      .string()
      .check(z.regex(/^act_[0-9a-z]{40}_[0-9]{1,6}$/, 'an action_id'))
      .check(z.describe('the action_id that email_draft_create or email_reply_create answered with this draft')),
  }),
  effect: 'send',
  target: ({ draft_id }) => ['graph', 'message', draft_id],
  identifiedBy: ['draft_action'],
  occasion: 'ever',
  gates: [stillDraft],
  operation: ({ user_id, draft_id, draft_action }) => graph.messages.send(user_id, draft_id, draft_action),
  present: (result) => ({ mail: { id: isObject(result) ? (result.id ?? null) : null, sent: true } }),
  examples: [
    {
      user_id: '00000000-0000-4000-8000-000000000001',
      draft_id: 'AAkALgExample0000001A=',
      draft_action: `act_${'0'.repeat(40)}_1`,
    },
  ],
});
