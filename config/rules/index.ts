import type { RuleIndex } from '../../shared/webhooks/delivery/rule.ts';

/** The rules that stand in for an agent that is down: `endpoint.rule` of agents.yaml names one. */
export const rules: RuleIndex = {
  changes_are_read_later: () => import('./changes_are_read_later.ts'),
};
