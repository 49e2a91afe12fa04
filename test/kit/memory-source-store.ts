import type { SourceStore } from '../../shared/webhooks/ports.ts';

/** Channels in memory. `writes` counts what was noted; `failNext` makes the next `seen` a fault. */
export function memorySourceStore(): SourceStore & { writes(): number; failNext(): void } {
  const known = new Map<string, { watchedSinceMs: number; lastSeenMs: number | null }>();
  let [writes, broken] = [0, false];
  return {
    writes: () => writes,
    failNext: () => {
      broken = true;
    },
    seen: async ({ system, channel }, atMs) => {
      if (broken) {
        broken = false;
        throw new Error('away');
      }
      const key = `${system}#${channel}`;
      const standing = known.get(key) ?? { watchedSinceMs: atMs, lastSeenMs: null };
      known.set(key, { ...standing, lastSeenMs: Math.max(atMs, standing.lastSeenMs ?? 0) });
      writes += 1;
    },
    watch: async ({ system, channel }, nowMs) => {
      const key = `${system}#${channel}`;
      const standing = known.get(key) ?? { watchedSinceMs: nowMs, lastSeenMs: null };
      known.set(key, standing);
      return standing;
    },
  };
}
