import type { Clock } from '../model/clock.ts';
import type { ResilienceStore } from './ports.ts';

/** One limit of a system: so many calls in each window of `per` milliseconds. */
export type RateRule = { readonly calls: number; readonly per: number };

/** `wait`: the window's calls are used up; the next window starts in `retryAfterMs`. */
export type RateVerdict = { readonly kind: 'ok' } | { readonly kind: 'wait'; readonly retryAfterMs: number };

/** Takes one call of every limit of a system. Throws `store_unavailable` where blocks cannot be leased. */
export type RateLimiter = { take(system: string, rules: readonly RateRule[]): Promise<RateVerdict> };

type Block = { windowStartMs: number; left: number; pending: Promise<number> | null };

/** What one lease takes: a tenth of the window's calls, so that ten processes can share a window. */
function blockSize(rule: RateRule): number {
  return Math.max(1, Math.min(100, Math.floor(rule.calls / 10)));
}

/**
 * Counts calls in fixed windows shared by all processes. Each process leases blocks of calls and uses them up before it
 * asks again, so that most calls cost no request. Unused calls of a block end with their window: the limit is never
 * exceeded, it may be reached early.
 */
export function rateLimiter(deps: { readonly store: ResilienceStore; readonly clock: Clock }): RateLimiter {
  const blocks = new Map<string, Block>();
  return {
    async take(system, rules) {
      // The widest window last: what a narrow one refuses is not taken from the day.
      for (const rule of [...rules].sort((a, b) => a.per - b.per)) {
        const nowMs = deps.clock.now();
        const limit = `${system}:${rule.calls}:${rule.per}`;
        const windowStartMs = nowMs - (nowMs % rule.per);
        const block = currentBlock(blocks, limit, windowStartMs);
        if (!(await takeOne(deps.store, block, { limit, rule }))) {
          return { kind: 'wait', retryAfterMs: windowStartMs + rule.per - nowMs };
        }
      }
      return { kind: 'ok' };
    },
  };
}

function currentBlock(blocks: Map<string, Block>, limit: string, windowStartMs: number): Block {
  const held = blocks.get(limit);
  if (held?.windowStartMs === windowStartMs) return held;
  const fresh: Block = { windowStartMs, left: 0, pending: null };
  blocks.set(limit, fresh);
  return fresh;
}

async function takeOne(
  store: ResilienceStore,
  block: Block,
  { limit, rule }: { readonly limit: string; readonly rule: RateRule },
): Promise<boolean> {
  while (block.left === 0) {
    const { windowStartMs } = block;
    const want = blockSize(rule);
    // Calls made at once in one process share one lease.
    block.pending ??= store
      .takeBlock({ limit, windowStartMs, windowMs: rule.per, calls: rule.calls, want })
      .then((taken) => {
        block.left += taken;
        return taken;
      })
      .finally(() => {
        block.pending = null;
      });
    if ((await block.pending) === 0) return false;
  }
  block.left -= 1;
  return true;
}
