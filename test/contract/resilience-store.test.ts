import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resilienceStore } from '../../shared/aws/resilience-store.ts';
import type { BreakerState, ResilienceStore } from '../../shared/resilience/ports.ts';
import { givenEndpoints, startDynamo, type TestDynamo } from '../kit/dynamo.ts';
import { memoryResilienceStore } from '../kit/memory-resilience-store.ts';

type Target = { name: string; open(): Promise<{ store: ResilienceStore; stop(): Promise<void> }> };

async function onDynamo(given?: string) {
  const dynamo: TestDynamo = await startDynamo(given);
  const store = resilienceStore(dynamo.client, dynamo.names.state, () => 1_000_000);
  return { store, stop: dynamo.stop };
}

const targets: readonly Target[] = [
  { name: 'memory', open: async () => ({ store: memoryResilienceStore(), stop: async () => {} }) },
  { name: 'the embedded DynamoDB', open: () => onDynamo() },
  ...givenEndpoints().map((endpoint) => ({ name: endpoint, open: () => onDynamo(endpoint) })),
];

describe.each(targets)('breakers and rate blocks on $name', ({ open }) => {
  let target: Awaited<ReturnType<Target['open']>>;
  let store: ResilienceStore;
  beforeAll(async () => {
    target = await open();
    store = target.store;
  });
  afterAll(() => target.stop());

  const openState: BreakerState = { kind: 'open', openedAtMs: 5, attemptNo: 2 };

  it('reads a breaker nobody wrote as closed, version 0', async () => {
    expect(await store.readBreaker('new')).toEqual({ state: { kind: 'closed', failures: 0 }, version: 0 });
  });

  it('returns what was written, with the next version', async () => {
    expect(await store.writeBreaker('a', openState, 0)).toBe('written');
    expect(await store.readBreaker('a')).toEqual({ state: openState, version: 1 });
  });

  it('refuses a write on a version that is gone', async () => {
    await store.writeBreaker('b', openState, 0);
    expect(await store.writeBreaker('b', openState, 0)).toBe('lost');
    expect(await store.writeBreaker('b', openState, 7)).toBe('lost');
    expect(await store.writeBreaker('b', { kind: 'closed', failures: 1 }, 1)).toBe('written');
  });

  it('lets one of several concurrent writers win', async () => {
    const results = await Promise.all([1, 2, 3, 4].map(() => store.writeBreaker('c', openState, 0)));
    expect(results.filter((result) => result === 'written')).toHaveLength(1);
  });

  const block = (want: number, limit: string, windowStartMs = 0) =>
    store.takeBlock({ limit, windowStartMs, windowMs: 10_000, calls: 25, want });

  it('gives blocks until the window is used up, the last one as far as it goes', async () => {
    expect([await block(10, 'x'), await block(10, 'x'), await block(10, 'x'), await block(10, 'x')]).toEqual([
      10, 10, 5, 0,
    ]);
  });

  it('counts each window for itself', async () => {
    expect([await block(25, 'y'), await block(25, 'y'), await block(25, 'y', 10_000)]).toEqual([25, 0, 25]);
  });

  it('gives no more than the window holds to concurrent takers', async () => {
    const taken = await Promise.all(Array.from({ length: 8 }, () => block(4, 'z')));
    expect(taken.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(25);
    expect(taken.every((one) => one >= 0 && one <= 4)).toBe(true);
  });

  it('gives the whole window where more is wanted than there is', async () => {
    expect(await block(100, 'w')).toBe(25);
  });
});
