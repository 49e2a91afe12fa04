import * as z from 'zod/mini';
import { erpnext } from '../../shared/connectors/erpnext/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentPage, recordsOf } from '../../shared/tools/records.ts';
import { pageInputs, words } from './erp_inputs.ts';

export default defineTool({
  name: 'item_find',
  does: 'Finds items (products and services) in ERPNext by a part of their name, last changed first.',
  useWhen: ['you need the item code for an order or for the stock'],
  doNotUseWhen: ['you have the item code and want the quantity: use item_stock_get'],
  input: z.strictObject({
    words: words.check(z.describe('a part of the item name, such as one word of it')),
    ...pageInputs,
  }),
  effect: 'read',
  operation: ({ words, limit, after }) =>
    erpnext.items.list({
      where: [
        { field: 'item_name', operator: 'contains', value: words },
        { field: 'disabled', operator: '=', value: false },
      ],
      direction: 'desc',
      limit,
      ...(after ? { after } : {}),
    }),
  lookup: { none: 'empty', several: 'list', missingField: 'fail', unavailable: 'fail' },
  records: recordsOf('item'),
  present: presentPage('items', {
    item_code: 'item_code',
    item_name: 'item_name',
    item_group: 'item_group',
    stock_uom: 'unit',
    is_stock_item: 'is_stock_item',
  }),
  examples: [{ words: 'Bearing' }],
});
