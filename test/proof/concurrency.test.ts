import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { execute } from '../../shared/action/execute.ts';
import type { Attempt } from '../../shared/action/types.ts';
import { dynamoActionStore } from '../../shared/aws/action-store.ts';
import { systemClock, systemRandom } from '../../shared/model/clock.ts';
import { startDynamo, type TestDynamo } from '../kit/dynamo.ts';
import { testIdentity, testKernel, testRequest } from '../kit/kernel.ts';

let dynamo: TestDynamo;
beforeAll(async () => {
  dynamo = await startDynamo();
});
afterAll(() => dynamo.stop());

/** A kernel over real HTTP whose system counts its effects and takes its time. */
function kernel() {
  const effects: string[] = [];
  const attempt: Attempt = async ({ providerKey }) => {
    await wait(50);
    effects.push(providerKey);
    return { kind: 'applied', data: { id: String(effects.length) }, records: [] };
  };
  const store = dynamoActionStore({ client: dynamo.client, table: dynamo.names.actions });
  return { effects, deps: testKernel({ store, clock: systemClock, random: systemRandom, attempt }) };
}

describe('over DynamoDB', () => {
  it('200 identical calls at once have one effect and 200 answers', async () => {
    const { deps, effects } = kernel();
    const identity = testIdentity({ identifying: { stage: 'concurrent' } });
    const calls = Array.from({ length: 200 }, () =>
      execute(deps, testRequest({ identity, deadlineMs: Date.now() + 20_000 })),
    );
    const kinds = (await Promise.all(calls)).map(({ outcome }) => outcome.kind);
    expect(effects).toHaveLength(1);
    expect(kinds.filter((kind) => kind === 'applied')).toHaveLength(1);
    expect(kinds.filter((kind) => kind === 'replayed')).toHaveLength(199);
  });

  it('one event that starts two runs with different wording has one effect', async () => {
    const { deps, effects } = kernel();
    const event = { id: 'hubspot#crm#evt-77', part: {} };
    const [one, two] = ['asked by phone', 'the customer called'].map((text, i) =>
      testIdentity({ occasion: 'event', event, runId: `run-${i}`, identifying: { text }, input: { text } }),
    );
    if (!one || !two) throw new Error('two identities');
    const deadlineMs = Date.now() + 20_000;
    const first = await execute(deps, testRequest({ identity: one, deadlineMs }));
    const second = await execute(deps, testRequest({ identity: two, deadlineMs }));
    expect(effects).toHaveLength(1);
    expect(first.outcome.kind).toBe('applied');
    expect(second.outcome).toMatchObject({ kind: 'replayed', differs: true });
  });
});
