import { setTimeout as wait } from 'node:timers/promises';

/** Something that runs until it is stopped, and can be paused. */
export type Loop = {
  /** Lets go of what it waits for and starts no further round until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends after the round that is under way. */
  stop(): Promise<void>;
};

const afterFaultMs = 500;

/**
 * Runs rounds one after the other; a round's signal says that it should stop waiting. A round that throws is tried again after
 * half a second; nothing ends the loop but `stop`.
 */
export function startLoop(round: (signal: AbortSignal) => Promise<void>, onFault: (error: unknown) => void): Loop {
  let stopped = false;
  let paused: PromiseWithResolvers<void> | null = null;
  let current = new AbortController();
  const work = async () => {
    while (!stopped) {
      if (paused !== null) {
        await paused.promise;
        continue;
      }
      current = new AbortController();
      try {
        await round(current.signal);
      } catch (error) {
        if (!stopped) onFault(error);
        await idle(afterFaultMs, current.signal);
      }
    }
  };
  const ended = work();
  const resume = () => {
    paused?.resolve();
    paused = null;
  };
  return {
    pause() {
      paused ??= Promise.withResolvers<void>();
      current.abort();
    },
    resume,
    async stop() {
      stopped = true;
      current.abort();
      resume();
      await ended;
    },
  };
}

/** Waits in real time, as the emulated services do, until the signal says to stop waiting. */
export async function idle(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal }).catch(() => undefined);
}
