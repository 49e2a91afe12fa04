import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noRecord } from '../../shared/auth/health.ts';
import type { TokenRecord, TokenStore } from '../../shared/auth/ports.ts';
import { emptyTokenRecord } from '../../shared/auth/token-record.ts';
import { dynamoCredentialStore, dynamoTokenStore } from '../../shared/aws/token-store.ts';
import { givenEndpoints, startDynamo, type TestDynamo } from '../kit/dynamo.ts';
import { memoryCredentialStore, memoryTokenStore } from '../kit/memory-token-store.ts';

const targets: (readonly [string, string | undefined | null])[] = [
  ['memory', null],
  ['the embedded DynamoDB', undefined],
  ...givenEndpoints().map((endpoint) => [endpoint, endpoint] as const),
];

describe.each(targets)('token items on %s', (_name, endpoint) => {
  let dynamo: TestDynamo | null = null;
  let store: TokenStore;
  let count = 0;
  const next = (more: Partial<TokenRecord> = {}): TokenRecord => ({
    ...emptyTokenRecord(`system-${count}`),
    epoch: 1,
    ...more,
  });

  beforeAll(async () => {
    dynamo = endpoint === null ? null : await startDynamo(endpoint);
    store = dynamo === null ? memoryTokenStore() : dynamoTokenStore(dynamo.client, dynamo.names.state);
  });
  afterAll(() => dynamo?.stop());

  it('has nothing of an unknown system', async () => {
    expect(await store.get('nobody')).toBeNull();
  });

  it('gives back exactly what was written', async () => {
    count += 1;
    const record = next({
      current: { token: 'opaque', version: 1, expiresAtMs: 2, issuedAtMs: 1 },
      lease: { owner: 'a', epoch: 1, untilMs: 3, nextSecretVersionId: 'v2' },
      lastFailure: { atMs: 4, code: 'invalid_grant' },
    });
    await store.write(record, 0);
    expect(await store.get(record.system)).toEqual(record);
  });

  it('lets one of eight first writers win', async () => {
    count += 1;
    const writers = Array.from({ length: 8 }, (_, index) => store.write(next({ secretVersionId: `v${index}` }), 0));
    const won = (await Promise.all(writers)).filter((outcome) => outcome === 'written');
    expect(won).toHaveLength(1);
  });

  it('refuses a write on an epoch that has passed and changes nothing', async () => {
    count += 1;
    await store.write(next(), 0);
    await store.write(next({ epoch: 2, secretVersionId: 'v2' }), 1);
    expect(await store.write(next({ epoch: 2, secretVersionId: 'late' }), 1)).toBe('lost');
    expect((await store.get(`system-${count}`))?.secretVersionId).toBe('v2');
  });

  it('refuses a write on an epoch where there is no item', async () => {
    count += 1;
    expect(await store.write(next({ epoch: 5 }), 4)).toBe('lost');
  });
});

describe.each(targets)('what systems said of their credentials on %s', (_name, endpoint) => {
  it('is kept apart from the token, and the last word stays', async () => {
    const dynamo = endpoint === null ? null : await startDynamo(endpoint);
    const state = dynamo?.names.state ?? '';
    const tokens = dynamo === null ? memoryTokenStore() : dynamoTokenStore(dynamo.client, state);
    const store = dynamo === null ? memoryCredentialStore() : dynamoCredentialStore(dynamo.client, state);
    expect(await store.get('crm')).toBeNull();
    const facts = { actsAs: 'bot', holder: 'service', scopes: ['a'], expiresAtMs: null } as const;
    const said = { ...noRecord('crm'), askedAtMs: 5, facts, reasons: ['scope_missing'] } as const;
    await store.put(noRecord('crm'));
    await store.put(said);
    expect([await store.get('crm'), await tokens.get('crm'), await store.get('other')]).toEqual([said, null, null]);
    await dynamo?.stop();
  });
});

describe('token items on DynamoDB alone', () => {
  it('recognises a write of its own that the client had to repeat', async () => {
    const dynamo = await startDynamo();
    const store = dynamoTokenStore(dynamo.client, dynamo.names.state);
    const record = { ...emptyTokenRecord('crm'), epoch: 1, secretVersionId: 'v1' };
    const outcomes = [await store.write(record, 0), await store.write(record, 0)];
    await dynamo.stop();
    expect(outcomes).toEqual(['written', 'written']);
  });
});
