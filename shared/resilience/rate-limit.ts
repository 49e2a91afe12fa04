import type { Clock } from '../model/clock.ts';
import type { Json } from '../model/json.ts';
import type { ResilienceStore } from './ports.ts';
import { lease, leaseRetry, type RateRule, rateWindowOf, slotMs, slotOf } from './rate-window.ts';
import { type SharedItem, sharedItem } from './shared-item.ts';
import { takesTurns } from './turns.ts';

/** `wait`: no call now; `paused` where the system itself asked for that, else the calls of a window are used up. */
export type RateVerdict =
  | { readonly kind: 'ok' }
  | { readonly kind: 'wait'; readonly retryAfterMs: number; readonly paused: boolean };

/** The calls that a credential may make, counted over all processes. Throws `store_unavailable` where they cannot be counted. */
export type RateLimiter = {
  /** Takes one call of every limit. */
  take(credential: string, rules: readonly RateRule[]): Promise<RateVerdict>;
  /** Takes one retry of the budget for retries; it is counted as a call when it is made. */
  takeRetry(credential: string, rules: readonly RateRule[]): Promise<RateVerdict>;
  /** The system wants no call with this credential until then; every process sees it within seconds. */
  pause(credential: string, rules: readonly RateRule[], untilMs: number): Promise<void>;
  /** How long the credential is paused, as it stands in shared state, milliseconds; 0 where it is not. */
  pausedMs(credential: string, rules: readonly RateRule[]): Promise<number>;
  /** A time for one waiting action of a system to ask again: the next free one at or after `notBeforeMs`. */
  turn(system: string, rules: readonly RateRule[], notBeforeMs: number): Promise<number>;
};

/** How long leased calls may be held before the shared window is looked at again: a pause is seen by then. */
const trustMs = 5000;
/** A pause is asked about again at least once an hour, whatever the system said. */
const longestPauseMs = 3_600_000;
const keepAfterMs = 3_600_000;

type Block = { item: SharedItem; slot: number; untilMs: number; left: number; size: number; waiting: number };

/**
 * Counts calls in windows that slide, shared by all processes. A process leases calls in blocks that grow while they are used
 * up, and gives back what it did not use, so that most calls cost no request and no limit is exceeded in any stretch of time.
 * Two systems with one credential share its limits.
 */
export function rateLimiter(deps: { readonly store: ResilienceStore; readonly clock: Clock }): RateLimiter {
  const blockOf = blocksIn(deps.store);
  const paused = new Map<string, number>();
  const pausedMs = (credential: string) => (paused.get(credential) ?? 0) - deps.clock.now();
  const learn = (credential: string, untilMs: number) => {
    if (untilMs > (paused.get(credential) ?? 0)) paused.set(credential, untilMs);
  };
  return {
    turn: takesTurns(deps),
    async take(credential, rules) {
      // The widest window last: what a narrow one refuses is not taken from the day.
      for (const rule of narrowFirst(rules)) {
        if (pausedMs(credential) > 0) return waitFor(pausedMs(credential), true);
        const got = await takeOne(deps.clock, blockOf(credential, rule), rule);
        learn(credential, got.pausedUntilMs);
        if (got.retryAfterMs > 0) return waitFor(got.retryAfterMs, pausedMs(credential) > 0);
      }
      return { kind: 'ok' };
    },
    async takeRetry(credential, rules) {
      const [rule] = narrowFirst(rules);
      if (pausedMs(credential) > 0) return waitFor(pausedMs(credential), true);
      if (!rule) return { kind: 'ok' };
      const retryAfterMs = await takeRetryIn(deps.clock, blockOf(credential, rule), rule);
      return retryAfterMs === null ? { kind: 'ok' } : waitFor(retryAfterMs, false);
    },
    async pausedMs(credential, rules) {
      const [rule] = narrowFirst(rules);
      const known = pausedMs(credential);
      if (known > 0 || !rule) return Math.max(0, known);
      const { value } = await deps.store.read(windowName(credential, rule));
      learn(credential, rateWindowOf(value).pausedUntilMs);
      return Math.max(0, pausedMs(credential));
    },
    async pause(credential, rules, asked) {
      const untilMs = Math.min(asked, deps.clock.now() + longestPauseMs);
      learn(credential, untilMs);
      const [rule] = narrowFirst(rules);
      if (rule) await pauseIn(blockOf(credential, rule), untilMs);
    },
  };
}

/** The blocks of a process. Systems that share a credential share the count, each with its own number of calls. */
function blocksIn(store: ResilienceStore): (credential: string, rule: RateRule) => Block {
  const blocks = new Map<string, Block>();
  return (credential, rule) => {
    const name = windowName(credential, rule);
    const keepMs = rule.per + keepAfterMs;
    const made = () => ({
      ...{ slot: -1, untilMs: 0, left: 0, size: 1, waiting: 0 },
      item: sharedItem(store, { name, keepMs }),
    });
    const block = blocks.get(name) ?? made();
    blocks.set(name, block);
    return block;
  };
}

function windowName(credential: string, rule: RateRule): string {
  return `rate#${credential}#${rule.per}`;
}

function takeRetryIn(clock: Clock, { item }: Block, rule: RateRule): Promise<number | null> {
  return item.change((value) => {
    const { next, retryAfterMs } = leaseRetry(rateWindowOf(value), rule, clock.now());
    return { next: retryAfterMs === null ? (next as Json) : null, result: retryAfterMs };
  });
}

function pauseIn({ item }: Block, untilMs: number): Promise<null> {
  return item.change((value) => {
    const window = rateWindowOf(value);
    const later = untilMs > window.pausedUntilMs;
    return { next: later ? ({ ...window, pausedUntilMs: untilMs } as Json) : null, result: null };
  });
}

function narrowFirst(rules: readonly RateRule[]): readonly RateRule[] {
  return [...rules].sort((a, b) => a.per - b.per);
}

function waitFor(retryAfterMs: number, paused: boolean): RateVerdict {
  return { kind: 'wait', retryAfterMs, paused };
}

/** One call of the block at hand; a new block is leased where it is used up or too old. */
async function takeOne(clock: Clock, block: Block, rule: RateRule) {
  block.waiting += 1;
  try {
    for (;;) {
      if (clock.now() < block.untilMs && block.left > 0) {
        block.left -= 1;
        return { retryAfterMs: 0, pausedUntilMs: 0 };
      }
      const got = await leaseBlock(clock, block, rule);
      if (got !== null && got.taken === 0) return got;
    }
  } finally {
    block.waiting -= 1;
  }
}

/** A tenth of the window at most, so that ten processes can share one. Null: another caller has leased one meanwhile. */
function leaseBlock(clock: Clock, block: Block, rule: RateRule) {
  return block.item
    .change((value) => {
      const nowMs = clock.now();
      if (nowMs < block.untilMs && block.left > 0) return { next: null, result: null };
      const most = Math.max(1, Math.min(100, Math.floor(rule.calls / 10)));
      const want = Math.min(most, Math.max(block.size, block.waiting));
      const unused = block.left > 0 ? ([block.slot, block.left] as const) : null;
      const { next, lease: got } = lease(rateWindowOf(value), rule, { nowMs, want, unused });
      // Given back once: the write may land although its answer is lost, and twice would let too many pass.
      if (got.taken > 0) block.left = 0;
      return { next: got.taken > 0 ? (next as Json) : null, result: { ...got, want, nowMs } };
    })
    .then((got) => {
      if (got === null || got.taken === 0) return got;
      const slot = slotOf(rule, got.nowMs);
      Object.assign(block, {
        slot,
        left: got.taken,
        size: block.slot === slot ? Math.min(100, got.want * 2) : 1,
        untilMs: Math.min((slot + 1) * slotMs(rule), got.nowMs + trustMs),
      });
      return got;
    });
}
