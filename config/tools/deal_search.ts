import * as z from 'zod/mini';
import { hubspot } from '../../shared/connectors/hubspot/calls.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentPage, recordsOf } from '../../shared/tools/records.ts';
import { dealFields, dealProperties } from './deal_fields.ts';
import { stages } from './deal_stages.ts';
import { line } from './inputs.ts';

export default defineTool({
  name: 'deal_search',
  does: 'Searches HubSpot deals by words of their name or by stage, newest first. Changes of the last seconds may be missing.',
  useWhen: ['you look for a deal whose id you do not have', 'you need a list of deals in a stage'],
  doNotUseWhen: ['you have the deal id: use deal_get'],
  input: z.strictObject({
    words: z.optional(line(80)).check(z.describe('one word that stands in the deal name, such as the company')),
    stage: z.optional(z.enum(stages)).check(z.describe('only deals in this stage')),
    limit: z
      ._default(z.int().check(z.minimum(1), z.maximum(50)), 10)
      .check(z.describe('how many deals to return at most, 1 to 50')),
    after: z
      .optional(z.string().check(z.regex(/^[0-9]{1,6}$/)))
      .check(z.describe('the `after` of an earlier answer, to get the next page')),
  }),
  effect: 'read',
  operation: ({ words, stage, limit, after }) => {
    const filters = [
      ...(words ? [{ property: 'dealname', operator: 'CONTAINS_TOKEN' as const, value: words }] : []),
      ...(stage ? [{ property: 'dealstage', operator: 'EQ' as const, value: stage }] : []),
    ];
    return hubspot.deals.search({
      filters: filters.length > 0 ? [filters] : [],
      properties: dealProperties,
      sort: { property: 'hs_object_id', direction: 'DESCENDING' },
      limit,
      ...(after ? { after } : {}),
    });
  },
  lookup: { none: 'empty', several: 'list', missingField: 'fail', unavailable: 'fail' },
  records: recordsOf('deal'),
  present: presentPage('deals', dealFields),
  examples: [{ words: 'Acme', limit: 5 }, { stage: 'contractsent' }],
});
