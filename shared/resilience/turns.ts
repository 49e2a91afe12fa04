import type { Clock } from '../model/clock.ts';
import { PlumblineError } from '../model/errors.ts';
import type { Json } from '../model/json.ts';
import type { ResilienceStore } from './ports.ts';
import type { RateRule } from './rate-window.ts';
import { type SharedItem, sharedItem } from './shared-item.ts';

/** How the waiting actions of a system stand: `sinceMs` is when waiting began without a pause since, `lastMs` the last turn. */
export type Waiting = { readonly sinceMs: number; readonly lastMs: number };

/** An action that waited makes about two calls: it looks at the record and writes. */
const callsATurn = 2;
/** What waits takes this share of a limit; the rest is for those who ask now. */
const share = 0.8;
/** Limits over more than an hour are stocks, not speeds: they end a drain, they do not slow it. */
const longestPaceMs = 3_600_000;
/** Ten a second where no limit says how fast. */
const defaultEveryMs = 100;
/** Waiting is over once the last turn is so long ago: whatever still waited would have taken another. */
const overAfterMs = 120_000;
const keepMs = 172_800_000;
/** What waits asks again at least once an hour, whatever a system said: one answer must not move all turns behind it away. */
const longestAskedMs = 3_600_000;

/** The time between two turns of a system, milliseconds. */
export function turnEveryMs(rules: readonly RateRule[]): number {
  const paces = rules.filter(({ per }) => per <= longestPaceMs).map(({ calls, per }) => (per * callsATurn) / calls);
  return paces.length === 0 ? defaultEveryMs : Math.ceil(Math.max(...paces) / share);
}

/** Callers of one process that are served by one change: the times they may be served from, and their turns once it is made. */
type Batch = { readonly from: number[]; readonly turns: Promise<readonly number[]> };

/**
 * Hands out turns, no two the same, from one shared timeline a system, so that what piled up during an outage comes back at the
 * speed of its rate limit and not all at once. A turn is a time to ask again, never a right to be served. Callers that come while
 * a change is under way share the next one.
 */
export function takesTurns(deps: { readonly store: ResilienceStore; readonly clock: Clock }) {
  const items = new Map<string, SharedItem>();
  const open = new Map<string, Batch>();
  const itemOf = (system: string): SharedItem => {
    const item = items.get(system) ?? sharedItem(deps.store, { name: nameOf(system), keepMs });
    items.set(system, item);
    return item;
  };
  const serve = (system: string, from: readonly number[], everyMs: number) =>
    itemOf(system).change((value) => {
      // From here on callers wait for the next change.
      if (open.get(system)?.from === from) open.delete(system);
      const [nowMs, held] = [deps.clock.now(), waitingOf(value)];
      let lastMs = held?.lastMs ?? 0;
      const turns = from.map((notBeforeMs) => {
        lastMs = Math.max(Math.min(notBeforeMs, nowMs + longestAskedMs), nowMs, lastMs + everyMs);
        return lastMs;
      });
      const sinceMs = held === null || isOver(held, nowMs) ? nowMs : held.sinceMs;
      return { next: { sinceMs, lastMs }, result: turns };
    });
  return async (system: string, rules: readonly RateRule[], notBeforeMs: number): Promise<number> => {
    let batch = open.get(system);
    if (!batch) {
      const from: number[] = [];
      batch = { from, turns: Promise.resolve().then(() => serve(system, from, turnEveryMs(rules))) };
      open.set(system, batch);
    }
    const at = batch.from.push(notBeforeMs) - 1;
    try {
      return (await batch.turns)[at] ?? notBeforeMs;
    } catch (error) {
      // Too many at once, or no store: a time that several share only means that some of them wait again.
      if (open.get(system) === batch) open.delete(system);
      if (error instanceof PlumblineError && error.code === 'store_unavailable') return notBeforeMs;
      throw error;
    }
  };
}

/** How the waiting actions of a system stand; null where none wait. */
export async function readWaiting(
  store: Pick<ResilienceStore, 'read'>,
  system: string,
  nowMs: number,
): Promise<Waiting | null> {
  const waiting = waitingOf((await store.read(nameOf(system))).value);
  return waiting === null || isOver(waiting, nowMs) ? null : waiting;
}

function nameOf(system: string): string {
  return `waiting#${system}`;
}

function isOver({ lastMs }: Waiting, nowMs: number): boolean {
  return nowMs > lastMs + overAfterMs;
}

function waitingOf(value: Json | null): Waiting | null {
  const held = value as Partial<Waiting> | null;
  if (typeof held?.sinceMs !== 'number' || typeof held.lastMs !== 'number') return null;
  return { sinceMs: held.sinceMs, lastMs: held.lastMs };
}
