import * as z from 'zod/mini';
import { hubspot } from '../../shared/connectors/hubspot/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentOne, recordsOf } from '../../shared/tools/records.ts';
import { contactFields, contactProperties } from './contact_fields.ts';
import { email, line } from './inputs.ts';

export default defineTool({
  name: 'contact_find',
  does: 'Finds the one HubSpot contact with an e-mail address, or with a phone number or a full name.',
  useWhen: ['you know who a person is and need the contact id or details'],
  doNotUseWhen: ['you already have the contact id: use contact_get'],
  input: z
    .strictObject({
      email: z.optional(email).check(z.describe('the e-mail address; the surest way, look by it when you have it')),
      phone: z.optional(line(40)).check(z.describe('the phone number exactly as it stands in HubSpot')),
      firstname: z.optional(line(80)).check(z.describe('the first name; only together with the last name')),
      lastname: z.optional(line(80)).check(z.describe('the last name; only together with the first name')),
    })
    .check(
      z.refine(
        ({ email, phone, firstname, lastname }) =>
          [email, phone, firstname && lastname].filter((given) => given !== undefined).length === 1 &&
          (firstname === undefined) === (lastname === undefined),
        'exactly one of: email; phone; firstname and lastname',
      ),
    ),
  effect: 'read',
  operation: ({ email, phone, firstname, lastname }) => {
    const by = email ? { email } : phone ? { phone } : { firstname: firstname ?? '', lastname: lastname ?? '' };
    return hubspot.contacts.find(by, { properties: contactProperties });
  },
  lookup: { none: 'fail', several: 'fail', missingField: 'fail', unavailable: 'fail' },
  records: recordsOf('contact'),
  present: presentOne('contact', contactFields),
  examples: [{ email: 'maria@example.com' }, { firstname: 'Maria', lastname: 'Gomez' }],
});
