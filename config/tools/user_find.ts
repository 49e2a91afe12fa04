import * as z from 'zod/mini';
import { graph } from '../../shared/connectors/graph/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentOne, recordsOf } from '../../shared/tools/records.ts';
import { email, line } from './inputs.ts';
import { userFields } from './mail_inputs.ts';

export default defineTool({
  name: 'user_find',
  does: 'Finds the one colleague in Microsoft 365 with an e-mail address, or whose name begins with the given words.',
  useWhen: ['you need the user id of a colleague before you work with a mailbox or a calendar'],
  doNotUseWhen: ['the person is a customer: use contact_find'],
  input: z
    .strictObject({
      email: z.optional(email).check(z.describe('the e-mail address or sign-in name; the surest way')),
      name: z.optional(line(80)).check(z.describe('the beginning of the display name, such as Anna Exam')),
    })
    .check(
      z.refine(({ email, name }) => (email === undefined) !== (name === undefined), 'exactly one of: email; name'),
    ),
  effect: 'read',
  operation: ({ email, name }) => {
    const by = (property: string, operator: 'eq' | 'startswith', value: string) => [{ property, operator, value }];
    const where =
      email === undefined
        ? [by('displayName', 'startswith', name ?? '')]
        : [by('mail', 'eq', email), by('userPrincipalName', 'eq', email)];
    return graph.users.list({ where, limit: 10 });
  },
  lookup: { none: 'fail', several: 'fail', missingField: 'fail', unavailable: 'fail' },
  records: recordsOf('user'),
  present: presentOne('user', userFields),
  examples: [{ email: 'anna.example@acme.example' }, { name: 'Anna Example' }],
});
