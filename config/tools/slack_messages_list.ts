import * as z from 'zod/mini';
import { slack } from '../../shared/connectors/slack/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentPage, recordsOf } from '../../shared/tools/records.ts';
import { channelId, messageFields } from './slack_inputs.ts';

export default defineTool({
  name: 'slack_messages_list',
  does: 'Reads the messages of one Slack channel, newest first. Answers to them stand in their threads and are not among them; `replies` says how many there are.',
  useWhen: ['you need to know what was said in a channel lately'],
  doNotUseWhen: [
    'you need the answers to a message: use slack_thread_get',
    'you have no channel id: use slack_channel_find',
  ],
  input: z.strictObject({
    channel_id: channelId.check(z.describe('Slack channel id, as returned by slack_channel_find')),
    since: z
      .optional(z.iso.datetime())
      .check(z.describe('only messages at or after this time, such as 2026-03-01T09:00:00Z')),
    limit: z
      ._default(z.int().check(z.minimum(1), z.maximum(100)), 20)
      .check(z.describe('how many messages to return at most, 1 to 100')),
    after: z
      .optional(z.string().check(z.maxLength(200)))
      .check(z.describe('the `after` of an earlier answer, to get older messages')),
  }),
  effect: 'read',
  operation: ({ channel_id, since, limit, after }) =>
    slack.messages.list({
      channel: channel_id,
      limit,
      ...(since === undefined ? {} : { fromS: Math.floor(Date.parse(since) / 1000) }),
      ...(after === undefined ? {} : { after }),
    }),
  lookup: { none: 'empty', several: 'list', missingField: 'fail', unavailable: 'fail' },
  records: recordsOf('message'),
  present: presentPage('messages', messageFields),
  examples: [{ channel_id: 'C0SUPPORT', limit: 10 }],
});
