import type { Clock } from '../../shared/model/clock.ts';

/** A clock that a test moves; sleeping takes no time. */
export function handClock(startMs = 0): Clock & { advance(ms: number): void } {
  let nowMs = startMs;
  return {
    now: () => nowMs,
    sleep: async () => {},
    advance: (ms) => {
      nowMs += ms;
    },
  };
}
