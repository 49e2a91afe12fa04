import type { ApiKeyRecord, ApiKeyStore } from '../../shared/auth/ports.ts';

/** API keys in memory; `reads` counts look-ups by id. */
export function memoryApiKeyStore(): ApiKeyStore & { readonly reads: () => number } {
  const records = new Map<string, ApiKeyRecord>();
  const lists = new Map<string, readonly string[]>();
  let reads = 0;
  return {
    reads: () => reads,
    get: async (keyId) => {
      reads += 1;
      return records.get(keyId) ?? null;
    },
    put: async (record, seen, drop) => {
      const ids = lists.get(record.agent) ?? [];
      if (ids.join() !== seen.join() || records.has(record.keyId)) return 'lost';
      lists.set(record.agent, [...ids.filter((id) => !drop.includes(id)), record.keyId]);
      records.set(record.keyId, record);
      return 'written';
    },
    list: async (agent) => (lists.get(agent) ?? []).flatMap((id) => records.get(id) ?? []),
  };
}
