import * as z from 'zod/mini';
import { erpnext } from '../../shared/connectors/erpnext/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentChange } from '../../shared/tools/records.ts';
import { erpId, isDraft, version } from './erp_inputs.ts';
import { text } from './inputs.ts';

export default defineTool({
  name: 'sales_order_submit',
  does: 'Submits one draft sales order in ERPNext exactly as it was read: stock is reserved and the order is binding. If somebody changed it since, nothing happens.',
  useWhen: ['the customer confirmed the draft as it stands'],
  doNotUseWhen: [
    'you have not read the draft in this conversation: use sales_order_get first',
    'you infer a confirmation',
  ],
  input: z.strictObject({
    order_id: erpId.check(z.describe('sales order number, as returned by sales_order_create or sales_order_find')),
    version: version.check(
      z.describe('the `version` of this draft, as sales_order_get or sales_order_create returned it'),
    ),
    confirmation: text(10, 500).check(z.describe('who confirmed it and in which words; shown to the approver')),
  }),
  effect: 'update',
  target: ({ order_id }) => ['erpnext', 'sales_order', order_id],
  identifiedBy: ['version'],
  occasion: 'run',
  gates: [isDraft],
  operation: ({ order_id, version }) => erpnext.salesOrders.submit(order_id, version),
  present: presentChange('sales_order', { docstatus: 'docstatus' }),
  examples: [
    {
      order_id: 'SAL-ORD-2026-00017',
      version: '2026-11-20 08:15:00.123456',
      confirmation: 'Ms Jansen of purchasing confirmed the order by mail on 20 November.',
    },
  ],
});
