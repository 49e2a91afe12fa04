import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resilienceStore } from '../../shared/aws/resilience-store.ts';
import type { ResilienceStore } from '../../shared/resilience/ports.ts';
import { rateLimiter } from '../../shared/resilience/rate-limit.ts';
import { takesTurns } from '../../shared/resilience/turns.ts';
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

describe.each(targets)('shared state on $name', ({ open }) => {
  let target: Awaited<ReturnType<Target['open']>>;
  let store: ResilienceStore;
  beforeAll(async () => {
    target = await open();
    store = target.store;
  });
  afterAll(() => target.stop());

  const value = { kind: 'open', openedAtMs: 5, attemptNo: 2, deep: [[1, 2, 0]] };
  const write = (name: string, over: number, next = value) => store.write(name, { value: next, over, keepMs: 1000 });

  it('reads an item nobody wrote as nothing, version 0', async () => {
    expect(await store.read('breaker#new')).toEqual({ value: null, version: 0 });
  });

  it('returns what was written, with the next version', async () => {
    expect(await write('breaker#a', 0)).toEqual({ kind: 'written' });
    expect(await store.read('breaker#a')).toEqual({ value, version: 1 });
  });

  it('refuses a write over a version that is gone, and says what stands there', async () => {
    await write('breaker#b', 0);
    expect(await write('breaker#b', 0)).toEqual({ kind: 'lost', value, version: 1 });
    expect(await write('breaker#b', 7)).toEqual({ kind: 'lost', value, version: 1 });
    expect(await write('breaker#b', 1)).toEqual({ kind: 'written' });
  });

  it('says that nothing stands there any more', async () => {
    expect(await write('breaker#gone', 3)).toEqual({ kind: 'lost', value: null, version: 0 });
  });

  it('lets one of several concurrent writers win', async () => {
    const results = await Promise.all([1, 2, 3, 4].map(() => write('breaker#c', 0)));
    expect(results.filter(({ kind }) => kind === 'written')).toHaveLength(1);
  });

  it('lets several processes take no more calls together than a window holds', async () => {
    const clock = { now: () => 1_000_000, sleep: async () => {} };
    const limiters = [1, 2, 3].map(() => rateLimiter({ store, clock }));
    const rules = [{ calls: 25, per: 10_000 }];
    const asked = Array.from({ length: 60 }, (_, i) => limiters[i % 3]?.take('key', rules));
    expect((await Promise.all(asked)).filter((verdict) => verdict?.kind === 'ok')).toHaveLength(25);
  });

  it('gives no two processes the same turn', async () => {
    const clock = { now: () => 1_000_000, sleep: async () => {} };
    const take = [1, 2].map(() => takesTurns({ store, clock }));
    const asked = Array.from({ length: 20 }, (_, i) => take[i % 2]?.('crm', [{ calls: 100, per: 10_000 }], 1_000_500));
    expect(new Set(await Promise.all(asked)).size).toBe(20);
  });
});
