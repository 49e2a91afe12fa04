import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { budgetStore } from '../../shared/aws/budget-store.ts';
import type { BudgetStore } from '../../shared/policy/ports.ts';
import { givenEndpoints, startDynamo, type TestDynamo } from '../kit/dynamo.ts';
import { memoryBudgetStore } from '../kit/memory-budget-store.ts';

function suite(fresh: () => BudgetStore) {
  let store: BudgetStore;
  let budget: string;
  beforeEach(() => {
    store = fresh();
    budget = `b-${crypto.randomUUID()}`;
  });
  const take = (useId: string | null, amount = 1, windowStartMs = 0, atMost = 3) =>
    store.take({ budget, windowStartMs, windowMs: 3_600_000, atMost, amount, useId });

  test('uses are counted up to the allowance', async () => {
    expect([await take('a'), await take('b'), await take('c')]).toEqual([
      { kind: 'taken', used: 1 },
      { kind: 'taken', used: 2 },
      { kind: 'taken', used: 3 },
    ]);
  });

  test('the use past the allowance is refused with what is used', async () => {
    for (const use of ['a', 'b', 'c']) await take(use);
    expect(await take('d')).toEqual({ kind: 'refused', used: 3 });
  });

  test('a repeat of a use takes nothing, also when the allowance is used up', async () => {
    for (const use of ['a', 'b', 'c']) await take(use);
    expect(await take('b')).toEqual({ kind: 'taken', used: 3 });
  });

  test('uses without an id are always counted', async () => {
    await take(null);
    expect(await take(null)).toEqual({ kind: 'taken', used: 2 });
  });

  test('an amount that does not fit is refused whole', async () => {
    await take(null, 2);
    expect([await take(null, 2), await take(null, 1)]).toEqual([
      { kind: 'refused', used: 2 },
      { kind: 'taken', used: 3 },
    ]);
  });

  test('an amount above the whole allowance is refused in an empty window', async () => {
    expect(await take(null, 4)).toEqual({ kind: 'refused', used: 0 });
  });

  test('another window has its own allowance', async () => {
    await take('a', 3);
    expect(await take('b', 3, 3_600_000)).toEqual({ kind: 'taken', used: 3 });
  });

  test('of many at once exactly the allowance is taken', async () => {
    const results = await Promise.all(Array.from({ length: 12 }, (_, i) => take(`use-${i}`)));
    expect(results.filter(({ kind }) => kind === 'taken')).toHaveLength(3);
  });
}

describe('in memory', () => suite(memoryBudgetStore));

describe.each([undefined, ...givenEndpoints()])('on DynamoDB at %s', (endpoint) => {
  let dynamo: TestDynamo;
  beforeAll(async () => {
    dynamo = await startDynamo(endpoint);
  });
  afterAll(() => dynamo.stop());

  suite(() => budgetStore(dynamo.client, dynamo.names.state));
});
