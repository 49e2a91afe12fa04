import * as z from 'zod/mini';
import { erpnext } from '../../shared/connectors/erpnext/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentPage, recordsOf } from '../../shared/tools/records.ts';
import { customerFields, pageInputs, words } from './erp_inputs.ts';
import { email, line } from './inputs.ts';

export default defineTool({
  name: 'erp_customer_find',
  does: 'Finds customers in ERPNext by a part of their name, by tax number or by e-mail address, last changed first. One company may stand there twice.',
  useWhen: ['you need the ERPNext customer id for an order', 'you need to know how accounting spells a customer'],
  doNotUseWhen: ['you look for a person or a deal: use contact_find', 'you look for a vendor: use supplier_find'],
  input: z
    .strictObject({
      words: z.optional(words).check(z.describe('a part of the name that is surely in it, without the legal form')),
      tax_id: z.optional(line(40)).check(z.describe('the tax number exactly as it stands in ERPNext')),
      email: z.optional(email).check(z.describe('the e-mail address of accounting; capitals make no difference')),
      ...pageInputs,
    })
    .check(
      z.refine(
        ({ words, tax_id, email }) => [words, tax_id, email].filter((given) => given !== undefined).length === 1,
        'exactly one of: words; tax_id; email',
      ),
    ),
  effect: 'read',
  operation: ({ words, tax_id, email, limit, after }) => {
    const where = words
      ? ({ field: 'customer_name', operator: 'contains', value: words } as const)
      : ({ field: tax_id ? 'tax_id' : 'email_id', operator: '=', value: tax_id ?? email ?? '' } as const);
    return erpnext.customers.list({ where: [where], direction: 'desc', limit, ...(after ? { after } : {}) });
  },
  lookup: { none: 'empty', several: 'list', missingField: 'fail', unavailable: 'fail' },
  records: recordsOf('customer'),
  present: presentPage('customers', customerFields),
  examples: [{ words: 'Northwind', limit: 5 }, { tax_id: 'NL001234567B01' }],
});
