import { describe, expect, it } from 'vitest';
import { PlumblineError } from '../../shared/model/errors.ts';
import { readWaiting, takesTurns, turnEveryMs } from '../../shared/resilience/turns.ts';
import { fixedClock } from '../kit/fixed-clock.ts';
import { memoryResilienceStore } from '../kit/memory-resilience-store.ts';

const rules = [
  { calls: 100, per: 10_000 },
  { calls: 250_000, per: 86_400_000 },
];

describe('turns', () => {
  it('lie as far apart as the limit allows for two calls each, with a fifth left for others', () => {
    expect(turnEveryMs(rules)).toBe(250);
  });

  it('are not slowed by a stock of calls for the day', () => {
    expect(turnEveryMs([{ calls: 15_000, per: 86_400_000 }])).toBe(100);
  });

  it('begin when waiting may end and go to everybody once', async () => {
    const [store, clock] = [memoryResilienceStore(), fixedClock(1_000_000)];
    const [one, other] = [takesTurns({ store, clock }), takesTurns({ store, clock })];
    const taken: number[] = [];
    for (const take of [one, other, one, other]) taken.push(await take('crm', rules, 1_030_000));
    expect(taken).toEqual([1_030_000, 1_030_250, 1_030_500, 1_030_750]);
  });

  it('never lie in the past', async () => {
    const [store, clock] = [memoryResilienceStore(), fixedClock(1_000_000)];
    const take = takesTurns({ store, clock });
    await take('crm', rules, 1_000_000);
    clock.advance(60_000);
    expect(await take('crm', rules, 1_000_000)).toBe(1_060_000);
  });

  it('lie within an hour, whatever the system said: one answer does not move those behind it away', async () => {
    const [store, clock] = [memoryResilienceStore(), fixedClock(1_000_000)];
    const take = takesTurns({ store, clock });
    expect(await take('crm', rules, 1_000_000 + 999_999_999_000)).toBe(4_600_000);
    expect(await take('crm', rules, 1_000_000)).toBe(4_600_250);
  });

  it('are the asked time where the store does not answer: waiting is never lost over it', async () => {
    const fault = async () => {
      throw new PlumblineError('x', { code: 'store_unavailable', retry: 'after_check', hint: '' });
    };
    const take = takesTurns({ store: { read: fault, write: fault }, clock: fixedClock(5) });
    expect(await take('crm', rules, 77)).toBe(77);
  });

  it('show since when a system is waited for without a pause', async () => {
    const [store, clock] = [memoryResilienceStore(), fixedClock(1_000_000)];
    const take = takesTurns({ store, clock });
    expect(await readWaiting(store, 'crm', clock.now())).toBeNull();
    for (let i = 0; i < 20; i += 1) {
      await take('crm', rules, clock.now() + 60_000);
      clock.advance(60_000);
    }
    expect((await readWaiting(store, 'crm', clock.now()))?.sinceMs).toBe(1_000_000);
    clock.advance(120_001);
    expect(await readWaiting(store, 'crm', clock.now())).toBeNull();
    await take('crm', rules, clock.now());
    expect((await readWaiting(store, 'crm', clock.now()))?.sinceMs).toBe(clock.now());
  });
});
