import * as z from 'zod/mini';
import { slack } from '../../shared/connectors/slack/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentChange, recordsOf } from '../../shared/tools/records.ts';
import { text } from './inputs.ts';
import { channelId, mentions } from './slack_inputs.ts';

export default defineTool({
  name: 'slack_message_post',
  does: 'Posts a plain text message in one Slack channel that the app is a member of. Words such as @channel stay words and call nobody.',
  useWhen: ['colleagues should read something new in a channel'],
  doNotUseWhen: [
    'you answer a message: use slack_thread_reply',
    'you want to correct what you posted: use slack_message_update',
    'you do not have the channel id: use slack_channel_find first',
  ],
  input: z.strictObject({
    channel_id: channelId.check(z.describe('Slack channel id, as returned by slack_channel_find')),
    text: text(1, 3900).check(z.describe('the message; *bold*, _italic_ and `code` are shown as such')),
    mention_user_ids: mentions.check(z.describe('ids of at most five people who are notified, named before the text')),
  }),
  effect: 'send',
  target: ({ channel_id }) => ['slack', 'channel', channel_id],
  identifiedBy: ['text', 'mention_user_ids'],
  occasion: 'window',
  live: { call: ({ channel_id }) => slack.channels.get(channel_id), records: recordsOf('channel') },
  operation: ({ channel_id, text, mention_user_ids }, { nowMs }) =>
    slack.messages.post({ channel: channel_id, text, mentions: mention_user_ids.map((user) => ({ user })) }, nowMs),
  present: presentChange('message', { text: 'text', at: 'at' }),
  examples: [{ channel_id: 'C0SUPPORT', text: 'The refund of Northwind is done.', mention_user_ids: ['U0ANNA'] }],
});
