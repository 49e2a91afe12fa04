import * as z from 'zod/mini';
import { erpnext } from '../../shared/connectors/erpnext/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentChange } from '../../shared/tools/records.ts';
import { day, erpId, orderLines, rowsOf, salesOrderFields } from './erp_inputs.ts';
import { line } from './inputs.ts';

export default defineTool({
  name: 'sales_order_create',
  does: 'Creates one sales order in ERPNext as a draft. Nothing is reserved, delivered or billed before it is submitted.',
  useWhen: ['a customer ordered and no order exists for it'],
  doNotUseWhen: [
    'an order for it may exist: use sales_order_find first',
    'something is to be bought from a supplier: use purchase_order_create',
    'the customer only asks for a price',
  ],
  input: z.strictObject({
    customer_id: erpId.check(z.describe('ERPNext customer id, as returned by erp_customer_find')),
    delivery_date: day.check(z.describe('the day the customer is to have it')),
    items: orderLines.check(z.describe('what is ordered, 1 to 50 lines')),
    customer_reference: z.optional(line(140)).check(z.describe('the order number of the customer, if one was given')),
  }),
  effect: 'create',
  target: ({ customer_id }) => ['erpnext', 'sales_order', `new-for-${customer_id}`],
  identifiedBy: ['delivery_date', 'items', 'customer_reference'],
  part: ['customer_reference'],
  occasion: 'window',
  operation: ({ customer_id, delivery_date, items, customer_reference }) =>
    erpnext.salesOrders.create({
      customer: customer_id,
      delivery_date,
      items: rowsOf(items),
      ...(customer_reference === undefined ? {} : { po_no: customer_reference }),
    }),
  present: presentChange('sales_order', salesOrderFields),
  examples: [
    {
      customer_id: 'CUST-2026-00012',
      delivery_date: '2026-12-31',
      items: [{ item_code: 'BEA-100', qty: 4 }],
      customer_reference: 'PO 4711',
    },
  ],
});
