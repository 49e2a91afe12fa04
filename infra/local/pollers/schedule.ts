import type { Clock } from '../../../shared/model/clock.ts';
import type { SqsStore } from '../aws/sqs-store.ts';
import type { Invocation } from '../lambda/instance.ts';
import type { FunctionPool } from '../lambda/pool.ts';
import type { SchedulePlan } from '../template/plan.ts';
import { idle, type Loop, startLoop } from './loop.ts';

/** A schedule that runs. */
export type Schedule = Loop & { /** Runs it now, beside its times. */ fire(): Promise<Invocation> };

/** Invokes a function at whole multiples of its period. What failed goes to the plan's dead-letter queue; nothing is tried twice. */
export function runSchedule(
  deps: {
    readonly pool: FunctionPool;
    readonly store: SqsStore;
    readonly clock: Clock;
    readonly onFault: (error: unknown) => void;
  },
  plan: SchedulePlan,
): Schedule {
  const fire = async () => {
    const outcome = await deps.pool.invoke(plan.input);
    if (outcome.kind === 'failed' && plan.deadQueue !== null) {
      deps.store.send(plan.deadQueue, { body: JSON.stringify({ schedule: plan.id, error: outcome.errorType }) });
    }
    return outcome;
  };
  const round = async (signal: AbortSignal) => {
    await idle(plan.everyMs - (deps.clock.now() % plan.everyMs), signal);
    if (!signal.aborted) await fire();
  };
  return { ...startLoop(round, deps.onFault), fire };
}
