import type { ActionRecord } from '../model/action.ts';
import type { Clock } from '../model/clock.ts';
import type { ActionStore } from './store.ts';

/** A hint that an action is due: the record's own `dueMs` is the truth, so a lost or doubled hint changes nothing. */
export type DueHint = { readonly key: string; readonly delayMs: number };

/** Where hints wait. Throws `store_unavailable` where not all were taken. */
export type DueQueue = { send(hints: readonly DueHint[]): Promise<void> };

/** How far the tick looks ahead, milliseconds: the time between two ticks. Longer waits than that are the tick's to hint. */
export const lookAheadMs = 60_000;

/**
 * The hint of a transition, or null where none is needed: settled states wait for nothing, a lease ends with its owner's own
 * verdict nearly always, and an approval's end is the tick's.
 */
export function dueHint(record: ActionRecord, nowMs: number): DueHint | null {
  if (record.state !== 'RETRYABLE' && record.state !== 'UNKNOWN') return null;
  const delayMs = Math.max(0, record.dueMs - nowMs);
  return delayMs <= lookAheadMs ? { key: record.key, delayMs } : null;
}

/**
 * Queues every action that is due until the next tick: expired leases, retries, read-backs, approvals whose time is over. Each
 * hint arrives when its action is due and not before, so that what waits for its turn keeps it. Returns how many.
 * @param limit most actions of one shard a round; what is left is found by the next round
 */
export async function queueDue(
  deps: { readonly store: Pick<ActionStore, 'due' | 'dueShards'>; readonly queue: DueQueue; readonly clock: Clock },
  limit: number,
): Promise<number> {
  const nowMs = deps.clock.now();
  const shards = Array.from({ length: deps.store.dueShards }, (_, shard) => shard);
  const found = await Promise.all(shards.map((shard) => deps.store.due({ shard, byMs: nowMs + lookAheadMs, limit })));
  const hints = found.flat().map(({ key, dueMs }) => ({ key, delayMs: Math.max(0, dueMs - nowMs) }));
  if (hints.length > 0) await deps.queue.send(hints);
  return hints.length;
}
