import { describe, expect, it } from 'vitest';
import { batchesOf } from '../../shared/aws/event-queue.ts';
import { systemRandom } from '../../shared/model/clock.ts';
import type { InboxMessage } from '../../shared/model/event.ts';
import { sha256Hex } from '../../shared/model/ids.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { type LiveRecord, processEvent } from '../../shared/webhooks/process.ts';
import { type BatchDeps, workBatch } from '../../shared/webhooks/work-batch.ts';
import { memoryCaseStore } from '../kit/memory-case-store.ts';
import { memoryInboxStore } from '../kit/memory-inbox-store.ts';
import { memoryLedgerStore } from '../kit/memory-ledger-store.ts';
import { memoryPayloadStore } from '../kit/memory-payload-store.ts';
import { hubspotHeaders, hubspotItem, testDoor, urlEvent } from '../kit/webhook-door.ts';

const message: InboxMessage = {
  version: 1,
  identity: 'acme#crm#e1',
  system: 'acme',
  channel: 'crm',
  scheme: 'hubspot-v3',
  type: 'contact.propertyChange',
  bodyHash: 'body-1',
  itemHash: 'item-1',
  occurredAtMs: null,
  receivedAtMs: 500,
  attempt: null,
  secretIndex: 0,
  item: { inline: { objectId: 501, propertyValue: 'a lie' } },
  replay: null,
};

function world(changes: Partial<BatchDeps> = {}) {
  let nowMs = 1000;
  const handled: string[] = [];
  const seen: unknown[] = [];
  const metrics: string[] = [];
  const delays: number[] = [];
  const told: string[] = [];
  const [inbox, ledger, cases, payloads] = [
    memoryInboxStore(),
    memoryLedgerStore(),
    memoryCaseStore(),
    memoryPayloadStore(),
  ];
  const live: LiveRecord = { kind: 'record', data: { lifecyclestage: 'lead' }, fetchedAtMs: 1 };
  const deps = {
    inbox,
    ledger,
    cases,
    payloads,
    tell: async (opened: { readonly caseId: string }) => void told.push(opened.caseId),
    arrived: async () => {},
    plan: async (planned: InboxMessage) => ({
      kind: 'work' as const,
      message: planned,
      call: { operation: 'hubspot.contacts.get', system: 'acme', input: { id: '501' } },
      record: ['acme', 'contact', '501'] as const,
    }),
    reRead: async () => live,
    handlers: [
      {
        wants: () => true,
        handle: async (event: { readonly eventId: string; readonly live: unknown }) => {
          handled.push(event.eventId);
          seen.push(event.live);
          return [];
        },
      },
    ],
    ownerOf: () => 'revops',
    clock: { now: () => nowMs, sleep: async () => {} },
    random: systemRandom,
    log: { ...silentLog, metric: (name: string) => void metrics.push(name) },
    leaseMs: 65_000,
    delay: { retryIn: async (_receipt: string, delayMs: number) => void delays.push(delayMs) },
    ...changes,
  };
  const run = (one: InboxMessage = message, attempt = 1) =>
    processEvent(deps, { message: one, attempt, deadlineMs: nowMs + 10_000 });
  const later = (ms: number) => {
    nowMs += ms;
  };
  const queued = (one: unknown, id = 'm1') => ({
    messageId: id,
    receiptHandle: `r-${id}`,
    body: JSON.stringify(one),
    attributes: { ApproximateReceiveCount: '1' },
  });
  return { deps, run, later, queued, inbox, ledger, cases, payloads, handled, seen, metrics, delays, told };
}

describe('processEvent', () => {
  it('gives handlers the live record, not what the payload says', async () => {
    const w = world();
    await w.run();
    expect(w.seen).toEqual([{ kind: 'record', data: { lifecyclestage: 'lead' }, fetchedAtMs: 1 }]);
  });

  it('writes one ledger entry and counts the second delivery as a duplicate', async () => {
    const w = world();
    const first = await w.run();
    const second = await w.run();
    expect([first, second]).toEqual([
      { kind: 'done', as: 'processed' },
      { kind: 'done', as: 'duplicate' },
    ]);
    expect([w.ledger.entries.length, w.handled.length, w.inbox.claims.get(message.identity)?.duplicates]).toEqual([
      1, 1, 1,
    ]);
    expect(w.metrics).toContain('webhook_duplicate');
  });

  it('has one effect for fifty deliveries at once', async () => {
    const w = world();
    const all = await Promise.all(Array.from({ length: 50 }, () => w.run()));
    expect([w.handled.length, all.filter(({ kind }) => kind === 'later').length]).toEqual([1, 49]);
  });

  it('sends a delivery that meets a live lease back until the lease ends', async () => {
    const w = world();
    await w.inbox.claim({
      identity: message.identity,
      bodyHash: 'item-1',
      owner: 'x',
      nowMs: 1000,
      leaseMs: 65_000,
      kept: { object: 'x' },
    });
    expect(await w.run()).toEqual({ kind: 'later', delayMs: 65_500, why: 'leased' });
  });

  it('finishes what a killed worker began, under the same event id', async () => {
    const w = world();
    await w.inbox.claim({
      identity: message.identity,
      bodyHash: 'item-1',
      owner: 'x',
      nowMs: 1000,
      leaseMs: 65_000,
      kept: { object: 'x' },
    });
    w.later(65_000);
    await w.run();
    expect([w.handled, w.inbox.claims.get(message.identity)?.state]).toEqual([['acme#crm#e1'], 'DONE']);
  });

  it('keeps the message where its lease went to another meanwhile', async () => {
    const w = world();
    const { finish } = w.inbox;
    w.inbox.finish = async (input) => finish({ ...input, epoch: input.epoch - 1 });
    expect(await w.run()).toMatchObject({ kind: 'later', why: 'lease_lost' });
  });

  it('waits and leaves the claim free where the record cannot be read', async () => {
    const w = world({ reRead: async () => ({ kind: 'unavailable', code: 'rate', retryAfterMs: 90_000 }) });
    expect(await w.run()).toEqual({ kind: 'later', delayMs: 90_000, why: 'rate' });
    expect([w.ledger.entries, w.inbox.claims.get(message.identity)?.leaseUntilMs]).toEqual([[], 1000]);
  });

  it('processes an event whose record is gone', async () => {
    const w = world({ reRead: async () => ({ kind: 'gone' }) });
    await w.run();
    expect(w.seen).toEqual([{ kind: 'gone' }]);
  });

  it('accepts the same identity with another content as another event, and flags it', async () => {
    const w = world();
    await w.run();
    await w.run({ ...message, itemHash: 'item-2' });
    expect(w.handled).toEqual(['acme#crm#e1', 'acme#crm#e1~item-2']);
    expect(w.ledger.entries.at(-1)).toMatchObject({ outcome: 'processed, identity_conflict' });
  });

  it('does nothing for a replay of what is done', async () => {
    const w = world();
    await w.run();
    await w.run({ ...message, replay: { id: 'evt_1', by: 'person:ana', reason: 'looking' } });
    expect(w.handled).toHaveLength(1);
  });

  it('runs the handlers again for a forced replay, under the original event id, once', async () => {
    const w = world();
    await w.run();
    const forced = { ...message, replay: { id: 'evt_1', by: 'person:ana', reason: 'mapping fixed', force: true } };
    await w.run(forced);
    await w.run(forced);
    expect(w.handled).toEqual(['acme#crm#e1', 'acme#crm#e1']);
  });

  it('opens one case for what could not be read, and hands it to no handler', async () => {
    const w = world();
    const unreadable = { ...message, quarantine: 'invalid_json' };
    await w.run(unreadable);
    await w.run(unreadable);
    expect(w.cases.cases.map(({ reason, owner }) => [reason, owner])).toEqual([['quarantined', 'revops']]);
    expect([w.handled, w.ledger.entries.map((entry) => 'outcome' in entry && entry.outcome)]).toEqual([
      [],
      ['quarantined'],
    ]);
  });

  it('reads an item of a large body by its index', async () => {
    const items: unknown[] = [];
    const w = world({
      plan: async (planned, item) => {
        items.push(item);
        return { kind: 'work', message: planned, call: null, record: null };
      },
    });
    const object = await w.payloads.put(Buffer.from('[{"a":1},{"b":2}]'));
    await w.run({ ...message, item: { object, index: 1 } });
    expect(items).toEqual([{ b: 2 }]);
  });
});

describe('workBatch', () => {
  it('keeps only the messages that failed', async () => {
    const w = world();
    const good = w.queued({ ...message, identity: 'acme#crm#e2' }, 'good');
    const answer = await workBatch(w.deps, [w.queued({ hello: 1 }, 'bad'), good], 20_000);
    expect([answer, w.handled]).toEqual([{ batchItemFailures: [{ itemIdentifier: 'bad' }] }, ['acme#crm#e2']]);
  });

  it('keeps the message and frees the claim where a handler throws', async () => {
    const handle = async () => {
      throw new Error('a bug');
    };
    const w = world({ handlers: [{ wants: () => true, handle }] });
    const answer = await workBatch(w.deps, [w.queued(message)], 20_000);
    expect([answer.batchItemFailures.length, w.delays]).toEqual([1, [30_000]]);
    expect(w.inbox.claims.get(message.identity)).toMatchObject({ state: 'PROCESSING', leaseUntilMs: 1000 });
  });

  it('keeps the message where the ledger is away, and writes the same entry next time', async () => {
    const w = world();
    w.ledger.failNext(new Error('away'));
    await workBatch(w.deps, [w.queued(message)], 20_000);
    w.later(66_000);
    await workBatch(w.deps, [w.queued(message)], 90_000);
    expect([w.ledger.entries.length, w.inbox.claims.get(message.identity)?.state]).toEqual([1, 'DONE']);
  });
});

describe('from the door to the claim', () => {
  it('processes 89 of a hundred with ten duplicates and one poison item', async () => {
    const door = testDoor();
    const items: object[] = Array.from({ length: 89 }, (_, i) => hubspotItem(i, { portalId: 4711 + (i % 2) }));
    items.push(...items.slice(0, 10), { subscriptionType: 'contact.creation' });
    const body = JSON.stringify(items);
    await door.post(urlEvent('/acme/crm', body, hubspotHeaders(body)));
    const w = world();
    for (const one of door.sent) await w.run(one);
    const duplicates = w.metrics.filter((name) => name === 'webhook_duplicate');
    expect([w.handled.length, w.cases.cases.length, duplicates.length]).toEqual([89, 1, 10]);
  });
});

describe('batches of the queue', () => {
  it('splits by ten and by bytes, in order, and loses nothing', () => {
    const bodies = Array.from({ length: 23 }, (_, i) => sha256Hex(String(i)));
    const large = ['x'.repeat(200_000), 'y'.repeat(100_000), 'z'];
    expect(batchesOf(bodies).map((one) => one.length)).toEqual([10, 10, 3]);
    expect(batchesOf(large).map((one) => one.length)).toEqual([1, 2]);
    expect(batchesOf([...bodies, ...large]).flat()).toEqual([...bodies, ...large]);
  });
});
