import * as z from 'zod/mini';
import { slack } from '../../shared/connectors/slack/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentChange } from '../../shared/tools/records.ts';
import { text } from './inputs.ts';
import { messageId, placeOf } from './slack_inputs.ts';

export default defineTool({
  name: 'slack_message_update',
  does: 'Replaces the text of a Slack message that was posted with these tools. People see that it was edited; nobody is notified again.',
  useWhen: ['a message you posted is wrong or out of date'],
  doNotUseWhen: ['somebody else wrote the message: it is refused', 'people should notice: use slack_thread_reply'],
  input: z.strictObject({
    message_id: messageId.check(z.describe('id of the message, as returned when it was posted')),
    text: text(1, 3900).check(z.describe('the whole new text')),
  }),
  effect: 'update',
  target: ({ message_id }) => ['slack', 'message', message_id],
  identifiedBy: ['text'],
  occasion: 'run',
  operation: ({ message_id, text }) => slack.messages.update(placeOf(message_id), text),
  present: presentChange('message', { text: 'text' }),
  examples: [{ message_id: 'C0SUPPORT/1715000000.000100', text: 'The refund was made on 3 March.' }],
});
