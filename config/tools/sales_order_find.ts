import * as z from 'zod/mini';
import { erpnext } from '../../shared/connectors/erpnext/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentPage, recordsOf } from '../../shared/tools/records.ts';
import { erpId, pageInputs, salesOrderFields } from './erp_inputs.ts';
import { line } from './inputs.ts';

const statuses = [
  'Draft',
  'On Hold',
  'To Deliver and Bill',
  'To Bill',
  'To Deliver',
  'Completed',
  'Cancelled',
  'Closed',
] as const;

export default defineTool({
  name: 'sales_order_find',
  does: 'Lists sales orders in ERPNext, last changed first: of one customer, with one reference of the customer, or in one status.',
  useWhen: ['you look for an order whose number you do not have', 'you check whether an order was made already'],
  doNotUseWhen: ['you have the order number: use sales_order_get', 'you look for a deal: use deal_search'],
  input: z.strictObject({
    customer_id: z.optional(erpId).check(z.describe('only orders of this customer, as returned by erp_customer_find')),
    customer_reference: z
      .optional(line(140))
      .check(z.describe('only orders with exactly this order number of the customer')),
    status: z.optional(z.enum(statuses)).check(z.describe('only orders in this status')),
    ...pageInputs,
  }),
  effect: 'read',
  operation: ({ customer_id, customer_reference, status, limit, after }) => {
    const wanted = { customer: customer_id, po_no: customer_reference, status };
    const where = Object.entries(wanted).flatMap(([field, value]) =>
      value === undefined ? [] : [{ field, operator: '=' as const, value }],
    );
    return erpnext.salesOrders.list({ where, direction: 'desc', limit, ...(after ? { after } : {}) });
  },
  lookup: { none: 'empty', several: 'list', missingField: 'fail', unavailable: 'fail' },
  records: recordsOf('sales_order'),
  present: presentPage('sales_orders', salesOrderFields),
  examples: [{ customer_id: 'CUST-2026-00012', status: 'Draft' }, { customer_reference: 'PO 4711' }],
});
