import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issueKey } from '../../shared/auth/api-keys.ts';
import type { ApiKeyStore } from '../../shared/auth/ports.ts';
import { dynamoApiKeyStore } from '../../shared/aws/api-key-store.ts';
import { systemRandom } from '../../shared/model/clock.ts';
import { initialControl } from '../../shared/policy/control.ts';
import { givenEndpoints, startDynamo, type TestDynamo } from '../kit/dynamo.ts';
import { fixedClock } from '../kit/fixed-clock.ts';
import { memoryApiKeyStore } from '../kit/memory-api-key-store.ts';

const now = Date.UTC(2026, 9, 5);
const record = (keyId: string, agent: string) => ({
  keyId,
  agent,
  secretHash: 'a'.repeat(64),
  createdAtMs: now,
  expiresAtMs: now + 1000,
});

const targets: readonly (string | undefined)[] = ['memory', undefined, ...givenEndpoints()];

describe.each(targets.map((target) => [target ?? 'embedded', target] as const))('a key store (%s)', (_name, target) => {
  let dynamo: TestDynamo | null = null;
  let store: ApiKeyStore;

  beforeAll(async () => {
    if (target === 'memory') {
      store = memoryApiKeyStore();
      return;
    }
    dynamo = await startDynamo(target);
    store = dynamoApiKeyStore({ client: dynamo.client, table: dynamo.names.state });
  });

  afterAll(() => dynamo?.stop());

  it('reads a key as it was written', async () => {
    await store.put(record('k1', 'reader'), [], []);
    expect([await store.get('k1'), await store.list('reader')]).toEqual([
      record('k1', 'reader'),
      [record('k1', 'reader')],
    ]);
  });

  it('refuses a key of an agent whose keys are not the ones that were seen', async () => {
    await store.put(record('k2', 'seen'), [], []);
    expect([await store.put(record('k3', 'seen'), [], []), await store.get('k3')]).toEqual(['lost', null]);
  });

  it('drops ended keys from the list', async () => {
    await store.put(record('k4', 'drop'), [], []);
    await store.put(record('k5', 'drop'), ['k4'], ['k4']);
    expect((await store.list('drop')).map((one) => one.keyId)).toEqual(['k5']);
  });

  it('knows nothing of other agents', async () => {
    expect([await store.get('none'), await store.list('nobody')]).toEqual([null, []]);
  });

  it('never holds more than two live keys, however many are issued at once', async () => {
    const control = async () => initialControl('control');
    const deps = { keys: store, control, clock: fixedClock(now), random: systemRandom };
    await Promise.allSettled(Array.from({ length: 6 }, () => issueKey(deps, { agent: 'racer', lifeMs: 1000 })));
    expect(await store.list('racer')).toHaveLength(2);
  });
});
