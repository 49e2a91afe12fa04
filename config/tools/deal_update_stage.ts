import * as z from 'zod/mini';
import { hubspot } from '../../shared/connectors/hubspot/calls.ts';
import { allowedTransition } from '../../shared/policy/gates.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentChange } from '../../shared/tools/records.ts';
import { stageMoves, stages } from './deal_stages.ts';
import { recordId, text } from './inputs.ts';

export default defineTool({
  name: 'deal_update_stage',
  does: 'Moves one HubSpot deal to another stage of its pipeline.',
  useWhen: ['the customer or the deal owner said that the deal moved'],
  doNotUseWhen: [
    'you infer it from silence: leave it and tell the user',
    'you only want to know the stage: use deal_get',
  ],
  input: z.strictObject({
    deal_id: recordId.check(z.describe('HubSpot deal id, as returned by deal_search')),
    stage: z.enum(stages).check(z.describe('the stage to move the deal to')),
    reason: text(10, 500).check(z.describe('what was said, by whom; shown to the approver')),
  }),
  effect: 'update',
  target: ({ deal_id }) => ['hubspot', 'deal', deal_id],
  identifiedBy: ['stage'],
  occasion: 'run',
  gates: [allowedTransition({ field: 'stage', from: 'live', property: 'dealstage', allowed: stageMoves })],
  operation: ({ deal_id, stage }) => hubspot.deals.update(deal_id, { dealstage: stage }),
  present: presentChange('deal', { dealstage: 'stage' }),
  examples: [
    { deal_id: '501', stage: 'contractsent', reason: 'Maria Gomez confirmed on the phone that legal agreed.' },
  ],
});
