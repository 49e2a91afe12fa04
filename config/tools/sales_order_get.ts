import * as z from 'zod/mini';
import { erpnext } from '../../shared/connectors/erpnext/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentOne, recordsOf } from '../../shared/tools/records.ts';
import { erpId, salesOrderFields } from './erp_inputs.ts';

export default defineTool({
  name: 'sales_order_get',
  does: 'Reads one sales order of ERPNext with its lines, its status, and the version that sales_order_submit needs.',
  useWhen: ['you have an order number and need what was ordered, or how far it is delivered and billed'],
  doNotUseWhen: ['you do not have the order number: use sales_order_find'],
  input: z.strictObject({ order_id: erpId.check(z.describe('sales order number, as returned by sales_order_find')) }),
  effect: 'read',
  operation: ({ order_id }) => erpnext.salesOrders.get(order_id),
  lookup: { none: 'fail', several: 'fail', missingField: 'case', unavailable: 'fail' },
  records: recordsOf('sales_order'),
  required: ['status', 'customer'],
  present: presentOne('sales_order', { ...salesOrderFields, items: 'lines' }),
  examples: [{ order_id: 'SAL-ORD-2026-00017' }],
});
