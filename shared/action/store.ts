import type { ActionRecord, StateName } from '../model/action.ts';

/**
 * What a stored record must still be for a write to take effect: `absent`, exactly this version, or for the generation that
 * `again` asks for, the named generation in one of these settled states.
 * Every transition of every action is one conditional write under this guard and nothing else.
 */
export type Guard =
  | 'absent'
  | { readonly state: StateName; readonly epoch: number; readonly owner: string | null; readonly intentHash: string }
  | { readonly gen: number; readonly states: readonly ('SUCCEEDED' | 'FAILED')[]; readonly intentHash: string };

/** The guard that names exactly the given record version. */
export function guardOf(record: ActionRecord): Guard {
  return { state: record.state, epoch: record.epoch, owner: ownerOf(record), intentHash: record.intentHash };
}

/** Whether a write under this guard takes effect on what stands there. The DynamoDB store says the same as a condition. */
export function guardHolds(guard: Guard, current: ActionRecord | null): boolean {
  if (guard === 'absent') return current === null;
  if (current === null || current.intentHash !== guard.intentHash) return false;
  if ('gen' in guard) return current.gen === guard.gen && guard.states.some((state) => state === current.state);
  return current.state === guard.state && current.epoch === guard.epoch && ownerOf(current) === guard.owner;
}

function ownerOf(record: ActionRecord): string | null {
  return 'owner' in record ? record.owner : null;
}

/** `lost`: the condition did not hold; `current` is what stands there, returned by the same request. */
export type WriteResult =
  | { readonly kind: 'written' }
  | { readonly kind: 'lost'; readonly current: ActionRecord | null };

/** An open action and when something must move it. */
export type DueAction = { readonly key: string; readonly dueMs: number };

/**
 * Where action records live. Single-item conditional writes are all the kernel needs.
 * Faults (throttling, network) are thrown as PlumblineError `store_unavailable`: then nothing is known about the write.
 */
export type ActionStore = {
  write(next: ActionRecord, guard: Guard): Promise<WriteResult>;
  /** Consistent read by key. */
  get(key: string): Promise<ActionRecord | null>;
  /** Open actions due by then, soonest first, from one shard of the sparse index; serves liveness, never safety. */
  due(query: { shard: number; byMs: number; limit: number }): Promise<readonly DueAction[]>;
  /** How many shards `due` has. */
  readonly dueShards: number;
};
