import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../model/clock.ts';
import type { Json } from '../model/json.ts';
import {
  afterFailure,
  afterProbe,
  afterSuccess,
  askBreaker,
  type BreakerRule,
  type BreakerVerdict,
  breakerStateOf,
  type OperationClass,
} from './breaker.ts';
import type { BreakerState, HeldState, ResilienceStore } from './ports.ts';

/** One breaker: of a system and an operation class. */
export type BreakerName = { readonly system: string; readonly class: OperationClass };

/** What a request showed of the system. `probe`: a read in place of a write. */
export type Showed = 'works' | 'fails' | 'probe_works';

/** The breakers of all systems, shared by all processes. */
export type BreakerGuard = {
  /** Asked before each request; those who lose the race for the one probe are answered with `refuse`. */
  ask(
    name: BreakerName,
    rule: BreakerRule,
    readOnly: boolean,
  ): Promise<Exclude<BreakerVerdict, { kind: 'probe' }> | { readonly kind: 'pass'; readonly probe: true }>;
  /** Told after each request that was tried. */
  tell(name: BreakerName, rule: BreakerRule, showed: Showed): Promise<void>;
};

type Copy = { readonly state: BreakerState; readonly version: number; readonly readAtMs: number };

/** How long a process trusts its copy of a breaker, milliseconds. */
const trustMs = 5000;
const keepMs = 604_800_000;

type GuardDeps = {
  readonly store: ResilienceStore;
  readonly clock: Clock;
  readonly owner: string;
};

/**
 * Keeps a copy of each breaker for a few seconds: a system that works costs one read now and then and no write. Every
 * change is conditional; a lost one is judged again on what stands there.
 * @param deps.owner names this process
 */
export function breakerGuard(deps: GuardDeps): BreakerGuard {
  const { current, write } = heldCopies(deps);
  let asked = 0;
  return {
    async ask(name, rule, readOnly) {
      const key = keyOf(name);
      const seen = await current(key, false);
      // What refuses may have been closed by another process meanwhile, and what is failing may have been opened.
      const well = seen.state.kind === 'closed' && seen.state.failures === 0;
      const now = well ? seen : await current(key, true);
      // Each question has a name of its own, so that of two in one process one alone is the probe.
      asked += 1;
      const owner = `${deps.owner}:${asked}`;
      const verdict = askBreaker(rule, now.state, { nowMs: deps.clock.now(), owner, readOnly });
      if (verdict.kind !== 'probe') return verdict;
      return (await write(key, now, verdict.next))
        ? { kind: 'pass', probe: true }
        : { kind: 'refuse', retryAfterMs: 1000 };
    },
    async tell(name, rule, showed) {
      const key = keyOf(name);
      // Each lost round means that another process was counted, and an open breaker needs no further count.
      for (let round = 0; round < 16; round += 1) {
        const from = await current(key, false);
        const next = after(rule, from.state, { showed, nowMs: deps.clock.now() });
        if (next === from.state || (await write(key, from, next))) return;
      }
    },
  };
}

/** The copies of one process: read again when they are old or a caller wants it, written over what they were read from. */
function heldCopies(deps: Pick<GuardDeps, 'store' | 'clock'>) {
  const copies = new Map<string, Copy>();
  const keep = (key: string, held: HeldState): Copy => {
    const nowMs = deps.clock.now();
    const known = copies.get(key);
    // Answers of requests made at once may come out of order.
    if (known && known.version > held.version && nowMs - known.readAtMs < trustMs) return known;
    const copy = { state: breakerStateOf(held.value), version: held.version, readAtMs: nowMs };
    copies.set(key, copy);
    return copy;
  };
  const current = async (key: string, fresh: boolean): Promise<Copy> => {
    const known = copies.get(key);
    if (known && !fresh && deps.clock.now() - known.readAtMs < trustMs) return known;
    return keep(key, await deps.store.read(key));
  };
  const write = async (key: string, from: Copy, next: BreakerState): Promise<boolean> => {
    const version = from.version + 1;
    const written = await deps.store.write(key, { value: next as Json, over: from.version, keepMs });
    // A probe that was noted and whose answer got lost is recognised by its owner: nobody else would send it.
    const landed =
      written.kind === 'written' ||
      (next.kind === 'half_open' && written.version === version && isDeepStrictEqual(written.value, next));
    keep(key, landed ? { value: next as Json, version } : written);
    return landed;
  };
  return { current, write };
}

/** The breakers of one system as they stand, by operation class. */
export async function breakersOf(
  store: Pick<ResilienceStore, 'read'>,
  system: string,
): Promise<{ readonly [name in OperationClass]: BreakerState }> {
  const state = async (kind: OperationClass) =>
    breakerStateOf((await store.read(keyOf({ system, class: kind }))).value);
  const [read, write] = await Promise.all([state('read'), state('write')]);
  return { read, write };
}

function keyOf(name: BreakerName): string {
  return `breaker#${name.system}#${name.class}`;
}

function after(
  rule: BreakerRule,
  state: BreakerState,
  { showed, nowMs }: { readonly showed: Showed; readonly nowMs: number },
): BreakerState {
  if (showed === 'fails') return afterFailure(rule, state, nowMs);
  return showed === 'works' ? afterSuccess(state) : afterProbe(rule, state);
}
