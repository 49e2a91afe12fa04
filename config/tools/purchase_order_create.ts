import * as z from 'zod/mini';
import { erpnext } from '../../shared/connectors/erpnext/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentChange } from '../../shared/tools/records.ts';
import { day, erpId, orderLines, rowsOf } from './erp_inputs.ts';

export default defineTool({
  name: 'purchase_order_create',
  does: 'Creates one purchase order in ERPNext as a draft. Nothing is ordered: a person checks and submits it.',
  useWhen: ['something has to be bought from a supplier and no order exists for it'],
  doNotUseWhen: ['a customer ordered something: use sales_order_create', 'the price was not agreed and you guess it'],
  input: z.strictObject({
    supplier_id: erpId.check(z.describe('ERPNext supplier id, as returned by supplier_find')),
    required_by: day.check(z.describe('the day it is needed')),
    items: orderLines.check(z.describe('what is bought, 1 to 50 lines')),
  }),
  effect: 'create',
  target: ({ supplier_id }) => ['erpnext', 'purchase_order', `new-for-${supplier_id}`],
  identifiedBy: ['required_by', 'items'],
  part: ['supplier_id'],
  occasion: 'window',
  operation: ({ supplier_id, required_by, items }) =>
    erpnext.purchaseOrders.create({ supplier: supplier_id, schedule_date: required_by, items: rowsOf(items) }),
  present: presentChange('purchase_order', {
    supplier: 'supplier_id',
    supplier_name: 'supplier_name',
    status: 'status',
    docstatus: 'docstatus',
    schedule_date: 'required_by',
    currency: 'currency',
    grand_total: 'total',
    modified: 'version',
  }),
  examples: [
    { supplier_id: 'Parts Ltd', required_by: '2026-12-31', items: [{ item_code: 'BEA-100', qty: 40, rate: '9.50' }] },
  ],
});
