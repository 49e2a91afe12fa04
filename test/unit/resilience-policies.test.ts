import { describe, expect, it } from 'vitest';
import { backoffMs, parseRetryAfter } from '../../shared/resilience/backoff.ts';
import { nearerDeadline, remainingMs } from '../../shared/resilience/deadline.ts';
import { fixedClock } from '../kit/fixed-clock.ts';

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

describe('deadlines', () => {
  it('are never extended by a timeout and never negative', () => {
    const clock = fixedClock(1000);
    expect([
      nearerDeadline(5000, 10_000, clock),
      nearerDeadline(5000, 1000, clock),
      nearerDeadline(5000, undefined, clock),
    ]).toEqual([5000, 2000, 5000]);
    expect([remainingMs(5000, clock), remainingMs(500, clock)]).toEqual([4000, 0]);
  });
});
