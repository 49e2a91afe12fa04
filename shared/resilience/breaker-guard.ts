import type { Clock } from '../model/clock.ts';
import {
  afterFailure,
  afterSuccess,
  askBreaker,
  type BreakerRule,
  type BreakerVerdict,
  closedBreaker,
} from './breaker.ts';
import type { BreakerState, ResilienceStore } from './ports.ts';

/** The breakers of all systems, shared by all processes. */
export type BreakerGuard = {
  /** Asked before each request; `lost` races for the one probe are answered with `refuse`. */
  ask(name: string, rule: BreakerRule, readOnly: boolean): Promise<Exclude<BreakerVerdict, { kind: 'probe' }>>;
  /** Told after each request that was tried. */
  tell(name: string, rule: BreakerRule, works: boolean): Promise<void>;
};

type Held = { state: BreakerState; version: number; readAtMs: number };

/** How long a process trusts its copy of a breaker, milliseconds. */
const trustMs = 5000;

/**
 * Keeps a copy of each breaker for a few seconds: a system that works costs one read now and then and no write. Every
 * change is conditional; a lost one is judged again on what stands there.
 * @param deps.owner names this process
 */
export function breakerGuard(deps: {
  readonly store: ResilienceStore;
  readonly clock: Clock;
  readonly owner: string;
}): BreakerGuard {
  const held = new Map<string, Held>();
  const current = async (name: string, fresh: boolean): Promise<Held> => {
    const known = held.get(name);
    if (known && !fresh && deps.clock.now() - known.readAtMs < trustMs) return known;
    const read = { ...(await deps.store.readBreaker(name)), readAtMs: deps.clock.now() };
    held.set(name, read);
    return read;
  };
  const write = async (name: string, from: Held, next: BreakerState): Promise<boolean> => {
    if ((await deps.store.writeBreaker(name, next, from.version)) === 'lost') return false;
    held.set(name, { state: next, version: from.version + 1, readAtMs: deps.clock.now() });
    return true;
  };
  return {
    async ask(name, rule, readOnly) {
      const seen = await current(name, false);
      // What refuses is read again: another process may have closed it meanwhile.
      const now = seen.state.kind === 'closed' ? seen : await current(name, true);
      const verdict = askBreaker(rule, now.state, { nowMs: deps.clock.now(), owner: deps.owner, readOnly });
      if (verdict.kind !== 'probe') return verdict;
      return (await write(name, now, verdict.next)) ? { kind: 'pass' } : { kind: 'refuse', retryAfterMs: 1000 };
    },
    async tell(name, rule, works) {
      for (const fresh of [false, true]) {
        const from = await current(name, fresh);
        const next = works ? afterSuccess(from.state) : afterFailure(rule, from.state, deps.clock.now());
        if (next === from.state || (await write(name, from, next))) return;
      }
    },
  };
}

/** A breaker item as it is stored; what cannot be read counts as closed. */
export function breakerStateOf(value: unknown): BreakerState {
  const state = value as BreakerState | null | undefined;
  return state && ['closed', 'open', 'half_open'].includes(state.kind) ? state : closedBreaker;
}
