import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../shared/model/clock.ts';
import { eventRetentionMs, type InboxMessage } from '../../shared/model/event.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { type ProcessDeps, processEvent } from '../../shared/webhooks/process.ts';
import { testNowMs } from '../kit/action-records.ts';
import { operatorWorld } from '../kit/operator-world.ts';

const identity = 'hubspot#crm#4711-abc';
const reason = 'the mapping was wrong';
const message: InboxMessage = {
  version: 1,
  identity,
  system: 'hubspot',
  channel: 'crm',
  scheme: 'hubspot-v3',
  type: 'contact.propertyChange',
  bodyHash: 'b1',
  itemHash: 'i1',
  occurredAtMs: testNowMs - 2_000,
  receivedAtMs: testNowMs - 1_000,
  attempt: 0,
  secretIndex: 0,
  item: { inline: { objectId: 501, propertyValue: 'anna@acme.example' } },
  replay: null,
};

/** The operator door and the event worker over the same stores. `effects`: the event ids that a handler was given. */
function house(changes: Partial<ProcessDeps> = {}) {
  const w = operatorWorld();
  const effects: string[] = [];
  const deps: ProcessDeps = {
    ...w,
    tell: async () => {},
    plan: async (planned) => ({ kind: 'work', message: planned, call: null, record: null }),
    reRead: async () => ({ kind: 'gone' }),
    handlers: [{ wants: () => true, handle: async ({ eventId }) => [effects.push(eventId)].map(String) }],
    ownerOf: () => 'revops',
    random: systemRandom,
    log: silentLog,
    leaseMs: 65_000,
    ...changes,
  };
  const work = (one: InboxMessage) =>
    processEvent(deps, { message: one, attempt: 1, deadlineMs: w.clock.now() + 10_000 });
  /** What the door sent goes through the queue. */
  const deliver = () => Promise.all(w.sent.splice(0).map(work));
  const path = (id: string) => `/v1/events/${encodeURIComponent(id)}`;
  const replay = (body: object = {}, id = identity) =>
    w.ask(w.as('olga'), 'POST', `${path(id)}/replay`, { reason, dry_run: false, ...body });
  const show = (id = identity) => w.ask(w.as('vera'), 'GET', path(id));
  return { ...w, effects, work, deliver, replay, show };
}

describe('replay of an event by its id', () => {
  it('says what it would do, and sends nothing, unless it is told to', async () => {
    const h = house();
    await h.work(message);
    const { status, body } = await h.replay({ dry_run: undefined });
    expect([status, body.sent, body.expect, h.sent]).toEqual([200, false, 'counted_as_duplicate', []]);
  });

  it('sends the same message with who asked and why, and is on the ledger', async () => {
    const h = house();
    await h.work(message);
    await h.replay();
    const replay = { id: expect.stringMatching(/^evt_/), by: 'person:olga@acme.example', reason };
    expect(h.sent).toEqual([{ ...message, replay }]);
    expect(h.ledger.entries.at(-1)).toMatchObject({
      ...{ what: 'event_replayed', record: `event/${identity}`, by: 'person:olga@acme.example', reason },
    });
  });

  it('is counted and repeats no effect where the event is done', async () => {
    const h = house();
    await h.work(message);
    await h.replay();
    expect(await h.deliver()).toEqual([{ kind: 'done', as: 'duplicate' }]);
    expect([h.effects.length, (await h.show()).body.duplicates]).toEqual([1, 1]);
  });

  it('works on a done event again by force, under the same event id, once for each request', async () => {
    const h = house();
    await h.work(message);
    for (let i = 0; i < 2; i += 1) {
      h.clock.advance(1);
      await h.replay({ force: true });
      h.sent.push(...h.sent);
      await h.deliver();
    }
    expect(h.effects).toEqual([identity, identity, identity]);
  });

  it('says under which claim a forced replay can be followed', async () => {
    const h = house();
    await h.work(message);
    const { body } = await h.replay({ force: true });
    await h.deliver();
    const followed = await h.show(body.claim);
    expect([followed.body.event_id, followed.body.state, followed.body.outcome.kind]).toEqual([
      identity,
      'DONE',
      'processed',
    ]);
  });

  it('keeps the event id where the forced replay itself is replayed', async () => {
    const h = house();
    await h.work(message);
    const { body } = await h.replay({ force: true });
    await h.deliver();
    await h.replay({ force: true }, body.claim);
    expect(h.sent.map((one) => one.identity)).toEqual([identity]);
  });

  it('processes an event that died on every attempt', async () => {
    let broken = true;
    const handle = async () => {
      if (broken) throw new Error('a bug');
      return ['act_1'];
    };
    const h = house({ handlers: [{ wants: () => true, handle }] });
    await expect(h.work(message)).rejects.toThrow('a bug');
    broken = false;
    const { body } = await h.replay();
    await h.deliver();
    expect([body.expect, (await h.show()).body.outcome]).toMatchObject(['processed', { actions: ['act_1'] }]);
  });

  it('replays a delivery with another content under the id of its own', async () => {
    const h = house();
    await h.work(message);
    await h.work({ ...message, itemHash: 'i2' });
    await h.replay({ force: true }, `${identity}~i2`);
    await h.deliver();
    expect(h.effects).toEqual([identity, `${identity}~i2`, `${identity}~i2`]);
  });

  it('finds a message that is too large for the claim as an object', async () => {
    const h = house();
    const large = { ...message, item: { inline: { text: 'ä'.repeat(3_000) } } };
    await h.work(large);
    await h.replay({ force: true });
    expect([h.payloads.puts, h.sent.map(({ item }) => item)]).toEqual([1, [large.item]]);
  });

  it('puts no object for a message that fits, and none for a duplicate', async () => {
    const h = house();
    await h.work(message);
    await h.work({ ...message, item: { inline: { text: 'x'.repeat(5_000) } } });
    expect(h.payloads.puts).toBe(0);
  });

  it('refuses an event that is older than what keeps its effects single', async () => {
    const h = house();
    h.clock.advance(-eventRetentionMs);
    await h.work(message);
    h.clock.advance(eventRetentionMs);
    const inTime = await h.replay({ force: true });
    h.sent.splice(0);
    h.clock.advance(1);
    const late = await h.replay({ force: true });
    expect([inTime.status, late.status, h.sent]).toEqual([202, 409, []]);
  });

  it('sends nothing that is not on the ledger', async () => {
    const h = house();
    await h.work(message);
    h.ledger.failNext(new Error('down'));
    expect([(await h.replay()).status, h.sent]).toEqual([500, []]);
  });

  it('knows no event that was never claimed', async () => {
    expect((await house().replay()).status).toBe(404);
  });
});

describe('an event as a viewer sees it', () => {
  it('shows claim, outcome and duplicates, and nothing of the item', async () => {
    const h = house();
    await h.work(message);
    await h.work(message);
    const { body } = await h.show();
    expect(body).toMatchObject({
      event_id: identity,
      state: 'DONE',
      type: 'contact.propertyChange',
      duplicates: 1,
      outcome: { kind: 'processed', record: null },
      conflict: { of: null, with: [] },
      replay: { kept: true },
    });
    expect(JSON.stringify(body)).not.toContain('anna@');
  });

  it('names a conflict from both sides', async () => {
    const h = house();
    await h.work(message);
    await h.work({ ...message, itemHash: 'i2' });
    const [first, second] = [await h.show(), await h.show(`${identity}~i2`)];
    expect([first.body.conflict, second.body.conflict]).toEqual([
      { of: null, with: [`${identity}~i2`] },
      { of: identity, with: [] },
    ]);
  });

  it('is 404 where nobody saw it', async () => {
    expect((await house().show()).body.code).toBe('unknown_event');
  });
});
