import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ActionStore, guardOf } from '../../shared/action/store.ts';
import { dynamoActionStore } from '../../shared/aws/action-store.ts';
import type { ActionBase, ActionRecord, ActionState } from '../../shared/model/action.ts';
import { sha256Hex } from '../../shared/model/ids.ts';
import { givenEndpoints, startDynamo, type TestDynamo } from '../kit/dynamo.ts';
import { memoryActionStore } from '../kit/memory-action-store.ts';

const now = 1_800_000_000_000;
const failure = { code: 'outcome_unknown', category: 'upstream', retryable: false, detail: 'Unknown – ß.' } as const;
const started = { state: 'STARTED', owner: 'own_a', leaseUntilMs: now + 1, dueMs: now + 2 } as const;
const states: readonly ActionState[] = [
  { state: 'AWAITING_APPROVAL', dueMs: now },
  { state: 'RETRYABLE', dueMs: now, failure: null },
  { state: 'RETRYABLE', dueMs: now, failure },
  started,
  { state: 'UNKNOWN', dueMs: now, sinceMs: now, probes: 0, failure, owner: null },
  { state: 'UNKNOWN', dueMs: now, sinceMs: now, probes: 2, failure, owner: 'own_a' },
  { state: 'NEEDS_HUMAN', sinceMs: now, failure },
  {
    state: 'SUCCEEDED',
    settledAtMs: now,
    result: { inline: { a: [1.5, -0.1, 1e300, null, '', 'é', true], '': {} } },
    records: [['hubspot', 'deal', '501']],
    proof: 'answer',
    owner: 'own_a',
  },
  { state: 'FAILED', settledAtMs: now, failure, owner: null },
  { state: 'REJECTED', settledAtMs: now, failure },
  { state: 'EXPIRED', settledAtMs: now, failure },
  { state: 'CANCELLED', settledAtMs: now },
];

function base(given: Partial<ActionBase> = {}): ActionBase {
  return {
    key: sha256Hex(randomUUID()).slice(0, 40),
    gen: 1,
    epoch: 1,
    intentHash: sha256Hex('intent'),
    inputHash: sha256Hex('input'),
    tool: 'deal_update_stage',
    effect: 'update',
    principal: 'agent:sales-assistant',
    occasion: 'window',
    windowMs: 86_400_000,
    system: 'hubspot',
    operation: 'hubspot.deals.update',
    resend: { kind: 'probe', settleMs: 60_000 },
    intent: { inline: { id: '501', properties: { dealstage: 'contractsent' } } },
    requestDigest: sha256Hex('request'),
    before: { object: sha256Hex('before') },
    target: ['hubspot', 'deal', '501'],
    attempts: 1,
    resendNo: 0,
    inDoubt: true,
    firstSentAtMs: now,
    createdAtMs: now,
    updatedAtMs: now,
    runId: 'run_1',
    callId: 'call_1',
    workflow: null,
    period: null,
    eventId: null,
    contextHash: null,
    answerHash: sha256Hex('answer'),
    approval: { rule: 'approvals[0]', by: 'leads', notAfterMs: now, decision: null },
    decision: { by: 'person:anna', atMs: now, reason: 'said so' },
    ...given,
  };
}

const record = (state: ActionState = started, given: Partial<ActionBase> = {}): ActionRecord => ({
  ...base(given),
  ...state,
});

let dynamo: TestDynamo;
const stores: readonly { name: string; make: () => ActionStore; endpoint?: string }[] = [
  { name: 'memory', make: memoryActionStore },
  {
    name: 'DynamoDB (embedded)',
    make: () => dynamoActionStore({ client: dynamo.client, table: dynamo.names.actions }),
  },
];

beforeAll(async () => {
  dynamo = await startDynamo();
});
afterAll(() => dynamo.stop());

for (const { name, make } of stores) describe(`the action store on ${name}`, () => suite(make));

for (const endpoint of givenEndpoints()) {
  describe(`the action store on ${endpoint}`, () => {
    let given: TestDynamo;
    beforeAll(async () => {
      given = await startDynamo(endpoint);
    });
    afterAll(() => given.stop());
    suite(() => dynamoActionStore({ client: given.client, table: given.names.actions }));
  });
}
describe.skipIf(givenEndpoints().length > 0)('the action store on further endpoints', () => {
  it.skip('runs where PLUMBLINE_TEST_DYNAMODB names them', () => undefined);
});

function suite(make: () => ActionStore): void {
  it.each(states)('gives back what it was given: $state', async (state) => {
    const store = make();
    const one = record(state);
    expect(await store.write(one, 'absent')).toEqual({ kind: 'written' });
    expect(await store.get(one.key)).toEqual(one);
  });

  it('has nothing under a key that was never written', async () => {
    expect(await make().get('nothing')).toBeNull();
  });

  it('returns what stands there when a first claim is lost', async () => {
    const store = make();
    const one = record();
    await store.write(one, 'absent');
    expect(await store.write({ ...one, epoch: 9 }, 'absent')).toEqual({ kind: 'lost', current: one });
  });

  it('writes over exactly the version it names', async () => {
    const store = make();
    const one = record();
    const next = { ...one, epoch: 2 };
    await store.write(one, 'absent');
    expect(await store.write(next, guardOf(one))).toEqual({ kind: 'written' });
    expect(await store.get(one.key)).toEqual(next);
  });

  it.each([
    { differs: 'state', change: { state: 'RETRYABLE', dueMs: now, failure: null } },
    { differs: 'epoch', change: { epoch: 2 } },
    { differs: 'owner', change: { owner: 'own_b' } },
    { differs: 'intent', change: { intentHash: sha256Hex('another') } },
  ])('refuses a write whose $differs is another', async ({ change }) => {
    const store = make();
    const one = record();
    await store.write(one, 'absent');
    const seen = { ...one, ...change } as ActionRecord;
    expect(await store.write({ ...one, attempts: 7 }, guardOf(seen))).toEqual({ kind: 'lost', current: one });
  });

  it('refuses a write that expects no owner where there is one', async () => {
    const store = make();
    const one = record(states[5]);
    await store.write(one, 'absent');
    const seen = { ...one, owner: null } as ActionRecord;
    expect((await store.write({ ...one, attempts: 7 }, guardOf(seen))).kind).toBe('lost');
  });

  it('refuses any version where nothing stands', async () => {
    const one = record();
    expect(await make().write(one, guardOf(one))).toEqual({ kind: 'lost', current: null });
  });

  it.each([
    {
      name: 'the settled generation it names',
      state: states[7],
      gen: 1,
      allowed: ['FAILED', 'SUCCEEDED'],
      kind: 'written',
    },
    { name: 'another generation', state: states[7], gen: 2, allowed: ['FAILED', 'SUCCEEDED'], kind: 'lost' },
    { name: 'an open generation', state: states[4], gen: 1, allowed: ['FAILED', 'SUCCEEDED'], kind: 'lost' },
    {
      name: 'a success where only failures may be repeated',
      state: states[7],
      gen: 1,
      allowed: ['FAILED'],
      kind: 'lost',
    },
    {
      name: 'a failure where only failures may be repeated',
      state: states[8],
      gen: 1,
      allowed: ['FAILED'],
      kind: 'written',
    },
  ])('follows $name: $kind', async ({ state, gen, allowed, kind }) => {
    const store = make();
    const one = record(state);
    await store.write(one, 'absent');
    const guard = { gen, states: allowed as ('SUCCEEDED' | 'FAILED')[], intentHash: one.intentHash };
    expect((await store.write({ ...one, gen: 2, epoch: 1_000_001 }, guard)).kind).toBe(kind);
  });

  it('lets exactly one of many first claims through', async () => {
    const store = make();
    const one = record();
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) => store.write({ ...one, ...started, owner: `own_${i}` }, 'absent')),
    );
    expect(results.filter(({ kind }) => kind === 'written')).toHaveLength(1);
  });

  it('finds open actions whose time has come and no others', async () => {
    const store = make();
    const due = record({ state: 'RETRYABLE', dueMs: now - 1, failure: null });
    const others = [
      record({ state: 'RETRYABLE', dueMs: now + 1, failure: null }),
      record(states[6]),
      record(states[7]),
    ];
    for (const one of [due, ...others]) await store.write(one, 'absent');
    const shards = Array.from({ length: store.dueShards }, (_, shard) => shard);
    const pages = await Promise.all(shards.map((shard) => store.due({ shard, byMs: now, limit: 100 })));
    const found = pages.flat();
    expect(found).toContainEqual({ key: due.key, dueMs: now - 1 });
    for (const { key } of others) expect(found.map((one) => one.key)).not.toContain(key);
  });
}
