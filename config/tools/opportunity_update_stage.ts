import * as z from 'zod/mini';
import { salesforce } from '../../shared/connectors/salesforce/calls.ts';
import { allowedTransition } from '../../shared/policy/gates.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { presentChange } from '../../shared/tools/records.ts';
import { text } from './inputs.ts';
import { salesforceId, stageNameMoves, stageNames } from './salesforce_inputs.ts';

export default defineTool({
  name: 'opportunity_update_stage',
  does: 'Moves one Salesforce opportunity to another stage.',
  useWhen: ['the customer or the owner of the opportunity said that it moved'],
  doNotUseWhen: [
    'you infer it from silence: leave it and tell the user',
    'you only want to know the stage: use opportunity_get',
    'the deal is in HubSpot: use deal_update_stage',
  ],
  input: z.strictObject({
    opportunity_id: salesforceId('006').check(
      z.describe('Salesforce opportunity id, as returned by opportunity_search'),
    ),
    stage: z.enum(stageNames).check(z.describe('the stage to move the opportunity to')),
    reason: text(10, 500).check(z.describe('what was said, by whom; shown to the approver')),
  }),
  effect: 'update',
  target: ({ opportunity_id }) => ['salesforce', 'opportunity', opportunity_id],
  identifiedBy: ['stage'],
  occasion: 'run',
  gates: [allowedTransition({ field: 'stage', from: 'live', property: 'StageName', allowed: stageNameMoves })],
  operation: ({ opportunity_id, stage }) => salesforce.opportunities.update(opportunity_id, { StageName: stage }),
  present: presentChange('opportunity', { StageName: 'stage' }),
  examples: [
    {
      opportunity_id: '006000000000001AAA',
      stage: 'Negotiation/Review',
      reason: 'Maria Gomez confirmed on the phone that legal agreed.',
    },
  ],
});
