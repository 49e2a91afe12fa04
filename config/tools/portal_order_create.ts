import * as z from 'zod/mini';
import { restOn } from '../../shared/connectors/rest/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentChange } from '../../shared/tools/records.ts';
import { orderFields } from './supplier_portal_fields.ts';
import { articleNo, day, shipTo } from './supplier_portal_inputs.ts';

export default defineTool({
  name: 'portal_order_create',
  does: 'Places one order for one article at the supplier. The supplier delivers and sends an invoice.',
  useWhen: ['goods are to be ordered and article, quantity and address are known'],
  doNotUseWhen: [
    'the order may have been placed: use portal_order_list first',
    'only its date changes: use portal_order_update_date',
  ],
  input: z.strictObject({
    article_no: articleNo.check(z.describe('article number, as returned by supplier_price_list')),
    quantity: z.int().check(z.minimum(1), z.maximum(10_000), z.describe('how many pieces')),
    ship_to: z
      .optional(shipTo)
      .check(z.describe('delivery address, as returned by supplier_address_list; the first one by default')),
    wanted_date: z.optional(day).check(z.describe('the day on which the goods are wanted')),
    reference: z
      .optional(z.string().check(z.trim(), z.regex(/^[A-Za-z0-9._/-]{1,40}$/, 'letters, digits and . _ / -')))
      .check(z.describe('purchase order number of ours; two orders of one article on one day need two')),
  }),
  effect: 'create',
  target: ({ article_no }) => ['supplier-portal', 'order', `new-of-${article_no}`],
  identifiedBy: ['article_no', 'quantity', 'ship_to', 'wanted_date', 'reference'],
  part: ['article_no', 'reference'],
  occasion: 'window',
  operation: ({ reference: _reference, ...order }) => {
    const given = Object.entries(order).filter((entry): entry is [string, string | number] => entry[1] !== undefined);
    return restOn('supplier-portal').call('order_place', Object.fromEntries(given));
  },
  present: presentChange('order', orderFields),
  examples: [{ article_no: '100007', quantity: 12, wanted_date: '2026-12-01', reference: 'PO-4711' }],
});
