import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoSourceStore } from '../../shared/aws/source-store.ts';
import type { SourceStore } from '../../shared/webhooks/ports.ts';
import { givenEndpoints, startDynamo, type TestDynamo } from '../kit/dynamo.ts';
import { memorySourceStore } from '../kit/memory-source-store.ts';

let count = 0;
const newSource = () => {
  count += 1;
  return { system: 'acme', channel: `c${count}` };
};

function contract(store: () => SourceStore): void {
  it('begins the watch with the first look', async () => {
    const source = newSource();
    const [first, second] = [await store().watch(source, 100), await store().watch(source, 200)];
    expect([first, second]).toEqual([
      { watchedSinceMs: 100, lastSeenMs: null },
      { watchedSinceMs: 100, lastSeenMs: null },
    ]);
  });

  it('remembers the latest arrival, whatever came in which order', async () => {
    const source = newSource();
    await store().watch(source, 100);
    await store().seen(source, 300);
    await store().seen(source, 200);
    expect(await store().watch(source, 400)).toEqual({ watchedSinceMs: 100, lastSeenMs: 300 });
  });

  it('begins the watch with an arrival that was before the first look', async () => {
    const source = newSource();
    await store().seen(source, 300);
    expect(await store().watch(source, 400)).toEqual({ watchedSinceMs: 300, lastSeenMs: 300 });
  });
}

describe('channels in memory', () => {
  const store = memorySourceStore();
  contract(() => store);
});

describe.each([undefined, ...givenEndpoints()])('channels in DynamoDB at %s', (endpoint) => {
  let dynamo: TestDynamo;
  beforeAll(async () => {
    dynamo = await startDynamo(endpoint);
  });
  afterAll(() => dynamo.stop());
  contract(() => dynamoSourceStore({ client: dynamo.client, table: dynamo.names.state }));

  it('says that it did not answer where the table is away', async () => {
    const store = dynamoSourceStore({ client: dynamo.client, table: 'no-such-table' });
    await expect(store.seen(newSource(), 1)).rejects.toMatchObject({ code: 'store_unavailable' });
    await expect(store.watch(newSource(), 1)).rejects.toMatchObject({ code: 'store_unavailable' });
  });
});
