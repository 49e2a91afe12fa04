import * as z from 'zod/mini';
import { restOn } from '../../shared/connectors/rest/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentPage, recordsOf } from '../../shared/tools/records.ts';
import { line } from './inputs.ts';
import { articleFields } from './supplier_portal_fields.ts';
import { after } from './supplier_portal_inputs.ts';

export default defineTool({
  name: 'supplier_price_list',
  does: 'Lists articles of the supplier with price and stock, live, a page at a time; all of them or those whose description holds a word.',
  useWhen: ['you need the number, the price or the stock of an article before it is ordered'],
  doNotUseWhen: ['you look for an order that was placed: use portal_order_list'],
  input: z.strictObject({
    search: z.optional(line(40)).check(z.describe('a word of the description, such as bolt')),
    after,
  }),
  effect: 'read',
  lookup: { none: 'empty', several: 'list', missingField: 'fail', unavailable: 'fail' },
  operation: ({ search, after: page }) =>
    restOn('supplier-portal').call('price_list', search === undefined ? {} : { search }, { after: page }),
  records: recordsOf('article'),
  present: presentPage('articles', articleFields),
  examples: [{ search: 'bolt' }],
});
