import type { Clock } from '../../shared/model/clock.ts';

/** A clock that moves only when a test moves it; `sleep` moves it too. */
export function fixedClock(startMs: number): Clock & { advance(ms: number): void } {
  let now = startMs;
  return {
    now: () => now,
    sleep: async (ms) => {
      now += ms;
    },
    advance: (ms) => {
      now += ms;
    },
  };
}
