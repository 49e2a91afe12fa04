import * as z from 'zod/mini';
import { hubspot } from '../../shared/connectors/hubspot/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentChange } from '../../shared/tools/records.ts';
import { contactFields } from './contact_fields.ts';
import { email, line } from './inputs.ts';

export default defineTool({
  name: 'contact_upsert',
  does: 'Creates the HubSpot contact with an e-mail address, or changes the named fields where it exists.',
  useWhen: ['a person gave new or corrected contact details'],
  doNotUseWhen: ['you want to remember something that was said: use contact_append_note', 'you guess a value'],
  input: z.strictObject({
    email: email.check(z.describe('the e-mail address that identifies the contact')),
    firstname: z.optional(line(80)).check(z.describe('first name, only if it was given')),
    lastname: z.optional(line(80)).check(z.describe('last name, only if it was given')),
    phone: z.optional(line(40)).check(z.describe('phone number with country code, only if it was given')),
    company: z.optional(line(120)).check(z.describe('company name, only if it was given')),
    jobtitle: z.optional(line(120)).check(z.describe('job title, only if it was given')),
  }),
  effect: 'update',
  // The address itself is personal and must not stand in the record reference.
  target: () => ['hubspot', 'contact', 'by-email'],
  identifiedBy: ['email', 'firstname', 'lastname', 'phone', 'company', 'jobtitle'],
  part: ['email'],
  occasion: 'run',
  operation: ({ email, ...given }) => {
    const values = Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined);
    return hubspot.contacts.upsert({ email }, { email, ...Object.fromEntries(values) });
  },
  present: presentChange('contact', contactFields),
  examples: [{ email: 'maria@example.com', firstname: 'Maria', jobtitle: 'Head of Operations' }],
});
