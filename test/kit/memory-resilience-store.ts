import { closedBreaker } from '../../shared/resilience/breaker.ts';
import type { BreakerState, ResilienceStore } from '../../shared/resilience/ports.ts';

/** Breakers and rate blocks in memory, with the guarantees of the real store within one process. */
export function memoryResilienceStore(): ResilienceStore {
  const breakers = new Map<string, { state: BreakerState; version: number }>();
  const used = new Map<string, number>();
  return {
    readBreaker: async (name) => breakers.get(name) ?? { state: closedBreaker, version: 0 },
    async writeBreaker(name, next, expectedVersion) {
      if ((breakers.get(name)?.version ?? 0) !== expectedVersion) return 'lost';
      breakers.set(name, { state: next, version: expectedVersion + 1 });
      return 'written';
    },
    async takeBlock({ limit, windowStartMs, calls, want }) {
      const key = `${limit}#${windowStartMs}`;
      const taken = Math.min(want, calls - (used.get(key) ?? 0));
      used.set(key, (used.get(key) ?? 0) + taken);
      return taken;
    },
  };
}
