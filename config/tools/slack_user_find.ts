import * as z from 'zod/mini';
import { slack } from '../../shared/connectors/slack/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentOne, recordsOf } from '../../shared/tools/records.ts';
import { email } from './inputs.ts';

export default defineTool({
  name: 'slack_user_find',
  does: 'Finds the one colleague in Slack with an e-mail address, to mention that person in a message.',
  useWhen: ['you need the Slack user id of a person whose e-mail address you know'],
  doNotUseWhen: ['you look for a customer: use contact_find', 'you already have the user id'],
  input: z.strictObject({ email: email.check(z.describe('the e-mail address the person uses in Slack')) }),
  effect: 'read',
  operation: ({ email }) => slack.users.find(email),
  lookup: { none: 'fail', several: 'fail', missingField: 'fail', unavailable: 'fail' },
  records: recordsOf('user'),
  present: presentOne('user', { real_name: 'name', title: 'title', timezone: 'timezone' }),
  examples: [{ email: 'anna@acme.example' }],
});
