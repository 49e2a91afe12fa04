import { decodeRecord, encodeRecord, type RecordItem } from '../../shared/action/record-codec.ts';
import { type ActionStore, guardHolds } from '../../shared/action/store.ts';

/** Actions in memory, in their stored form, so that what the codec loses is lost here too. */
export function memoryActionStore(): ActionStore {
  const items = new Map<string, RecordItem>();
  const read = (key: string) => {
    const item = items.get(key);
    return item ? decodeRecord(item) : null;
  };
  return {
    dueShards: 1,
    get: async (key) => read(key),
    write: async (next, guard) => {
      const current = read(next.key);
      if (!guardHolds(guard, current)) return { kind: 'lost', current };
      items.set(next.key, encodeRecord(next));
      return { kind: 'written' };
    },
    due: async ({ shard, byMs, limit }) =>
      [...items.keys()]
        .map((key) => read(key))
        .filter((record) => record !== null)
        .flatMap((record) => ('dueMs' in record && record.dueMs <= byMs ? [record] : []))
        .sort((a, b) => a.dueMs - b.dueMs)
        .map(({ key, dueMs }) => ({ key, dueMs }))
        .slice(0, shard === 0 ? limit : 0),
  };
}
