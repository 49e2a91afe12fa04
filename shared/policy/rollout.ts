import { conditionTrue, parseCondition } from '../config/condition.ts';
import type { PoliciesConfig } from '../config/schema.ts';
import type { JsonObject } from '../model/json.ts';
import type { Refusal } from './permission.ts';

/**
 * Judges how far a tool is rolled out, on the live record's fields; a tool without a rule is fully rolled out.
 * `shadow` and `off` send nothing; `partial` needs a record that meets the segment, and refuses what cannot be judged.
 */
export function rolloutFor(policies: PoliciesConfig, tool: string, live: JsonObject | null): Refusal | null {
  const rule = Object.hasOwn(policies.rollout, tool) ? policies.rollout[tool] : undefined;
  if (!rule || rule.stage === 'full') return null;
  if (rule.stage === 'partial') {
    const condition = rule.segment === undefined ? null : parseCondition(rule.segment);
    if (condition && live && conditionTrue(condition, live)) return null;
  }
  return {
    kind: 'refuse',
    code: 'rollout_excluded',
    detail:
      rule.stage === 'shadow'
        ? `${tool} runs in shadow: the call was checked and nothing was sent.`
        : `${tool} is not rolled out ${rule.stage === 'partial' ? 'for this record' : 'yet'}.`,
    nextStep: 'Tell the user that this is not available for this record yet; a person has to do it.',
  };
}
