import * as z from 'zod/mini';
import { restOn } from '../../shared/connectors/rest/calls.ts';
import { fromLocal } from '../../shared/connectors/rest/local-time.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentPage, recordsOf } from '../../shared/tools/records.ts';
import { orderFields } from './supplier_portal_fields.ts';
import { after, day, portalZone } from './supplier_portal_inputs.ts';

export default defineTool({
  name: 'portal_order_list',
  does: 'Lists orders at the supplier, newest first, a page at a time; by status, or those that changed since a day.',
  useWhen: ['you look for an order whose number you do not know', 'you need the open orders at the supplier'],
  doNotUseWhen: ['you know the order number: use portal_order_get'],
  input: z.strictObject({
    status: z
      .optional(z.enum(['NEW', 'CONFIRMED', 'SHIPPED', 'CANCELLED']))
      .check(z.describe('only orders in this status')),
    changed_since: z.optional(day).check(z.describe('only orders that changed on or after this day')),
    after,
  }),
  effect: 'read',
  lookup: { none: 'empty', several: 'list', missingField: 'fail', unavailable: 'fail' },
  operation: ({ status, changed_since, after: page }) =>
    restOn('supplier-portal').call('order_list', status === undefined ? {} : { status }, {
      after: page,
      sinceMs: changed_since === undefined ? undefined : Date.parse(fromLocal(changed_since, portalZone) ?? ''),
    }),
  records: recordsOf('order'),
  present: presentPage('orders', orderFields),
  examples: [{ status: 'NEW' }, { changed_since: '2026-11-01' }],
});
