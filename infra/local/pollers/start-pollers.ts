import type { Clock } from '../../../shared/model/clock.ts';
import type { Invocation } from '../lambda/instance.ts';
import type { FunctionPool } from '../lambda/pool.ts';
import type { StandIns } from '../stand-ins.ts';
import { openDatabase } from '../state-dir.ts';
import type { LocalPlan } from '../template/plan.ts';
import type { Loop } from './loop.ts';
import { pollQueue } from './queue-source.ts';
import { runSchedule } from './schedule.ts';
import { createStreamReader } from './stream-reader.ts';
import { checkpointSchema, openCheckpoints, pollStream } from './stream-source.ts';

/** Everything that calls a function without being asked from outside. */
export type Pollers = {
  /** Stops deliveries: of queues, of streams, of schedules, or all. */
  pause(kind?: 'queue' | 'stream' | 'schedule'): void;
  resume(kind?: 'queue' | 'stream' | 'schedule'): void;
  /** Runs the schedules of a function now and says how each ended. */
  fire(name: string): Promise<readonly Invocation[]>;
  /** Ends after the deliveries that are under way. */
  stop(): Promise<void>;
};

/** Starts every source and schedule of the plan. Faults of a round are counted in `faults` and tried again. */
export function startPollers(deps: {
  readonly plan: LocalPlan;
  readonly standIns: StandIns;
  readonly directory: string;
  readonly clock: Clock;
  readonly poolOf: (functionName: string) => FunctionPool | undefined;
}): Pollers {
  const { plan, standIns, clock } = deps;
  const database = openDatabase(deps.directory, 'checkpoints', checkpointSchema);
  const checkpoints = openCheckpoints(database);
  const reader = createStreamReader(standIns.dynamoServer.endpoint);
  const onFault = (error: unknown) => void process.stderr.write(`A delivery is tried again: ${String(error)}\n`);
  const pool = (functionName: string) => {
    const found = deps.poolOf(functionName);
    if (found === undefined) throw new Error(`The template names a function ${functionName} that it does not have.`);
    return found;
  };
  const common = { store: standIns.queues, objects: standIns.objects, reader, checkpoints, clock, onFault };
  const loops = plan.sources.map((source): { kind: 'queue' | 'stream'; loop: Loop } => {
    const own = { ...common, pool: pool(source.functionName) };
    return source.kind === 'queue'
      ? { kind: source.kind, loop: pollQueue(own, source) }
      : { kind: source.kind, loop: pollStream(own, source) };
  });
  const schedules = plan.schedules.map((schedule) => {
    const own = pool(schedule.functionName);
    return { kind: 'schedule' as const, name: own.spec.name, loop: runSchedule({ ...common, pool: own }, schedule) };
  });
  const all = [...loops, ...schedules];
  const each = (kind: string | undefined, work: (loop: Loop) => void) => {
    for (const one of all) if (kind === undefined || one.kind === kind) work(one.loop);
  };
  return {
    pause: (kind) => each(kind, (loop) => loop.pause()),
    resume: (kind) => each(kind, (loop) => loop.resume()),
    fire: (name) => Promise.all(schedules.filter((one) => one.name === name).map((one) => one.loop.fire())),
    async stop() {
      await Promise.all(all.map(({ loop }) => loop.stop()));
      database.close();
    },
  };
}
