import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rateLimiter } from '../../shared/resilience/rate-limit.ts';
import type { RateRule } from '../../shared/resilience/rate-window.ts';
import { fixedClock } from '../kit/fixed-clock.ts';
import { memoryResilienceStore } from '../kit/memory-resilience-store.ts';

const tenSeconds = { calls: 100, per: 10_000 };
const rules = [tenSeconds, { calls: 250, per: 86_400_000 }];
type Limiter = ReturnType<typeof rateLimiter>;

async function takeAll(limiters: readonly Limiter[], calls: number, of: readonly RateRule[] = rules) {
  const all = Array.from({ length: calls }, (_, i) => limiters[i % limiters.length]?.take('key', of));
  return (await Promise.all(all)).filter((verdict) => verdict?.kind === 'ok').length;
}

/** The most calls that any stretch of `per` milliseconds holds. */
function mostIn(times: readonly number[], per: number): number {
  return Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at < from + per).length));
}

describe('the rate limit', () => {
  it('lets no more calls pass than the window allows, however many processes ask', async () => {
    const [store, clock] = [memoryResilienceStore(), fixedClock(1_000_000)];
    const limiters = Array.from({ length: 3 }, () => rateLimiter({ store, clock }));
    expect(await takeAll(limiters, 300)).toBe(100);
  });

  it.each(['throws', 'meets itself'])(
    'gives back what it did not use once, also where the write landed and %s',
    async (how) => {
      const [store, clock] = [memoryResilienceStore(), fixedClock(1_000_000)];
      let answers = true;
      const write: typeof store.write = async (key, next) => {
        const written = await store.write(key, next);
        if (answers) return written;
        answers = true;
        if (how === 'throws') throw new Error('no answer');
        return store.write(key, next);
      };
      const limiter = rateLimiter({ store: { ...store, write }, clock });
      const took = () => takeAll([limiter], 1, [tenSeconds]);
      // Blocks grow: one call, one call, one of two; one is left of this part of the window.
      for (let n = 0; n < 3; n += 1) await took();
      const [, held] = [...store.items][0] ?? [];
      expect(JSON.parse(held ?? '').value.slots).toEqual([[1000, 4, 0]]);
      clock.advance(1000);
      answers = false;
      await took().catch(() => 0);
      clock.advance(1000);
      await took();
      const [first] = JSON.parse([...store.items.values()][0] ?? '').value.slots;
      expect(first).toEqual([1000, 3, 0]);
    },
  );

  it('holds in every stretch of time, whenever calls come and from whichever process', async () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 4000 }), fc.integer({ min: 1, max: 30 })), {
      minLength: 5,
      maxLength: 40,
    });
    const rule = fc.record({ calls: fc.integer({ min: 1, max: 40 }), per: fc.constantFrom(1000, 7000, 10_000) });
    await fc.assert(
      fc.asyncProperty(rule, steps, async (limit, moves) => {
        const [store, clock] = [memoryResilienceStore(), fixedClock(1_000_123)];
        const limiters = [1, 2, 3].map(() => rateLimiter({ store, clock }));
        const times: number[] = [];
        for (const [ms, wanted] of moves) {
          clock.advance(ms);
          const passed = await takeAll(limiters, wanted, [limit]);
          times.push(...Array<number>(passed).fill(clock.now()));
        }
        expect(mostIn(times, limit.per)).toBeLessThanOrEqual(limit.calls);
      }),
      { numRuns: 60, seed: 7 },
    );
  });

  it('gets nine tenths of the limit through where calls come all the time', async () => {
    const [store, clock] = [memoryResilienceStore(), fixedClock(1_000_000)];
    const limiters = [1, 2].map(() => rateLimiter({ store, clock }));
    let passed = 0;
    for (let i = 0; i < 1000; i += 1) {
      passed += await takeAll(limiters, 2, [tenSeconds]);
      clock.advance(100);
    }
    expect(passed).toBeGreaterThanOrEqual(880);
    expect(passed).toBeLessThanOrEqual(1000);
  });

  it('gives unused calls of a lease back, so that slow processes do not use up what they do not need', async () => {
    const [store, clock] = [memoryResilienceStore(), fixedClock(1_000_000)];
    const limiter = rateLimiter({ store, clock });
    let refused = 0;
    for (let i = 0; i < 300; i += 1) {
      refused += 3 - (await takeAll([limiter], 3, [tenSeconds]));
      clock.advance(1000);
    }
    expect(refused).toBe(0);
  });

  it('says when to ask again, and has room then', async () => {
    const [store, clock] = [memoryResilienceStore(), fixedClock(1_004_000)];
    const limiter = rateLimiter({ store, clock });
    await takeAll([limiter], 100);
    const verdict = await limiter.take('key', rules);
    expect(verdict).toEqual({ kind: 'wait', retryAfterMs: 11_000, paused: false });
    clock.advance(11_000);
    expect((await limiter.take('key', rules)).kind).toBe('ok');
  });

  it('ends at the wider limit', async () => {
    const [store, clock] = [memoryResilienceStore(), fixedClock(1_000_000)];
    const limiter = rateLimiter({ store, clock });
    const passed: number[] = [];
    for (let i = 0; i < 4; i += 1) {
      passed.push(await takeAll([limiter], 120));
      clock.advance(11_000);
    }
    expect(passed).toEqual([100, 100, 50, 0]);
  });

  it('is one for two systems that share a credential, each with its own ceiling', async () => {
    const [store, clock] = [memoryResilienceStore(), fixedClock(1_000_000)];
    const limiter = rateLimiter({ store, clock });
    expect(await takeAll([limiter], 50, [{ calls: 40, per: 10_000 }])).toBe(40);
    expect(await takeAll([limiter], 100, [tenSeconds])).toBe(60);
  });

  it('asks the store less often than it is asked', async () => {
    const memory = memoryResilienceStore();
    let writes = 0;
    const store = {
      ...memory,
      write: (...input: Parameters<typeof memory.write>) => {
        writes += 1;
        return memory.write(...input);
      },
    };
    const limiter = rateLimiter({ store, clock: fixedClock(1_000_000) });
    for (let i = 0; i < 40; i += 1) await limiter.take('key', [tenSeconds]);
    expect(writes).toBeLessThanOrEqual(8);
  });
});

describe('a pause that the system asked for', () => {
  it('holds every process back until it is over', async () => {
    const [store, clock] = [memoryResilienceStore(), fixedClock(1_000_000)];
    const [one, other] = [1, 2].map(() => rateLimiter({ store, clock }));
    await other?.take('key', rules);
    await one?.pause('key', rules, 1_030_000);
    clock.advance(1000);
    expect(await other?.take('key', rules)).toEqual({ kind: 'wait', retryAfterMs: 29_000, paused: true });
    expect(await one?.take('key', rules)).toEqual({ kind: 'wait', retryAfterMs: 29_000, paused: true });
    clock.advance(29_000);
    expect((await other?.take('key', rules))?.kind).toBe('ok');
  });

  it('is seen within five seconds by a process that holds calls of a long window', async () => {
    const [store, clock] = [memoryResilienceStore(), fixedClock(1_000_000)];
    const day = [{ calls: 10_000, per: 86_400_000 }];
    const [one, other] = [1, 2].map(() => rateLimiter({ store, clock }));
    for (let i = 0; i < 20; i += 1) await other?.take('key', day);
    await one?.pause('key', day, 1_060_000);
    clock.advance(5000);
    expect((await other?.take('key', day))?.kind).toBe('wait');
  });

  it('never lasts longer than an hour without being asked again, whatever the system said', async () => {
    const [store, clock] = [memoryResilienceStore(), fixedClock(1_000_000)];
    const limiter = rateLimiter({ store, clock });
    await limiter.pause('key', rules, 1_000_000 + 999_999_999_000);
    clock.advance(3_600_000);
    expect((await limiter.take('key', rules)).kind).toBe('ok');
  });

  it('is told to who asks without making a call', async () => {
    const [store, clock] = [memoryResilienceStore(), fixedClock(1_000_000)];
    const [one, other] = [1, 2].map(() => rateLimiter({ store, clock }));
    expect(await other?.pausedMs('key', rules)).toBe(0);
    await one?.pause('key', rules, 1_060_000);
    expect([await one?.pausedMs('key', rules), await other?.pausedMs('key', rules)]).toEqual([60_000, 60_000]);
    clock.advance(60_000);
    expect(await other?.pausedMs('key', rules)).toBe(0);
  });

  it('is not shortened by a later, shorter one', async () => {
    const [store, clock] = [memoryResilienceStore(), fixedClock(1_000_000)];
    const limiter = rateLimiter({ store, clock });
    await limiter.pause('key', rules, 1_060_000);
    await limiter.pause('key', rules, 1_001_000);
    clock.advance(2000);
    expect((await limiter.take('key', rules)).kind).toBe('wait');
  });
});

describe('the budget for retries', () => {
  const retries = async (limiter: Limiter, asked: number) => {
    let granted = 0;
    for (let i = 0; i < asked; i += 1) granted += (await limiter.takeRetry('key', rules)).kind === 'ok' ? 1 : 0;
    return granted;
  };

  it('is a fifth of the calls while many are made', async () => {
    const limiter = rateLimiter({ store: memoryResilienceStore(), clock: fixedClock(1_000_000) });
    expect(await takeAll([limiter], 80, [tenSeconds])).toBe(80);
    expect(await retries(limiter, 50)).toBe(16);
  });

  it('is a tenth of the limit while few are made, so that a lone call can be tried again', async () => {
    const limiter = rateLimiter({ store: memoryResilienceStore(), clock: fixedClock(1_000_000) });
    expect(await retries(limiter, 50)).toBe(10);
  });

  it('is at least one', async () => {
    const limiter = rateLimiter({ store: memoryResilienceStore(), clock: fixedClock(1_000_000) });
    expect((await limiter.takeRetry('key', [{ calls: 1, per: 1000 }])).kind).toBe('ok');
    expect((await limiter.takeRetry('key', [{ calls: 1, per: 1000 }])).kind).toBe('wait');
  });

  it('fills again as the window moves on', async () => {
    const clock = fixedClock(1_000_000);
    const limiter = rateLimiter({ store: memoryResilienceStore(), clock });
    await retries(limiter, 50);
    clock.advance(11_000);
    expect(await retries(limiter, 50)).toBe(10);
  });
});
