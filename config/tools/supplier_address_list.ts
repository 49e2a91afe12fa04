import * as z from 'zod/mini';
import { restOn } from '../../shared/connectors/rest/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentPage, recordsOf } from '../../shared/tools/records.ts';
import { line } from './inputs.ts';
import { shipToFields } from './supplier_portal_fields.ts';
import { after } from './supplier_portal_inputs.ts';

export default defineTool({
  name: 'supplier_address_list',
  does: 'Lists the delivery addresses that the supplier knows of us, by a part of their name. The supplier writes names in capitals, without accents.',
  useWhen: ['an order is to go to a certain customer or site and you need the code of its address'],
  doNotUseWhen: ['you want the details of a company: use contact_find'],
  input: z.strictObject({
    search: z.optional(line(24)).check(z.describe('a part of the name, such as ACME')),
    after,
  }),
  effect: 'read',
  lookup: { none: 'empty', several: 'list', missingField: 'fail', unavailable: 'fail' },
  operation: ({ search, after: page }) =>
    restOn('supplier-portal').call('ship_to_list', search === undefined ? {} : { search }, { after: page }),
  records: recordsOf('ship_to'),
  present: presentPage('addresses', shipToFields),
  examples: [{ search: 'ACME' }],
});
