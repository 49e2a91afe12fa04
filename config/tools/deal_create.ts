import * as z from 'zod/mini';
import { hubspot } from '../../shared/connectors/hubspot/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentChange } from '../../shared/tools/records.ts';
import { dealFields } from './deal_fields.ts';
import { openStages } from './deal_stages.ts';
import { line, plainDecimal, recordId } from './inputs.ts';

export default defineTool({
  name: 'deal_create',
  does: 'Creates one HubSpot deal in the sales pipeline, linked to a contact where one is given.',
  useWhen: ['a customer asked for an offer and no deal exists for it'],
  doNotUseWhen: ['a deal for it may exist: use deal_search first', 'a deal moved on: use deal_update_stage'],
  input: z.strictObject({
    name: line(200).check(z.describe('deal name: company and what is sold')),
    stage: z
      ._default(z.enum(openStages), 'appointmentscheduled')
      .check(z.describe('the open stage the deal starts in')),
    amount: z
      .optional(z.string().check(z.regex(/^[0-9]{1,9}(\.[0-9]{1,2})?$/), z.overwrite(plainDecimal)))
      .check(z.describe('expected amount in the currency of the account, such as 12500.00')),
    contact_id: z.optional(recordId).check(z.describe('HubSpot contact id, as returned by contact_find')),
  }),
  effect: 'create',
  target: ({ contact_id }) => ['hubspot', 'deal', contact_id ? `new-for-${contact_id}` : 'new'],
  identifiedBy: ['name', 'amount'],
  part: ['name'],
  occasion: 'window',
  operation: ({ name, stage, amount, contact_id }) =>
    hubspot.deals.create(
      { dealname: name, dealstage: stage, pipeline: 'default', ...(amount === undefined ? {} : { amount }) },
      contact_id ? [{ object: 'contact', id: contact_id }] : [],
    ),
  present: presentChange('deal', dealFields),
  examples: [{ name: 'Acme GmbH: annual licence', amount: '12500.00', contact_id: '1001' }],
});
