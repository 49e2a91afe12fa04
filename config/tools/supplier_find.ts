import * as z from 'zod/mini';
import { erpnext } from '../../shared/connectors/erpnext/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentPage, recordsOf } from '../../shared/tools/records.ts';
import { pageInputs, words } from './erp_inputs.ts';

export default defineTool({
  name: 'supplier_find',
  does: 'Finds suppliers in ERPNext by a part of their name, last changed first.',
  useWhen: ['you need the ERPNext supplier id for a purchase order'],
  doNotUseWhen: ['you look for a customer: use erp_customer_find'],
  input: z.strictObject({
    words: words.check(z.describe('a part of the name that is surely in it, without the legal form')),
    ...pageInputs,
  }),
  effect: 'read',
  operation: ({ words, limit, after }) =>
    erpnext.suppliers.list({
      where: [{ field: 'supplier_name', operator: 'contains', value: words }],
      direction: 'desc',
      limit,
      ...(after ? { after } : {}),
    }),
  lookup: { none: 'empty', several: 'list', missingField: 'fail', unavailable: 'fail' },
  records: recordsOf('supplier'),
  present: presentPage('suppliers', {
    supplier_name: 'supplier_name',
    supplier_group: 'supplier_group',
    country: 'country',
    tax_id: 'tax_id',
    disabled: 'disabled',
  }),
  examples: [{ words: 'Parts' }],
});
