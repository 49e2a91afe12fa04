import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoDeliveryStore } from '../../shared/aws/delivery-store.ts';
import type { DeliveryStore } from '../../shared/webhooks/delivery/ports.ts';
import { givenEndpoints, startDynamo, type TestDynamo } from '../kit/dynamo.ts';
import { memoryDeliveryStore } from '../kit/memory-delivery-store.ts';

let count = 0;
const newId = () => {
  count += 1;
  return `msg_${count}`;
};
const at = (id: string, owner: string, nowMs: number) => ({ id, owner, nowMs, leaseMs: 100 });

function contract(store: () => DeliveryStore): void {
  it('is claimed by one owner at a time, and counts the claims', async () => {
    const id = newId();
    expect(await store().claim(at(id, 'a', 1000))).toEqual({ kind: 'claimed', attempts: 1 });
    expect(await store().claim(at(id, 'b', 1050))).toEqual({ kind: 'busy', leaseUntilMs: 1100 });
    expect(await store().claim(at(id, 'b', 1100))).toEqual({ kind: 'claimed', attempts: 2 });
  });

  it('gives one of twenty claims at once the lease', async () => {
    const id = newId();
    const owners = Array.from({ length: 20 }, (_one, n) => `owner-${n}`);
    const claims = await Promise.all(owners.map((owner) => store().claim(at(id, owner, 1000))));
    expect(claims.filter(({ kind }) => kind === 'claimed')).toHaveLength(1);
  });

  it('is never claimed again once it ended', async () => {
    const id = newId();
    await store().claim(at(id, 'a', 1000));
    expect(await store().finish({ id, owner: 'a', nowMs: 1010, outcome: 'delivered' })).toBe('done');
    expect(await store().claim(at(id, 'b', 9_999_999))).toEqual({ kind: 'done', outcome: 'delivered' });
    expect(await store().finish({ id, owner: 'a', nowMs: 1020, outcome: 'delivered' })).toBe('done');
  });

  it('is not ended by who lost the lease', async () => {
    const id = newId();
    await store().claim(at(id, 'a', 1000));
    await store().claim(at(id, 'b', 2000));
    expect(await store().finish({ id, owner: 'a', nowMs: 2010, outcome: 'delivered' })).toBe('lost');
    expect(await store().finish({ id, owner: 'b', nowMs: 2020, outcome: 'case' })).toBe('done');
  });

  it('is free at once after a release, which only its owner can give', async () => {
    const id = newId();
    await store().claim(at(id, 'a', 1000));
    await store().release({ id, owner: 'b', nowMs: 1010 });
    expect((await store().claim(at(id, 'b', 1010))).kind).toBe('busy');
    await store().release({ id, owner: 'a', nowMs: 1010 });
    expect((await store().claim(at(id, 'b', 1010))).kind).toBe('claimed');
  });

  it('knows its own claim again, whose answer was lost', async () => {
    const id = newId();
    await store().claim(at(id, 'a', 1000));
    expect(await store().claim(at(id, 'a', 1000))).toEqual({ kind: 'claimed', attempts: 1 });
  });
}

describe('deliveries in memory', () => {
  const store = memoryDeliveryStore();
  contract(() => store);
});

describe.each([undefined, ...givenEndpoints()])('deliveries in DynamoDB at %s', (endpoint) => {
  let dynamo: TestDynamo;
  beforeAll(async () => {
    dynamo = await startDynamo(endpoint);
  });
  afterAll(() => dynamo.stop());
  contract(() => dynamoDeliveryStore({ client: dynamo.client, table: dynamo.names.state }));

  it('says that it did not answer where the table is away', async () => {
    const store = dynamoDeliveryStore({ client: dynamo.client, table: 'no-such-table' });
    await expect(store.claim(at('x', 'a', 1))).rejects.toMatchObject({ code: 'store_unavailable' });
    await expect(store.finish({ id: 'x', owner: 'a', nowMs: 1, outcome: 'case' })).rejects.toMatchObject({
      code: 'store_unavailable',
    });
  });
});
