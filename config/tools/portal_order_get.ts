import * as z from 'zod/mini';
import { restOn } from '../../shared/connectors/rest/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentOne, recordsOf } from '../../shared/tools/records.ts';
import { orderFields } from './supplier_portal_fields.ts';
import { orderNo } from './supplier_portal_inputs.ts';

export default defineTool({
  name: 'portal_order_get',
  does: 'Reads one order at the supplier, live: what was ordered, how much, its status and its wanted delivery date.',
  useWhen: ['somebody asks where an order at the supplier stands and you know its number'],
  doNotUseWhen: ['you do not know the order number: use portal_order_list first'],
  input: z.strictObject({ order_no: orderNo.check(z.describe('the order number of the supplier, such as P50123')) }),
  effect: 'read',
  lookup: { none: 'fail', several: 'fail', missingField: 'case', unavailable: 'fail' },
  operation: ({ order_no }) => restOn('supplier-portal').call('order_get', { order_no }),
  records: recordsOf('order'),
  required: ['status', 'quantity'],
  present: presentOne('order', orderFields),
  examples: [{ order_no: 'P50123' }],
});
