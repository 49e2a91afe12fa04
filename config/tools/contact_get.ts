import * as z from 'zod/mini';
import { hubspot } from '../../shared/connectors/hubspot/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentOne, recordsOf } from '../../shared/tools/records.ts';
import { contactFields, contactProperties } from './contact_fields.ts';
import { recordId } from './inputs.ts';

export default defineTool({
  name: 'contact_get',
  does: 'Reads one HubSpot contact by its id, with the ids of its companies, deals and tickets.',
  useWhen: ['you have a contact id and need current details', 'you need the deals or tickets of a contact'],
  doNotUseWhen: ['you only have a name, e-mail or phone number: use contact_find'],
  input: z.strictObject({
    contact_id: recordId.check(z.describe('HubSpot contact id, as returned by contact_find')),
  }),
  effect: 'read',
  operation: ({ contact_id }) =>
    hubspot.contacts.get(contact_id, { properties: contactProperties, associations: ['company', 'deal', 'ticket'] }),
  lookup: { none: 'fail', several: 'fail', missingField: 'fail', unavailable: 'fail' },
  records: recordsOf('contact'),
  present: presentOne('contact', contactFields),
  examples: [{ contact_id: '1001' }],
});
