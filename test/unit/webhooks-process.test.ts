import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../shared/model/ids.ts';
import { eventWorld, message } from '../kit/event-world.ts';

describe('processEvent', () => {
  it('gives handlers the live record, not what the payload says', async () => {
    const w = eventWorld();
    await w.run();
    expect(w.seen).toEqual([{ kind: 'record', data: { lifecyclestage: 'lead' }, fetchedAtMs: 1 }]);
  });

  it('writes one ledger entry and counts the second delivery as a duplicate', async () => {
    const w = eventWorld();
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
    const w = eventWorld();
    const all = await Promise.all(Array.from({ length: 50 }, () => w.run()));
    expect([w.handled.length, all.filter(({ kind }) => kind === 'later').length]).toEqual([1, 49]);
  });

  it('sends a delivery that meets a live lease back until the lease ends', async () => {
    const w = eventWorld();
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
    const w = eventWorld();
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
    const w = eventWorld();
    const { finish } = w.inbox;
    w.inbox.finish = async (input) => finish({ ...input, epoch: input.epoch - 1 });
    expect(await w.run()).toMatchObject({ kind: 'later', why: 'lease_lost' });
  });

  it('waits and leaves the claim free where the record cannot be read', async () => {
    const w = eventWorld({ reRead: async () => ({ kind: 'unavailable', code: 'rate', retryAfterMs: 90_000 }) });
    expect(await w.run()).toEqual({ kind: 'later', delayMs: 90_000, why: 'rate' });
    expect([w.ledger.entries, w.inbox.claims.get(message.identity)?.leaseUntilMs]).toEqual([[], 1000]);
  });

  it('comes again within the hour, whatever its system asked', async () => {
    const w = eventWorld({
      reRead: async () => ({ kind: 'unavailable', code: 'rate', retryAfterMs: 999_999_999_000 }),
    });
    expect(await w.run()).toMatchObject({ kind: 'later', delayMs: 3_600_000 });
  });

  it('processes an event whose record is gone, and says so', async () => {
    const w = eventWorld({ reRead: async () => ({ kind: 'gone' }) });
    await w.run();
    expect([w.seen, w.inbox.claims.get(message.identity)?.outcome]).toMatchObject([
      [{ kind: 'gone' }],
      { live: 'gone' },
    ]);
  });

  it('records what the system said, not what the payload says', async () => {
    const w = eventWorld();
    await w.run();
    await w.run({
      ...message,
      identity: 'acme#crm#e2',
      item: { inline: { objectId: 501, propertyValue: 'another lie' } },
    });
    const live = { hash: sha256Hex('{"lifecyclestage":"lead"}'), fetchedAtMs: 1 };
    expect([...w.inbox.claims.values()].map(({ outcome }) => outcome)).toMatchObject([{ live }, { live }]);
  });

  it('accepts the same identity with another content as another event, and flags it', async () => {
    const w = eventWorld();
    await w.run();
    await w.run({ ...message, itemHash: 'item-2' });
    expect(w.handled).toEqual(['acme#crm#e1', 'acme#crm#e1~item-2']);
    expect(w.ledger.entries.at(-1)).toMatchObject({ outcome: 'processed, identity_conflict' });
  });

  it('does nothing for a replay of what is done', async () => {
    const w = eventWorld();
    await w.run();
    await w.run({ ...message, replay: { id: 'evt_1', by: 'person:ana', reason: 'looking' } });
    expect(w.handled).toHaveLength(1);
  });

  it('runs the handlers again for a forced replay, under the original event id, once', async () => {
    const w = eventWorld();
    await w.run();
    const forced = { ...message, replay: { id: 'evt_1', by: 'person:ana', reason: 'mapping fixed', force: true } };
    await w.run(forced);
    await w.run(forced);
    expect(w.handled).toEqual(['acme#crm#e1', 'acme#crm#e1']);
  });

  it('opens one case for what could not be read, and hands it to no handler', async () => {
    const w = eventWorld();
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
    const w = eventWorld({
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
