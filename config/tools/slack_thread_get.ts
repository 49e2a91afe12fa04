import * as z from 'zod/mini';
import { slack } from '../../shared/connectors/slack/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentPage, recordsOf } from '../../shared/tools/records.ts';
import { messageFields, messageId, placeOf } from './slack_inputs.ts';

export default defineTool({
  name: 'slack_thread_get',
  does: 'Reads one Slack message and the answers in its thread, oldest first. Every page begins with the first message of the thread.',
  useWhen: ['you need the whole conversation around a message'],
  doNotUseWhen: ['you do not have a message id: use slack_messages_list first'],
  input: z.strictObject({
    message_id: messageId.check(z.describe('id of any message of the thread, as returned by slack_messages_list')),
    limit: z
      ._default(z.int().check(z.minimum(2), z.maximum(100)), 50)
      .check(z.describe('how many messages to return at most, 2 to 100')),
    after: z
      .optional(z.string().check(z.maxLength(200)))
      .check(z.describe('the `after` of an earlier answer, to get later answers')),
  }),
  effect: 'read',
  operation: ({ message_id, limit, after }) => {
    const { channel, ts, threadTs = ts } = placeOf(message_id);
    return slack.messages.thread({ channel, threadTs, limit, ...(after === undefined ? {} : { after }) });
  },
  lookup: { none: 'fail', several: 'list', missingField: 'fail', unavailable: 'fail' },
  records: recordsOf('message'),
  present: presentPage('messages', messageFields),
  examples: [{ message_id: 'C0SUPPORT/1715000000.000100' }],
});
