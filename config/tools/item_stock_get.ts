import * as z from 'zod/mini';
import { erpnext } from '../../shared/connectors/erpnext/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentPage, recordsOf } from '../../shared/tools/records.ts';
import { erpId } from './erp_inputs.ts';

export default defineTool({
  name: 'item_stock_get',
  does: 'Reads how much of one item ERPNext has in each warehouse: actual, reserved for orders, ordered from suppliers, and what remains of the three.',
  useWhen: ['a customer asks whether something is in stock', 'you check before promising a delivery'],
  doNotUseWhen: ['you do not have the item code: use item_find'],
  input: z.strictObject({ item_code: erpId.check(z.describe('item code, as returned by item_find')) }),
  effect: 'read',
  operation: ({ item_code }) =>
    erpnext.stock.list({ where: [{ field: 'item_code', operator: '=', value: item_code }], limit: 200 }),
  // A service, and an item that never was in stock, has no line.
  lookup: { none: 'empty', several: 'list', missingField: 'fail', unavailable: 'fail' },
  records: recordsOf('stock'),
  required: ['warehouse'],
  present: presentPage('stock', {
    item_code: 'item_code',
    warehouse: 'warehouse',
    actual_qty: 'actual',
    reserved_qty: 'reserved',
    ordered_qty: 'ordered',
    projected_qty: 'projected',
    stock_uom: 'unit',
  }),
  examples: [{ item_code: 'BEA-100' }],
});
