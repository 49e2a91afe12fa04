import { describe, expect, it } from 'vitest';
import type { Clock } from '../../shared/model/clock.ts';
import { backoffMs, parseRetryAfter } from '../../shared/resilience/backoff.ts';
import { afterFailure, afterSuccess, askBreaker, closedBreaker } from '../../shared/resilience/breaker.ts';
import { breakerGuard } from '../../shared/resilience/breaker-guard.ts';
import { nearerDeadline, remainingMs } from '../../shared/resilience/deadline.ts';
import type { BreakerState } from '../../shared/resilience/ports.ts';
import { rateLimiter } from '../../shared/resilience/rate-limit.ts';
import { memoryResilienceStore } from '../kit/memory-resilience-store.ts';

function handClock(startMs = 0): Clock & { advance(ms: number): void } {
  let nowMs = startMs;
  return {
    now: () => nowMs,
    sleep: async () => {},
    advance: (ms) => {
      nowMs += ms;
    },
  };
}

const bytes = (value: number) => (count: number) => new Uint8Array(count).fill(value);

describe('backoff', () => {
  const backoff = { baseMs: 1000, capMs: 10_000 };

  it('spreads over the whole doubled wait', () => {
    const high = { backoff, random: bytes(255) };
    expect([1, 2, 3, 4, 5, 60].map((attempt) => backoffMs(high, { attempt }))).toEqual([
      999, 1999, 3999, 7999, 9999, 9999,
    ]);
    expect(backoffMs({ backoff, random: bytes(0) }, { attempt: 5 })).toBe(0);
  });

  it('never waits less than it was asked to', () => {
    expect(backoffMs({ backoff, random: bytes(0) }, { attempt: 1, retryAfterMs: 30_000 })).toBe(30_000);
    expect(backoffMs({ backoff, random: bytes(255) }, { attempt: 9, retryAfterMs: 30_000 })).toBe(31_000);
  });

  it('reads Retry-After as seconds or as a date and nothing else', () => {
    const nowMs = Date.parse('2026-11-02T10:00:00Z');
    const read = ['120', 'Mon, 02 Nov 2026 10:01:00 GMT', 'Mon, 02 Nov 2026 09:00:00 GMT', '-1', 'soon', undefined];
    expect(read.map((value) => parseRetryAfter(value, nowMs))).toEqual([120_000, 60_000, 0, null, null, null]);
  });
});

describe('the breaker', () => {
  const rule = { opensAfter: 3, staysMs: 1000 };
  const ask = (state: BreakerState, nowMs: number, readOnly = true) =>
    askBreaker(rule, state, { nowMs, owner: 'me', readOnly });
  const failed = (times: number, nowMs: number) => {
    let state = closedBreaker;
    for (let i = 0; i < times; i += 1) state = afterFailure(rule, state, nowMs);
    return state;
  };

  it('opens after the configured failures in a row and not before', () => {
    expect([failed(2, 0).kind, failed(3, 0).kind]).toEqual(['closed', 'open']);
  });

  it('forgets failures after one success', () => {
    expect(failed(2, 0)).toEqual({ kind: 'closed', failures: 2 });
    expect(afterSuccess(failed(2, 0))).toEqual(closedBreaker);
  });

  it('refuses everything while it is open', () => {
    expect(ask(failed(3, 0), 400)).toEqual({ kind: 'refuse', retryAfterMs: 600 });
  });

  it('lets one read try after the wait, and everybody else waits for it', () => {
    const verdict = ask(failed(3, 0), 1000);
    expect(verdict).toMatchObject({ kind: 'probe', next: { kind: 'half_open', probeOwner: 'me' } });
    const next = verdict.kind === 'probe' ? verdict.next : closedBreaker;
    expect(ask(next, 1001).kind).toBe('refuse');
  });

  it('never lets a write be the trial', () => {
    expect(ask(failed(3, 0), 1000, false)).toEqual({ kind: 'read_first' });
  });

  it('lets another try where the trial never came back', () => {
    const first = ask(failed(3, 0), 1000);
    expect(ask(first.kind === 'probe' ? first.next : closedBreaker, 40_000).kind).toBe('probe');
  });

  it('waits longer after each failed trial', () => {
    const first = ask(failed(3, 0), 1000);
    const again = afterFailure(rule, first.kind === 'probe' ? first.next : closedBreaker, 1000);
    expect(ask(again, 2500)).toEqual({ kind: 'refuse', retryAfterMs: 500 });
    expect(ask(again, 3000).kind).toBe('probe');
  });

  it('is shared: what one process saw failing, another does not try', async () => {
    const [store, clock] = [memoryResilienceStore(), handClock()];
    const [one, other] = ['one', 'other'].map((owner) => breakerGuard({ store, clock, owner }));
    for (let i = 0; i < 3; i += 1) await one?.tell('hubspot', rule, false);
    expect(await other?.ask('hubspot', rule, true)).toEqual({ kind: 'refuse', retryAfterMs: 1000 });
  });

  it('lets only one process try', async () => {
    const [store, clock] = [memoryResilienceStore(), handClock()];
    const guards = ['one', 'two', 'three'].map((owner) => breakerGuard({ store, clock, owner }));
    for (let i = 0; i < 3; i += 1) await guards[0]?.tell('hubspot', rule, false);
    clock.advance(1000);
    const verdicts = await Promise.all(guards.map((guard) => guard.ask('hubspot', rule, true)));
    expect(verdicts.filter(({ kind }) => kind === 'pass')).toHaveLength(1);
  });

  it('counts failures of several processes together', async () => {
    const [store, clock] = [memoryResilienceStore(), handClock()];
    const guards = ['one', 'two', 'three'].map((owner) => breakerGuard({ store, clock, owner }));
    for (const guard of guards) await guard.ask('hubspot', rule, true);
    for (const guard of guards) await guard.tell('hubspot', rule, false);
    expect((await store.readBreaker('hubspot')).state.kind).toBe('open');
  });

  it('costs no request while the copy is young and the system works', async () => {
    const [memory, clock] = [memoryResilienceStore(), handClock()];
    let requests = 0;
    const counted =
      <A extends unknown[], R>(call: (...args: A) => R) =>
      (...args: A) => {
        requests += 1;
        return call(...args);
      };
    const store = { ...memory, readBreaker: counted(memory.readBreaker), writeBreaker: counted(memory.writeBreaker) };
    const guard = breakerGuard({ store, clock, owner: 'one' });
    for (let i = 0; i < 50; i += 1) {
      await guard.ask('hubspot', rule, false);
      await guard.tell('hubspot', rule, true);
    }
    expect(requests).toBe(1);
  });
});

describe('the rate limit', () => {
  const rules = [
    { calls: 100, per: 10_000 },
    { calls: 250, per: 86_400_000 },
  ];
  const takeAll = async (limiters: ReturnType<typeof rateLimiter>[], calls: number) => {
    const all = Array.from({ length: calls }, (_, i) => limiters[i % limiters.length]?.take('hubspot', rules));
    return (await Promise.all(all)).filter((verdict) => verdict?.kind === 'ok').length;
  };

  it('lets no more calls pass than the window allows, however many processes ask', async () => {
    const [store, clock] = [memoryResilienceStore(), handClock(1_000_000)];
    const limiters = Array.from({ length: 3 }, () => rateLimiter({ store, clock }));
    expect(await takeAll(limiters, 300)).toBe(100);
  });

  it('says when the next window starts', async () => {
    const [store, clock] = [memoryResilienceStore(), handClock(1_004_000)];
    const limiter = rateLimiter({ store, clock });
    await takeAll([limiter], 100);
    expect(await limiter.take('hubspot', rules)).toEqual({ kind: 'wait', retryAfterMs: 6000 });
  });

  it('starts again with the next window, up to the wider limit', async () => {
    const [store, clock] = [memoryResilienceStore(), handClock(1_000_000)];
    const limiter = rateLimiter({ store, clock });
    const passed: number[] = [];
    for (let i = 0; i < 4; i += 1) {
      passed.push(await takeAll([limiter], 120));
      clock.advance(10_000);
    }
    expect(passed).toEqual([100, 100, 50, 0]);
  });

  it('asks the store once for many calls', async () => {
    const memory = memoryResilienceStore();
    let leases = 0;
    const store = {
      ...memory,
      takeBlock: (input: Parameters<typeof memory.takeBlock>[0]) => {
        leases += 1;
        return memory.takeBlock(input);
      },
    };
    const limiter = rateLimiter({ store, clock: handClock(1_000_000) });
    for (let i = 0; i < 10; i += 1) await limiter.take('hubspot', [{ calls: 100, per: 10_000 }]);
    expect(leases).toBe(1);
  });
});

describe('deadlines', () => {
  it('are never extended by a timeout and never negative', () => {
    const clock = handClock(1000);
    expect([
      nearerDeadline(5000, 10_000, clock),
      nearerDeadline(5000, 1000, clock),
      nearerDeadline(5000, undefined, clock),
    ]).toEqual([5000, 2000, 5000]);
    expect([remainingMs(5000, clock), remainingMs(500, clock)]).toEqual([4000, 0]);
  });
});
