import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoInboxStore } from '../../shared/aws/inbox-store.ts';
import type { InboxMessage } from '../../shared/model/event.ts';
import type { InboxStore } from '../../shared/webhooks/ports.ts';
import { givenEndpoints, startDynamo, type TestDynamo } from '../kit/dynamo.ts';
import { memoryInboxStore } from '../kit/memory-inbox-store.ts';

const kept = { object: 'a'.repeat(64) };
const outcome = { kind: 'processed', actions: [], record: null, live: null } as const;
const message: InboxMessage = {
  version: 1,
  identity: 'acme#crm#e',
  system: 'acme',
  channel: 'crm',
  scheme: 'hubspot-v3',
  type: 'contact.creation',
  bodyHash: 'b',
  itemHash: 'h1',
  occurredAtMs: null,
  receivedAtMs: 1,
  attempt: null,
  secretIndex: 0,
  item: { inline: null },
  replay: null,
};
let count = 0;
const newIdentity = () => {
  count += 1;
  return `acme#crm#${count}`;
};
const ask = (identity: string, owner: string, nowMs = 1000, bodyHash = 'h1') => ({
  identity,
  owner,
  nowMs,
  bodyHash,
  leaseMs: 500,
  kept,
});

function contract(store: () => InboxStore): void {
  it('claims an event that nobody has', async () => {
    const identity = newIdentity();
    expect(await store().claim(ask(identity, 'a'))).toMatchObject({
      kind: 'claimed',
      conflict: false,
      claim: { identity, state: 'PROCESSING', owner: 'a', epoch: 1, leaseUntilMs: 1500, duplicates: 0 },
    });
  });

  it('is busy while the lease lives', async () => {
    const identity = newIdentity();
    await store().claim(ask(identity, 'a'));
    expect(await store().claim(ask(identity, 'b', 1499))).toEqual({ kind: 'busy', leaseUntilMs: 1500 });
  });

  it('gives an ended lease to the next, under a higher epoch', async () => {
    const identity = newIdentity();
    await store().claim(ask(identity, 'a'));
    expect(await store().claim(ask(identity, 'b', 1500))).toMatchObject({
      kind: 'claimed',
      claim: { owner: 'b', epoch: 2, firstSeenAtMs: 1000 },
    });
  });

  it('recognises a claim whose own answer was lost', async () => {
    const identity = newIdentity();
    await store().claim(ask(identity, 'a'));
    expect(await store().claim(ask(identity, 'a', 1001))).toMatchObject({ kind: 'claimed', claim: { epoch: 1 } });
  });

  it('counts only DONE as a duplicate', async () => {
    const identity = newIdentity();
    await store().claim(ask(identity, 'a'));
    await store().finish({ identity, owner: 'a', epoch: 1, nowMs: 1100, outcome });
    await store().claim(ask(identity, 'b', 9000));
    expect(await store().claim(ask(identity, 'c', 9001))).toMatchObject({
      kind: 'done',
      claim: { duplicates: 2, outcome, doneAtMs: 1100 },
    });
  });

  it('does not let a former owner finish', async () => {
    const identity = newIdentity();
    await store().claim(ask(identity, 'a'));
    await store().claim(ask(identity, 'b', 1500));
    const late = await store().finish({ identity, owner: 'a', epoch: 1, nowMs: 1600, outcome });
    const right = await store().finish({ identity, owner: 'b', epoch: 2, nowMs: 1600, outcome });
    expect([late, right]).toEqual(['lost', 'done']);
  });

  it('recognises a finish whose own answer was lost', async () => {
    const identity = newIdentity();
    await store().claim(ask(identity, 'a'));
    const input = { identity, owner: 'a', epoch: 1, nowMs: 1100, outcome };
    expect([await store().finish(input), await store().finish(input)]).toEqual(['done', 'done']);
  });

  it('accepts the same identity with another body once, and flags it', async () => {
    const identity = newIdentity();
    await store().claim(ask(identity, 'a'));
    const other = await store().claim(ask(identity, 'b', 1001, 'h2'));
    expect(other).toMatchObject({ kind: 'claimed', conflict: true, claim: { identity: `${identity}~h2` } });
    await store().finish({ identity: `${identity}~h2`, owner: 'b', epoch: 1, nowMs: 1100, outcome });
    expect(await store().claim(ask(identity, 'c', 1200, 'h2'))).toMatchObject({ kind: 'done', conflict: true });
  });

  it('names the other content in the claim it differs from, once', async () => {
    const identity = newIdentity();
    await store().claim(ask(identity, 'a'));
    await store().claim(ask(identity, 'b', 1001, 'h2'));
    await store().claim(ask(identity, 'c', 1002, 'h2'));
    expect((await store().get(identity))?.conflicts).toEqual([`${identity}~h2`]);
  });

  it('keeps the message of the last claim, with numbers that no table has a type for', async () => {
    const identity = newIdentity();
    await store().claim(ask(identity, 'a'));
    const inline = { ...message, identity, item: { inline: { tiny: 1e-200, huge: 1e300, empty: '' } } };
    await store().claim({ ...ask(identity, 'b', 1500), kept: { inline } });
    await store().finish({ identity, owner: 'b', epoch: 2, nowMs: 1600, outcome });
    expect((await store().get(identity))?.kept).toEqual({ inline });
  });

  it('keeps the pointer of a message that is an object', async () => {
    const identity = newIdentity();
    await store().claim(ask(identity, 'a'));
    expect((await store().get(identity))?.kept).toEqual(kept);
  });

  it('frees a claim that was released by its owner, and by nobody else', async () => {
    const identity = newIdentity();
    await store().claim(ask(identity, 'a'));
    await store().release({ identity, owner: 'x', epoch: 1, nowMs: 1001 });
    const held = await store().claim(ask(identity, 'b', 1002));
    await store().release({ identity, owner: 'a', epoch: 1, nowMs: 1003 });
    const freed = await store().claim(ask(identity, 'b', 1003));
    expect([held.kind, freed.kind]).toEqual(['busy', 'claimed']);
  });

  it('lets one of fifty claim', async () => {
    const identity = newIdentity();
    const claims = await Promise.all(Array.from({ length: 50 }, (_, i) => store().claim(ask(identity, `o${i}`))));
    expect(claims.filter(({ kind }) => kind === 'claimed')).toHaveLength(1);
  });

  it('answers null for an event that was never seen', async () => {
    expect(await store().get('acme#crm#never')).toBeNull();
  });
}

describe('claims in memory', () => {
  const store = memoryInboxStore();
  contract(() => store);
});

describe.each([undefined, ...givenEndpoints()])('claims in DynamoDB at %s', (endpoint) => {
  let dynamo: TestDynamo;
  beforeAll(async () => {
    dynamo = await startDynamo(endpoint);
  });
  afterAll(() => dynamo.stop());
  contract(() => dynamoInboxStore({ client: dynamo.client, table: dynamo.names.inbox }));

  it('says that it did not answer where the table is away', async () => {
    const store = dynamoInboxStore({ client: dynamo.client, table: 'no-such-table' });
    await expect(store.claim(ask('x', 'a'))).rejects.toMatchObject({ code: 'store_unavailable' });
  });
});
