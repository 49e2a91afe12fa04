import { createHash } from 'node:crypto';
import { type PortalOptions, startPortal } from '../../infra/local/systems/portal/start.ts';
import type { PlumblineConfig } from '../../shared/config/schema.ts';
import type { DroppedFile, DropStore, FileCursor, FileCursorStore } from '../../shared/files/ports.ts';
import { dropWorker } from '../../shared/files/work-drops.ts';
import type { FileDeps } from '../../shared/files/work-file.ts';
import { agentWorld, shippedConfig } from './agent-world.ts';
import { testClock } from './kernel.ts';
import { senderTo } from './portal-simulator.ts';

/** Cursors in memory; `failAfter` lets that many writes through, then the process is as good as dead. */
export function memoryFileCursorStore(): FileCursorStore & { readonly records: Map<string, FileCursor> } {
  const records = new Map<string, FileCursor>();
  return {
    records,
    get: async (id) => structuredClone(records.get(id) ?? null),
    write: async (next, expectedEpoch) => {
      if ((records.get(next.id)?.epoch ?? 0) !== expectedEpoch) return 'lost';
      records.set(next.id, structuredClone(next));
      return 'written';
    },
  };
}

/** Files in memory. `largestRead` is the most bytes that were asked for at once. */
export function memoryDropStore() {
  const files = new Map<string, Uint8Array>();
  const etagOf = (bytes: Uint8Array) => `"${createHash('md5').update(bytes).digest('hex')}"`;
  const store = {
    files,
    largestRead: 0,
    drop: (key: string, content: string | Uint8Array) =>
      void files.set(key, typeof content === 'string' ? new TextEncoder().encode(content) : content),
    async *list(prefix: string): AsyncIterable<DroppedFile> {
      for (const [key, bytes] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
        if (key.startsWith(prefix)) yield { key, etag: etagOf(bytes), size: bytes.length };
      }
    },
    async read({ key, etag }: DroppedFile, from: number, length: number) {
      const bytes = files.get(key);
      if (!bytes || etagOf(bytes) !== etag) return null;
      store.largestRead = Math.max(store.largestRead, length);
      return bytes.slice(from, from + length);
    },
  };
  return store satisfies DropStore;
}

/** The shipped source of purchase orders over memory stores and the simulated portal, by one clock that moves when told. */
export async function fileWorld(
  change: (config: PlumblineConfig) => PlumblineConfig = (config) => config,
  options: Partial<PortalOptions> = {},
) {
  const clock = testClock();
  const world = await agentWorld(change(shippedConfig()), clock);
  const portal = await startPortal({ port: 0, seed: 1, clock, seeded: false, ...options });
  world.wire.send = senderTo(portal);
  const [drops, cursors] = [memoryDropStore(), memoryFileCursorStore()];
  const deps: FileDeps = { ...world.deps, cases: world.cases, drops, cursors };
  return {
    ...{ world, portal, drops, cursors, clock, deps },
    /** One round of a fresh process. */
    round: (given: Partial<FileDeps> = {}) => dropWorker({ ...deps, ...given })(60_000),
    orders: () => portal.effects.effects(),
    cursor: () => [...cursors.records.values()].at(-1),
    cases: () => world.cases.cases,
    async close() {
      await world.close();
      await portal.close();
    },
  };
}

export type FileWorld = Awaited<ReturnType<typeof fileWorld>>;
