import type { AgentConfig, PoliciesConfig } from '../config/schema.ts';
import { type ConditionSubject, conditionHolds, conditionWords } from './approvals.ts';
import type { BudgetStore } from './ports.ts';

/** One allowance that a call uses. `onEmpty`: what happens where it is used up. */
export type Budget = {
  readonly name: string;
  /** What it counts, in words: "moves with stage closedlost by deal_update_stage". */
  readonly words: string;
  readonly atMost: number;
  readonly windowMs: number;
  readonly onEmpty: 'refuse' | 'pause' | 'approval';
};

/** Every budget a call falls under: the agent's own for the effect, then the rules of policies.yaml that hold. */
export function budgetsOf(
  agentName: string,
  agent: AgentConfig,
  policies: PoliciesConfig,
  subject: ConditionSubject,
): readonly Budget[] {
  const own = agent.budgets[subject.effect];
  const budgets: Budget[] = own
    ? [
        {
          name: `agent/${agentName}/${subject.effect}`,
          words: `${subject.effect} calls of this agent`,
          ...own,
          onEmpty: 'refuse',
        },
      ]
    : [];
  for (const [i, rule] of policies.budgets.entries()) {
    const { atMost, then, ...condition } = rule;
    if (!conditionHolds(condition, subject)) continue;
    const { tool, ...inputs } = condition;
    const words = conditionWords(inputs);
    budgets.push({
      name: `policy/${i}/${agentName}`,
      words: `calls of ${tool}${words ? ` with ${words}` : ''}`,
      ...atMost,
      onEmpty: then === 'approval' ? 'approval' : 'pause',
    });
  }
  return budgets;
}

/** Whether all budgets had room, or the first that had none. */
export type BudgetVerdict =
  | { readonly kind: 'taken' }
  | { readonly kind: 'empty'; readonly budget: Budget; readonly used: number; readonly windowEndsMs: number };

/**
 * Takes `amount` from every budget, in order; the first that is empty stops and is the verdict. What was taken before stays
 * taken: a budget errs on the side of refusing. A repeat under the same `useId` takes nothing.
 */
export async function takeBudgets(
  deps: { readonly store: BudgetStore; readonly nowMs: number },
  budgets: readonly Budget[],
  use: { readonly amount: number; readonly useId: string | null },
): Promise<BudgetVerdict> {
  for (const budget of budgets) {
    const { name, atMost, windowMs } = budget;
    const windowStartMs = deps.nowMs - (deps.nowMs % windowMs);
    const verdict = await deps.store.take({ budget: name, windowStartMs, windowMs, atMost, ...use });
    if (verdict.kind === 'refused') {
      return { kind: 'empty', budget, used: verdict.used, windowEndsMs: windowStartMs + windowMs };
    }
  }
  return { kind: 'taken' };
}

/** `hour`, `minute` or `day` of a window. */
export function windowWord(windowMs: number): string {
  return windowMs === 60_000 ? 'minute' : windowMs === 3_600_000 ? 'hour' : 'day';
}
