import { PlumblineError } from '../model/errors.ts';
import type { Json } from '../model/json.ts';
import type { HeldState, ResilienceStore } from './ports.ts';

/** What a change makes of an item: the next value, or null where nothing is to be written; and what the caller is told. */
export type ItemChange<T> = { readonly next: Json | null; readonly result: T };

/** An item of shared state that a process changes again and again, one change at a time. */
export type SharedItem = {
  /**
   * Judges the newest value known here, and again on what stands there where another process was first.
   * Throws `store_unavailable` where the store does not answer, or others are first again and again.
   */
  change<T>(judge: (value: Json | null) => ItemChange<T>): Promise<T>;
};

/** Rounds before a change gives up: each lost round means that another process got on. */
const rounds = 50;

/**
 * Remembers what it wrote last, so that a change costs one request while no other process writes, and two where one did.
 * Changes of one process wait for each other.
 * @param input.keepMs how long an item that nobody writes stays
 */
export function sharedItem(
  store: ResilienceStore,
  input: { readonly name: string; readonly keepMs: number },
): SharedItem {
  const { name, keepMs } = input;
  let held: HeldState | null = null;
  let last: Promise<unknown> = Promise.resolve();
  const run = async <T>(judge: (value: Json | null) => ItemChange<T>): Promise<T> => {
    for (let round = 0; round < rounds; round += 1) {
      const from: HeldState = held ?? (await store.read(name));
      const { next, result } = judge(from.value);
      if (next === null) {
        held = from;
        return result;
      }
      const written = await store.write(name, { value: next, over: from.version, keepMs }).catch((error: unknown) => {
        // It may have landed: what stands there is read before it is judged again.
        held = null;
        throw error;
      });
      if (written.kind === 'written') {
        held = { value: next, version: from.version + 1 };
        return result;
      }
      held = { value: written.value, version: written.version };
    }
    throw crowded();
  };
  return {
    change(judge) {
      const mine = last.then(
        () => run(judge),
        () => run(judge),
      );
      last = mine;
      return mine;
    },
  };
}

function crowded(): PlumblineError {
  return new PlumblineError('Too many processes change one item of shared state at once.', {
    code: 'store_unavailable',
    retry: 'after_check',
    hint: 'It is tried again by itself. Where it stays, look at the throttling of the state table.',
  });
}
