import type { HeldState, ResilienceStore } from '../../shared/resilience/ports.ts';

/** Breakers, counted calls and turns in memory, with the guarantees of the real store within one process. */
export function memoryResilienceStore(): ResilienceStore & { readonly items: ReadonlyMap<string, string> } {
  const items = new Map<string, string>();
  const read = (name: string): HeldState => {
    const text = items.get(name);
    return text === undefined ? { value: null, version: 0 } : (JSON.parse(text) as HeldState);
  };
  return {
    items,
    read: async (name) => read(name),
    async write(name, { value, over }) {
      const held = read(name);
      if (held.version !== over) return { kind: 'lost', ...held };
      items.set(name, JSON.stringify({ value, version: over + 1 }));
      return { kind: 'written' };
    },
  };
}
