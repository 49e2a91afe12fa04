import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoCursorStore } from '../../shared/aws/cursor-store.ts';
import type { FeedState, FeedStore } from '../../shared/webhooks/ports.ts';
import { givenEndpoints, startDynamo, type TestDynamo } from '../kit/dynamo.ts';
import { memoryFeedStore } from '../kit/memory-feed-store.ts';

const targets: (readonly [string, string | undefined | null])[] = [
  ['memory', null],
  ['the embedded DynamoDB', undefined],
  ...givenEndpoints().map((endpoint) => [endpoint, endpoint] as const),
];

let serial = 0;
const state = (): FeedState => {
  serial += 1;
  return {
    ...{ id: `hubspot/f${serial}`, epoch: 1, owner: 'own_1', leaseUntilMs: 0, mark: { fromMs: 1 }, midway: false },
    ...{ nextAtMs: 0, failures: 0, recent: ['a'] },
  };
};

describe.each(targets)('cursors on %s', (_name, endpoint) => {
  let dynamo: TestDynamo | null = null;
  let store: FeedStore;

  beforeAll(async () => {
    dynamo = endpoint === null ? null : await startDynamo(endpoint);
    store = dynamo ? dynamoCursorStore<FeedState>(dynamo.client, dynamo.names.state, 'feed') : memoryFeedStore();
  });
  afterAll(() => dynamo?.stop());

  it('are read as they were written', async () => {
    const first = state();
    expect(await store.get(first.id)).toBeNull();
    expect(await store.write(first, 0)).toBe('written');
    expect(await store.get(first.id)).toEqual(first);
  });

  it('are written by one of two that saw the same', async () => {
    const first = state();
    await store.write(first, 0);
    expect(await store.write({ ...first, owner: 'own_2', epoch: 2 }, 1)).toBe('written');
    expect(await store.write({ ...first, owner: 'own_3', epoch: 2 }, 1)).toBe('lost');
    expect(await store.write({ ...first, owner: 'own_4' }, 0)).toBe('lost');
    expect((await store.get(first.id))?.owner).toBe('own_2');
  });

  it('are written where only the answer of the write was lost', async () => {
    const first = state();
    await store.write(first, 0);
    expect(await store.write(first, 0)).toBe('written');
  });

  it('of another kind are never met', async () => {
    const first = state();
    await store.write(first, 0);
    const files = dynamo && dynamoCursorStore<FeedState>(dynamo.client, dynamo.names.state, 'file');
    expect((await files?.get(first.id)) ?? null).toBeNull();
  });
});
