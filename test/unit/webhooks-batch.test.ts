import { describe, expect, it } from 'vitest';
import { batchesOf } from '../../shared/aws/event-queue.ts';
import { PlumblineError } from '../../shared/model/errors.ts';
import { sha256Hex } from '../../shared/model/ids.ts';
import { eventIdentity } from '../../shared/webhooks/messages.ts';
import { workBatch } from '../../shared/webhooks/work-batch.ts';
import { eventWorld, message } from '../kit/event-world.ts';
import { hubspotHeaders, hubspotItem, testDoor, urlEvent } from '../kit/webhook-door.ts';

describe('workBatch', () => {
  it('keeps only the messages that failed', async () => {
    const w = eventWorld();
    const good = w.queued({ ...message, identity: 'acme#crm#e2' }, 'good');
    const answer = await workBatch(w.deps, [w.queued({ hello: 1 }, 'bad'), good], 20_000);
    expect([answer, w.handled]).toEqual([{ batchItemFailures: [{ itemIdentifier: 'bad' }] }, ['acme#crm#e2']]);
  });

  it('keeps the message and frees the claim where a handler throws', async () => {
    const handle = async () => {
      throw new Error('a bug');
    };
    const w = eventWorld({ handlers: [{ wants: () => true, handle }] });
    const answer = await workBatch(w.deps, [w.queued(message)], 20_000);
    expect([answer.batchItemFailures.length, w.delays]).toEqual([1, [30_000]]);
    expect(w.inbox.claims.get(message.identity)).toMatchObject({ state: 'PROCESSING', leaseUntilMs: 1000 });
  });

  const received = (w: ReturnType<typeof eventWorld>, times: number) => ({
    ...w.queued(message),
    attributes: { ApproximateReceiveCount: String(times) },
  });

  it('leaves an event to a person whose work fails for the fifth time, on the ledger and in one case', async () => {
    const handle = async () => {
      throw new Error('a bug');
    };
    const w = eventWorld({ handlers: [{ wants: () => true, handle }] });
    expect((await workBatch(w.deps, [received(w, 4)], 20_000)).batchItemFailures).toHaveLength(1);
    expect(await workBatch(w.deps, [received(w, 5)], 20_000)).toEqual({ batchItemFailures: [] });
    expect(w.cases.cases).toMatchObject([{ reason: 'quarantined', facts: { why: 'processing_failed' } }]);
    expect(w.ledger.entries).toHaveLength(1);
    expect(w.inbox.claims.get(message.identity)).toMatchObject({ state: 'DONE', outcome: { kind: 'quarantined' } });
  });

  it('leaves an event to a person whose record may not be read, once waiting has not helped', async () => {
    const w = eventWorld({ reRead: async () => ({ kind: 'unavailable', code: 'MISSING_SCOPES', lasting: true }) });
    expect((await workBatch(w.deps, [received(w, 4)], 20_000)).batchItemFailures).toHaveLength(1);
    expect(await workBatch(w.deps, [received(w, 5)], 20_000)).toEqual({ batchItemFailures: [] });
    expect(w.cases.cases).toMatchObject([{ reason: 'quarantined', facts: { why: 'processing_failed' } }]);
  });

  it('waits for a store as long as the queue allows', async () => {
    const fault = new PlumblineError('x', { code: 'store_unavailable', retry: 'later', hint: '' });
    const w = eventWorld({ reRead: () => Promise.reject(fault) });
    expect((await workBatch(w.deps, [received(w, 60)], 20_000)).batchItemFailures).toHaveLength(1);
    expect([w.delays, w.cases.cases]).toEqual([[900_000], []]);
  });

  it('waits for a system as long as the queue allows, with one case for all its events that closes by itself', async () => {
    let up = false;
    const live = { kind: 'record', data: {}, fetchedAtMs: 1 } as const;
    const w = eventWorld({ reRead: async () => (up ? live : { kind: 'unavailable', code: 'circuit_open' }) });
    const open = () =>
      w.cases.cases.filter(({ state }) => state === 'OPEN').map(({ reason, owner }) => [reason, owner]);
    expect((await workBatch(w.deps, [received(w, 4)], 20_000)).batchItemFailures).toHaveLength(1);
    expect(open()).toEqual([]);
    const other = {
      ...w.queued({ ...message, identity: 'acme#crm#e2' }, 'other'),
      attributes: received(w, 60).attributes,
    };
    expect((await workBatch(w.deps, [received(w, 5), other], 20_000)).batchItemFailures).toHaveLength(2);
    expect(open()).toEqual([['events_wait', w.deps.ownerOf('acme')]]);
    up = true;
    expect(await workBatch(w.deps, [received(w, 61)], 20_000)).toEqual({ batchItemFailures: [] });
    expect(open()).toEqual([]);
  });

  it('frees the claim where the ledger is away, and writes the same entry on the next attempt at once', async () => {
    const w = eventWorld();
    w.ledger.failNext(new Error('away'));
    const first = await workBatch(w.deps, [w.queued(message)], 20_000);
    const second = await workBatch(w.deps, [w.queued(message)], 20_000);
    expect([first.batchItemFailures.length, second.batchItemFailures.length]).toEqual([1, 0]);
    expect([w.ledger.entries.length, w.inbox.claims.get(message.identity)?.state]).toEqual([1, 'DONE']);
  });

  it('frees the claim where it could not be finished', async () => {
    const w = eventWorld();
    const { finish } = w.inbox;
    w.inbox.finish = () => Promise.reject(new Error('away'));
    await workBatch(w.deps, [w.queued(message)], 20_000);
    w.inbox.finish = finish;
    expect(await w.run()).toEqual({ kind: 'done', as: 'processed' });
    expect(w.ledger.entries).toHaveLength(1);
  });

  it('leaves a finished claim as it is where only its answer was lost', async () => {
    const w = eventWorld();
    const { finish } = w.inbox;
    w.inbox.finish = async (input) => {
      await finish(input);
      throw new Error('lost');
    };
    await workBatch(w.deps, [w.queued(message)], 20_000);
    expect([await w.run(), w.handled.length]).toEqual([{ kind: 'done', as: 'duplicate' }, 1]);
  });

  it('tells the first fault where the lease cannot be given up either', async () => {
    const w = eventWorld();
    w.ledger.failNext(new Error('the ledger is away'));
    w.inbox.release = () => Promise.reject(new Error('and so is the inbox'));
    await expect(w.run()).rejects.toThrow('the ledger is away');
  });

  it('frees the claim where a large message cannot be kept', async () => {
    const w = eventWorld();
    const large = { ...message, item: { inline: 'x'.repeat(5_000) } };
    w.deps.payloads = { ...w.payloads, put: () => Promise.reject(new Error('away')) } as typeof w.payloads;
    await expect(w.run(large)).rejects.toThrow('away');
    expect([w.handled, w.inbox.claims.get(message.identity)?.leaseUntilMs]).toEqual([[], 1000]);
  });

  it('counts the duplicates of one batch at once instead of making them wait for a lease', async () => {
    const w = eventWorld();
    const ten = Array.from({ length: 10 }, (_, i) => w.queued(message, `m${i}`));
    expect(await workBatch(w.deps, ten, 20_000)).toEqual({ batchItemFailures: [] });
    expect([w.handled.length, w.inbox.claims.get(message.identity)?.duplicates]).toEqual([1, 9]);
  });

  it('does not try the duplicates of an event that cannot be processed now', async () => {
    let reads = 0;
    const w = eventWorld({
      reRead: async () => {
        reads += 1;
        return { kind: 'unavailable', code: 'rate', retryAfterMs: 90_000 };
      },
    });
    const answer = await workBatch(w.deps, [w.queued(message, 'a'), w.queued(message, 'b')], 20_000);
    expect([reads, answer.batchItemFailures.length, w.delays]).toEqual([1, 2, [90_000, 90_000]]);
  });

  it('notes an arrival with the first attempt of a message only', async () => {
    const arrived: string[] = [];
    const w = eventWorld({ arrived: async ({ identity }) => void arrived.push(identity) });
    const again = { ...w.queued(message), attributes: { ApproximateReceiveCount: '2' } };
    await workBatch(w.deps, [w.queued(message)], 20_000);
    await workBatch(w.deps, [again], 20_000);
    expect(arrived).toEqual([message.identity]);
  });
});

describe('from the door to the claim', () => {
  it('processes 89 of a hundred with ten duplicates and one poison item', async () => {
    const door = testDoor();
    const items: object[] = Array.from({ length: 89 }, (_, i) => hubspotItem(i, { portalId: 4711 + (i % 2) }));
    items.push(...items.slice(0, 10), { subscriptionType: 'contact.creation' });
    const body = JSON.stringify(items);
    await door.post(urlEvent('/acme/crm', body, hubspotHeaders(body)));
    const w = eventWorld();
    for (const one of door.sent) await w.run(one);
    const duplicates = w.metrics.filter((name) => name === 'webhook_duplicate');
    expect([w.handled.length, w.cases.cases.length, duplicates.length]).toEqual([89, 1, 10]);
  });
});

describe('the identity of an event', () => {
  const source = { system: 'acme', channel: 'crm' };

  it.each(['a/b', 'a%2Fb', 'a?b', 'a#b', 'a b', 'a\\b', '', 'x'.repeat(301)])('is a hash where the id is %j', (id) => {
    expect(eventIdentity(source, id)).toBe(`acme#crm#hash:${sha256Hex(id)}`);
  });

  it('is the id as it stands where it is short and plain', () => {
    expect(eventIdentity(source, 'id:msg_2KWPBgLlAfxdpx2AI54pPJ85f4W')).toBe(
      'acme#crm#id:msg_2KWPBgLlAfxdpx2AI54pPJ85f4W',
    );
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
