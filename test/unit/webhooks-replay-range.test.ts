import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../shared/model/clock.ts';
import { eventRetentionMs, type InboxMessage } from '../../shared/model/event.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { type ProcessDeps, processEvent } from '../../shared/webhooks/process.ts';
import { testNowMs } from '../kit/action-records.ts';
import { memoryLedgerStore } from '../kit/memory-ledger-store.ts';
import { operatorToken, operatorWorld } from '../kit/operator-world.ts';

const hourMs = 3_600_000;
const reason = 'the mapping was wrong';

function event(name: string, changes: Partial<InboxMessage> = {}): InboxMessage {
  return {
    ...{ version: 1, identity: `hubspot#crm#${name}`, system: 'hubspot', channel: 'crm', scheme: 'hubspot-v3' },
    ...{ type: 'contact.propertyChange', bodyHash: name, itemHash: name, occurredAtMs: null, receivedAtMs: testNowMs },
    ...{ attempt: 0, secretIndex: 0, item: { inline: { objectId: 501 } }, replay: null },
    ...changes,
  };
}

/** The operator door and the event worker over the same stores; the ledger answers pages of three. */
function house() {
  const w = operatorWorld();
  const ledger = memoryLedgerStore(3);
  Object.assign(w.deps, { ledger });
  const seen: string[] = [];
  const deps: ProcessDeps = {
    ...{ ...w, ledger, tell: async () => {}, ownerOf: () => 'revops', random: systemRandom, log: silentLog },
    plan: async (message) => ({ kind: 'work', message, call: null, record: null }),
    reRead: async () => ({ kind: 'gone' }),
    handlers: [{ wants: () => true, handle: async ({ eventId }) => [seen.push(eventId)].map(String) }],
    leaseMs: 65_000,
  };
  const work = (message: InboxMessage) =>
    processEvent(deps, { message, attempt: 1, deadlineMs: w.clock.now() + 10_000 });
  const iso = (afterMs: number) => new Date(testNowMs + afterMs).toISOString();
  const token = (person: string) => {
    const nowS = w.clock.now() / 1000;
    return `Bearer ${operatorToken(`${person}@acme.example`, { iat: nowS - 10, exp: nowS + 3600 })}`;
  };
  const ask = (body: object, person = 'olga') =>
    w.ask(token(person), 'POST', '/v1/events/replay', {
      ...{ system: 'hubspot', channel: 'crm', from: iso(-hourMs), to: iso(100 * hourMs), reason },
      ...body,
    });
  /** Every page, as the command line asks for them. */
  const all = async (body: object) => {
    const [events, skipped]: [{ event_id: string }[], { event_id: string; why: string }[]] = [[], []];
    let cursor: string | null = null;
    do {
      const { status, body: page } = await ask({ ...body, cursor });
      if (status >= 300) throw new Error(JSON.stringify(page));
      events.push(...page.events);
      skipped.push(...page.skipped);
      cursor = page.cursor;
    } while (cursor !== null);
    return { events: events.map((one) => one.event_id.split('#')[2]), skipped };
  };
  const deliver = () => Promise.all(w.sent.splice(0).map(work));
  return { ...w, ledger, seen, work, ask, all, deliver, iso };
}

describe('replay of a span of time', () => {
  it('finds what a feed found as well', async () => {
    const h = house();
    const { hubspot } = h.deps.config.systems;
    if (!hubspot) throw new Error('no hubspot');
    const feeds = { contacts: { every: 300_000, overlap: 120_000 } };
    Object.assign(h.deps, { config: { ...h.deps.config, systems: { hubspot: { ...hubspot, feeds } } } });
    await h.work(event('c1', { scheme: 'feed', channel: 'contacts', identity: 'hubspot#contacts#c1' }));
    expect(await h.all({ channel: 'contacts' })).toEqual({ events: ['c1'], skipped: [] });
  });

  it('finds every event that the channel decided in it, over pages and days, and no other', async () => {
    const h = house();
    for (let i = 0; i < 7; i += 1) {
      await h.work(event(`e${i}`));
      h.clock.advance(9 * hourMs);
    }
    await h.work(event('other', { channel: 'partner', identity: 'hubspot#partner#other' }));
    const span = { from: h.iso(9 * hourMs), to: h.iso(5 * 9 * hourMs) };
    expect(await h.all(span)).toEqual({ events: ['e1', 'e2', 'e3', 'e4'], skipped: [] });
    expect((await h.all({})).events).toHaveLength(7);
    expect(h.sent).toEqual([]);
  });

  it('takes only the type that is asked for', async () => {
    const h = house();
    await h.work(event('a'));
    await h.work(event('b', { type: 'contact.creation' }));
    expect((await h.all({ type: 'contact.creation' })).events).toEqual(['b']);
  });

  it('sends each event under its own identity; what is done is counted and has no second effect', async () => {
    const h = house();
    for (const name of ['a', 'b', 'c', 'd']) await h.work(event(name));
    expect((await h.all({ dry_run: false })).events).toEqual(['a', 'b', 'c', 'd']);
    expect(await h.deliver()).toEqual(Array(4).fill({ kind: 'done', as: 'duplicate' }));
    expect(h.seen).toHaveLength(4);
    const written = h.ledger.entries.filter((entry) => entry.kind === 'operation');
    expect(written.map(({ what, by, reason: why }) => [what, by, why])).toEqual(
      Array(4).fill(['event_replayed', 'person:olga@acme.example', reason]),
    );
  });

  it('works on done events again by force, and does not take those replays for events of their own', async () => {
    const h = house();
    for (const name of ['a', 'b']) await h.work(event(name));
    await h.all({ dry_run: false, force: true });
    await h.deliver();
    expect(h.seen).toEqual(['a', 'b', 'a', 'b'].map((name) => `hubspot#crm#${name}`));
    expect((await h.all({})).events).toEqual(['a', 'b']);
  });

  it('refuses a span that begins before what keeps effects single, and names what is not kept', async () => {
    const h = house();
    expect((await h.ask({ from: h.iso(-eventRetentionMs - 1) })).status).toBe(409);
    await h.work(event('a'));
    h.inbox.claims.delete('hubspot#crm#a');
    expect((await h.all({ dry_run: false })).skipped).toEqual([
      { event_id: 'hubspot#crm#a', why: 'its message is not kept' },
    ]);
    expect(h.sent).toEqual([]);
  });

  it.each([
    ['another channel', { channel: 'crn' }, /Channels: hubspot\/crm/],
    ['a span that ends before it begins', { from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' }, /./],
    ['a cursor of somebody', { cursor: '../other' }, /last answer/],
    ['no time', { from: 'yesterday' }, /./],
  ])('refuses %s with a hint', async (_name, body, hint) => {
    const { status, body: told } = await house().ask(body);
    expect([409, 422]).toContain(status);
    expect(told.next_step.message).toMatch(hint);
  });

  it('is not for viewers', async () => {
    expect((await house().ask({}, 'vera')).status).toBe(403);
  });
});
