import type { PayloadStore } from '../../shared/ledger/ports.ts';
import { sha256Hex } from '../../shared/model/ids.ts';

/** Payload objects in memory. `objects` is what is stored; `puts` counts every put. */
export function memoryPayloadStore(): PayloadStore & { readonly objects: Map<string, Uint8Array>; puts: number } {
  const objects = new Map<string, Uint8Array>();
  const store = {
    objects,
    puts: 0,
    put: async (bytes: Uint8Array) => {
      store.puts += 1;
      const hash = sha256Hex(bytes);
      objects.set(hash, Uint8Array.from(bytes));
      return hash;
    },
    get: async (hash: string) => objects.get(hash) ?? null,
  };
  return store;
}
