import { isDeepStrictEqual } from 'node:util';
import type { FeedState, FeedStore } from '../../shared/webhooks/ports.ts';

/** States of feeds in memory, with the rules of the port. */
export function memoryFeedStore(): FeedStore & { readonly states: Map<string, FeedState> } {
  const states = new Map<string, FeedState>();
  return {
    states,
    get: async (id) => states.get(id) ?? null,
    write: async (next, expectedEpoch) => {
      const standing = states.get(next.id);
      if (standing && isDeepStrictEqual(standing, next)) return 'written';
      if ((standing?.epoch ?? 0) !== expectedEpoch) return 'lost';
      states.set(next.id, structuredClone(next));
      return 'written';
    },
  };
}
