import * as z from 'zod/mini';
import { restOn } from '../../shared/connectors/rest/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentChange } from '../../shared/tools/records.ts';
import { orderFields } from './supplier_portal_fields.ts';
import { orderNo } from './supplier_portal_inputs.ts';

export default defineTool({
  name: 'portal_order_cancel',
  does: 'Cancels one order at the supplier that has not been shipped. Nothing brings a cancelled order back.',
  useWhen: ['an order at the supplier is not wanted any more'],
  doNotUseWhen: ['only its date changes: use portal_order_update_date'],
  input: z.strictObject({ order_no: orderNo.check(z.describe('the order number of the supplier, such as P50123')) }),
  effect: 'update',
  target: ({ order_no }) => ['supplier-portal', 'order', order_no],
  identifiedBy: ['order_no'],
  operation: ({ order_no }) => restOn('supplier-portal').call('order_cancel', { order_no }),
  present: presentChange('order', orderFields),
  examples: [{ order_no: 'P50123' }],
});
