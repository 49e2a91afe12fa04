import * as z from 'zod/mini';
import { hubspot } from '../../shared/connectors/hubspot/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentOne, recordsOf } from '../../shared/tools/records.ts';
import { dealFields, dealProperties } from './deal_fields.ts';
import { recordId } from './inputs.ts';

export default defineTool({
  name: 'deal_get',
  does: 'Reads one HubSpot deal by its id, with the ids of its contacts and companies.',
  useWhen: ['you have a deal id and need its current stage, amount or close date'],
  doNotUseWhen: ['you do not have the id: use deal_search'],
  input: z.strictObject({ deal_id: recordId.check(z.describe('HubSpot deal id, as returned by deal_search')) }),
  effect: 'read',
  operation: ({ deal_id }) =>
    hubspot.deals.get(deal_id, { properties: dealProperties, associations: ['contact', 'company'] }),
  lookup: { none: 'fail', several: 'fail', missingField: 'case', unavailable: 'fail' },
  records: recordsOf('deal'),
  required: ['dealstage', 'pipeline'],
  present: presentOne('deal', dealFields),
  examples: [{ deal_id: '501' }],
});
