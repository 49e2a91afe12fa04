import * as z from 'zod/mini';
import { slack } from '../../shared/connectors/slack/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentChange, recordsOf } from '../../shared/tools/records.ts';
import { text } from './inputs.ts';
import { mentions, messageId, placeOf } from './slack_inputs.ts';

export default defineTool({
  name: 'slack_thread_reply',
  does: 'Answers a Slack message in its thread, with plain text. Words such as @channel stay words and call nobody.',
  useWhen: ['you answer a message or continue its thread'],
  doNotUseWhen: [
    'it is a new subject: use slack_message_post',
    'you have not read the thread: use slack_thread_get first',
  ],
  input: z.strictObject({
    message_id: messageId.check(z.describe('id of any message of the thread, as returned by slack_messages_list')),
    text: text(1, 3900).check(z.describe('the answer; *bold*, _italic_ and `code` are shown as such')),
    mention_user_ids: mentions.check(z.describe('ids of at most five people who are notified, named before the text')),
  }),
  effect: 'send',
  target: ({ message_id }) => ['slack', 'thread', threadOf(message_id).id],
  identifiedBy: ['text', 'mention_user_ids'],
  occasion: 'event', // an event is answered once in its thread, whatever the words
  live: { call: ({ message_id }) => slack.channels.get(placeOf(message_id).channel), records: recordsOf('channel') },
  operation: ({ message_id, text, mention_user_ids }, { nowMs }) => {
    const { channel, threadTs } = threadOf(message_id);
    return slack.messages.post(
      { channel, threadTs, text, mentions: mention_user_ids.map((user) => ({ user })) },
      nowMs,
    );
  },
  present: presentChange('message', { text: 'text', at: 'at' }),
  examples: [{ message_id: 'C0SUPPORT/1715000000.000100', text: 'The refund is on its way.' }],
});

/** The thread a message belongs to, under one id whichever of its messages was named. */
function threadOf(id: string) {
  const { channel, ts, threadTs = ts } = placeOf(id);
  return { channel, threadTs, id: `${channel}/${threadTs}` };
}
