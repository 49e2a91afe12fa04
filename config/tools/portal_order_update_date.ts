import * as z from 'zod/mini';
import { restOn } from '../../shared/connectors/rest/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentChange } from '../../shared/tools/records.ts';
import { orderFields } from './supplier_portal_fields.ts';
import { day, orderNo } from './supplier_portal_inputs.ts';

export default defineTool({
  name: 'portal_order_update_date',
  does: 'Changes the wanted delivery date of one order at the supplier that has not been shipped.',
  useWhen: ['a delivery is wanted earlier or later than it was ordered'],
  doNotUseWhen: ['the order is not wanted any more: use portal_order_cancel'],
  input: z.strictObject({
    order_no: orderNo.check(z.describe('the order number of the supplier, such as P50123')),
    wanted_date: day.check(z.describe('the day on which the goods are wanted now')),
  }),
  effect: 'update',
  target: ({ order_no }) => ['supplier-portal', 'order', order_no],
  identifiedBy: ['order_no', 'wanted_date'],
  operation: (input) => restOn('supplier-portal').call('order_set_date', input),
  present: presentChange('order', orderFields),
  examples: [{ order_no: 'P50123', wanted_date: '2026-12-08' }],
});
