import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { controlStore } from '../../shared/aws/control-store.ts';
import { ensureControl, initialControl } from '../../shared/policy/control.ts';
import type { ControlStore } from '../../shared/policy/ports.ts';
import { givenEndpoints, startDynamo, type TestDynamo } from '../kit/dynamo.ts';
import { memoryControlStore } from '../kit/memory-control-store.ts';

const state = { by: 'person:dev', atMs: 1, reason: 'test', untilMs: null };

function suite(fresh: () => Promise<ControlStore>) {
  let store: ControlStore;
  beforeEach(async () => {
    store = await fresh();
  });

  test('an empty table has no control item', async () => {
    expect(await store.read()).toBeNull();
  });

  test('what was written is read at once', async () => {
    const control = { ...initialControl(store.tableName), keysRevoked: { key_1: state } };
    await store.write(control, 0);
    expect(await store.read()).toEqual(control);
  });

  test('the first item is written once', async () => {
    await ensureControl(store);
    expect(await store.write(initialControl(store.tableName), 0)).toBe('lost');
  });

  test('a write on an older version is lost and changes nothing', async () => {
    await ensureControl(store);
    const next = { ...initialControl(store.tableName), version: 2, allOff: state };
    await store.write(next, 1);
    expect(await store.write({ ...initialControl(store.tableName), version: 2 }, 1)).toBe('lost');
    expect((await store.read())?.allOff).toEqual(state);
  });

  test('of many writers on one version exactly one is written', async () => {
    await ensureControl(store);
    const next = { ...initialControl(store.tableName), version: 2 };
    const results = await Promise.all(Array.from({ length: 10 }, () => store.write(next, 1)));
    expect(results.filter((result) => result === 'written')).toHaveLength(1);
  });
}

describe('in memory', () => suite(async () => memoryControlStore('control', null)));

describe.each([undefined, ...givenEndpoints()])('on DynamoDB at %s', (endpoint) => {
  let dynamo: TestDynamo;
  beforeAll(async () => {
    dynamo = await startDynamo(endpoint);
  });
  afterAll(() => dynamo.stop());

  suite(async () => {
    const { DeleteItemCommand } = await import('@aws-sdk/client-dynamodb');
    const TableName = dynamo.names.control;
    await dynamo.client.send(new DeleteItemCommand({ TableName, Key: { pk: { S: 'control' } } }));
    return controlStore(dynamo.client, TableName);
  });
});
