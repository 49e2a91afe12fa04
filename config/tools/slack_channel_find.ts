import * as z from 'zod/mini';
import { slack } from '../../shared/connectors/slack/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentPage, recordsOf } from '../../shared/tools/records.ts';
import { line } from './inputs.ts';

export default defineTool({
  name: 'slack_channel_find',
  does: 'Finds Slack channels by a part of their name. Each call looks through a thousand channels; an `after` in the answer means that there are more to look through.',
  useWhen: ['you need the id of a channel', 'you want to know which channels there are'],
  doNotUseWhen: ['you already have the channel id: use slack_messages_list to read it'],
  input: z.strictObject({
    name: z.optional(line(80)).check(z.describe('a part of the channel name, such as billing; leave out for all')),
    after: z
      .optional(z.string().check(z.maxLength(200)))
      .check(z.describe('the `after` of an earlier answer, to look further')),
  }),
  effect: 'read',
  operation: ({ name, after }) => slack.channels.list({ ...(name ? { name } : {}), ...(after ? { after } : {}) }),
  lookup: { none: 'empty', several: 'list', missingField: 'fail', unavailable: 'fail' },
  records: recordsOf('channel'),
  present: presentPage('channels', {
    name: 'name',
    topic: 'topic',
    private: 'private',
    member: 'app_is_member',
    shared_outside: 'shared_with_other_organisations',
  }),
  examples: [{ name: 'support' }],
});
