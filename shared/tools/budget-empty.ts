import type { Answer } from '../model/answer.ts';
import type { Failure } from '../model/errors.ts';
import { type BudgetVerdict, windowWord } from '../policy/budgets.ts';
import { changeControl } from '../policy/control.ts';
import { ownFailure, refusalAnswer } from './answer.ts';
import type { Call, CallDeps } from './call-deps.ts';
import { baseOf, openCase } from './record-call.ts';

type Empty = Extract<BudgetVerdict, { kind: 'empty' }>;

/** The failure that says that a budget is used up. */
export function budgetFailure({ budget, used, windowEndsMs }: Empty, nowMs: number): Failure {
  const detail = `${used} of ${budget.atMost} ${budget.words} are used this ${windowWord(budget.windowMs)}.`;
  const retryAfterMs = Math.max(0, windowEndsMs - nowMs);
  return { ...ownFailure('budget_exceeded', detail), retryAfterMs };
}

/**
 * What happens where a budget is used up: a rule of policies.yaml pauses the agent's writes until a person resumes them and
 * opens one case; an agent's own allowance only refuses. A pause that cannot be written does not stop the refusal.
 */
export async function onBudgetEmpty(deps: CallDeps, call: Call, tool: string, empty: Empty): Promise<void> {
  if (empty.budget.onEmpty !== 'pause') return;
  const nowMs = deps.kernel.clock.now();
  const agent = call.principal.id;
  const reason = `Budget used up: ${empty.budget.words}.`;
  try {
    await changeControl(deps.controlStore, nowMs, (control) => {
      if (control.agentsPaused[agent]) return control;
      const state = { by: 'policy', atMs: nowMs, reason, untilMs: null };
      return { ...control, agentsPaused: { ...control.agentsPaused, [agent]: state } };
    });
    deps.control.forget();
  } catch (error) {
    deps.log.error('an agent could not be paused', { callId: call.callId, principal: call.principalId }, error);
  }
  await openCase(deps, call, {
    reason: 'budget_exceeded',
    title: `${agent} used up a budget and is paused`,
    detail: `${reason} Writes of this agent are refused until a person resumes it.`,
    owner: call.agent.owner,
    system: null,
    facts: { agent, tool, budget: empty.budget.name, used: empty.used, at_most: empty.budget.atMost },
    dedupeKey: `budget#${empty.budget.name}`,
  });
}

/** Pauses where the budget says so, and answers the refusal. */
export async function budgetEmpty(deps: CallDeps, call: Call, tool: string, empty: Empty): Promise<Answer> {
  await onBudgetEmpty(deps, call, tool, empty);
  const failure = budgetFailure(empty, deps.kernel.clock.now());
  return refusalAnswer(baseOf(call), failure, 'refused', budgetStep(call));
}

/** Who decides when a budget is used up. */
export function budgetStep(call: Call) {
  return { message: `Stop. Tell the user what is left; a person in ${call.agent.owner} decides.` };
}
