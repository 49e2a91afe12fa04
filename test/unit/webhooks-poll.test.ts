import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createObject, updateObject } from '../../infra/local/systems/hubspot/portal.ts';
import { type HubSpotSimulator, startHubSpot } from '../../infra/local/systems/hubspot/start.ts';
import { systemSchema } from '../../shared/config/schema.ts';
import { loadFeeds, loadOperation } from '../../shared/connectors/registry.ts';
import type { Sender } from '../../shared/connectors/sender.ts';
import { systemRandom } from '../../shared/model/clock.ts';
import type { InboxMessage } from '../../shared/model/event.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { type PollDeps, pollFeeds } from '../../shared/webhooks/poll.ts';
import { plainSender } from '../kit/agent-world.ts';
import { fixedClock } from '../kit/fixed-clock.ts';
import { memoryCaseStore } from '../kit/memory-case-store.ts';
import { memoryFeedStore } from '../kit/memory-feed-store.ts';
import { memoryLedgerStore } from '../kit/memory-ledger-store.ts';
import { memoryPayloadStore } from '../kit/memory-payload-store.ts';

const startMs = Date.parse('2026-03-01T12:00:00Z');
const minuteMs = 60_000;

let portalClock: ReturnType<typeof fixedClock>;
let hubspot: HubSpotSimulator;

beforeEach(async () => {
  portalClock = fixedClock(startMs);
  const limits = { tenSecondly: 100_000, searchPerSecond: 100_000 };
  hubspot = await startHubSpot({ port: 0, seed: 1, clock: portalClock, seeded: false, limits, searchLagMs: 0 });
});
afterEach(() => hubspot.close());

/** A poller over stores in memory, with a clock of its own. `found`: the ids it sent, in order. */
function poller(skewMs = 0, changes: Partial<PollDeps> = {}) {
  const clock = fixedClock(startMs + skewMs);
  const [feeds, cases] = [memoryFeedStore(), memoryCaseStore()];
  const sent: InboxMessage[] = [];
  const system = systemSchema.parse({
    ...{ connector: 'hubspot', owner: 'revops', account: { portalId: 4711, is: 'sandbox' }, apiVersion: '2026-09' },
    ...{ auth: { grant: 'bearer', secret: 'plumbline/test/hubspot' }, limits: [{ calls: 100, per: '10s' }] },
    feeds: { contacts: { every: '5m', overlap: '2m' } },
  });
  const owners = { teams: { revops: { notify: [] } }, people: {} };
  const deps: PollDeps = {
    ...{ feeds, cases, clock, loadFeeds, loadOperation, random: systemRandom, log: silentLog },
    ...{
      config: { owners, systems: { hubspot: system } },
      ledger: memoryLedgerStore(),
      payloads: memoryPayloadStore(),
    },
    send: plainSender(hubspot.url),
    queue: { send: async (messages) => void sent.push(...messages) },
    ...changes,
  };
  const poll = () => pollFeeds(deps, clock.now() + minuteMs);
  const found = () =>
    sent.splice(0).map(({ item }) => ('inline' in item ? (item.inline as { id: string }).id : 'object'));
  /** Both clocks go on, and the feed is due again. */
  const later = async (ms = 5 * minuteMs) => {
    clock.advance(ms);
    portalClock.advance(ms);
    return poll();
  };
  return { deps, clock, feeds, cases, sent, poll, found, later };
}

const create = (n = 1) =>
  Array.from({ length: n }, (_, i) => {
    const made = createObject(hubspot.portal, 'contacts', { firstname: `n${i}` }, 'CRM_UI');
    return made.id;
  });

describe('a feed that is polled', () => {
  it('sends each change once, with the record and its version and nothing of what it holds', async () => {
    const p = poller();
    await p.poll();
    portalClock.advance(1000);
    const [id] = create();
    await p.later();
    expect(p.sent).toMatchObject([
      { system: 'hubspot', channel: 'contacts', scheme: 'feed', type: 'contact.changed', item: { inline: { id } } },
    ]);
    expect(JSON.stringify(p.sent)).not.toContain('n0');
    p.found();
    await p.later();
    await p.later();
    expect(p.sent).toEqual([]);
  });

  it('is left alone until it is due, and while another poller has it', async () => {
    const p = poller();
    await p.poll();
    create();
    expect([await p.poll(), p.found()]).toEqual([0, []]);
    const state = p.feeds.states.get('hubspot/contacts');
    if (!state) throw new Error('no state');
    p.clock.advance(5 * minuteMs);
    p.feeds.states.set(state.id, { ...state, leaseUntilMs: p.clock.now() + 1000 });
    expect(await p.poll()).toBe(0);
    p.clock.advance(1001);
    expect(await p.poll()).toBe(1);
  });

  it('misses nothing where a thousand records share one millisecond', async () => {
    const p = poller();
    await p.poll();
    portalClock.advance(1000);
    const ids = [...create(3), ...create(1000)];
    portalClock.advance(1);
    ids.push(...create(450));
    await p.later();
    const found = p.found();
    expect(new Set(found)).toEqual(new Set(ids));
    expect(p.feeds.states.get('hubspot/contacts')?.midway).toBe(false);
  });

  it('finds what changed while it was reading', async () => {
    const p = poller();
    await p.poll();
    const ids: string[] = [];
    for (let i = 0; i < 5; i += 1) {
      portalClock.advance(100);
      ids.push(...create(150));
    }
    const inner = p.deps.send;
    let pages = 0;
    const send: Sender = async (input) => {
      pages += 1;
      // Between two pages the first records change again: they move behind the others.
      if (pages === 2) {
        portalClock.advance(100);
        for (const id of ids.slice(0, 50)) {
          const record = hubspot.portal.objects.contacts.get(id);
          if (record) updateObject(hubspot.portal, record, { firstname: 'again' }, 'CRM_UI');
        }
      }
      return inner(input);
    };
    Object.assign(p.deps, { send });
    await p.later();
    expect(new Set(p.found())).toEqual(new Set(ids));
    expect(pages).toBeGreaterThan(3);
  });

  it.each([-45 * minuteMs, 45 * minuteMs])('loses nothing where our clock differs by %d ms', async (skewMs) => {
    const p = poller();
    await p.poll();
    create();
    await p.later();
    p.found();
    // Only the first walk begins at our time; every other goes by what the system said.
    p.clock.advance(skewMs < 0 ? 0 : skewMs);
    portalClock.advance(skewMs < 0 ? -skewMs : 0);
    portalClock.advance(1000);
    const ids = create(3);
    await p.later();
    expect(p.found()).toEqual(ids);
  });

  it('looks again at the last minutes, for what the system shows late', async () => {
    const p = poller();
    await p.poll();
    portalClock.advance(100_000);
    create();
    portalClock.advance(-60_000);
    await p.later();
    p.found();
    portalClock.advance(-5 * minuteMs);
    const late = create();
    portalClock.advance(5 * minuteMs);
    await p.later();
    expect(p.found()).toEqual(late);
  });

  it('sends again what may not have arrived, and goes on where it was after a crash between two pages', async () => {
    const p = poller();
    await p.poll();
    const ids: string[] = [];
    for (let i = 0; i < 4; i += 1) {
      portalClock.advance(100);
      ids.push(...create(150));
    }
    const { write } = p.feeds;
    let writes = 0;
    p.feeds.write = async (next, epoch) => {
      writes += 1;
      if (writes === 3) throw new Error('killed');
      return write(next, epoch);
    };
    await p.later();
    const first = p.found();
    p.feeds.write = write;
    // The lease of the dead poller ends by itself.
    await p.later(71_000);
    const second = p.found();
    expect(new Set([...first, ...second])).toEqual(new Set(ids));
    expect(first.length + second.length).toBeLessThan(ids.length + 250);
  });

  it('moves no mark where the queue takes nothing', async () => {
    const p = poller();
    await p.poll();
    portalClock.advance(1000);
    const ids = create(3);
    const { queue } = p.deps;
    Object.assign(p.deps, { queue: { send: () => Promise.reject(new Error('down')) } });
    await p.later();
    Object.assign(p.deps, { queue });
    await p.later();
    expect(p.found()).toEqual(ids);
  });

  it('waits as long as a 429 says, asks its owner once after three failures, and closes the case itself', async () => {
    const p = poller();
    await p.poll();
    portalClock.advance(1000);
    const ids = create(2);
    hubspot.addFault({ kind: 'rate_limited', policyName: 'DAILY', times: 3 });
    const open = async () => (await p.cases.list({ state: 'OPEN', cursor: null })).cases;
    for (let i = 1; i <= 3; i += 1) {
      await p.later(24 * 60 * minuteMs);
      expect((await open()).length).toBe(i < 3 ? 0 : 1);
      expect(await p.poll()).toBe(0);
    }
    expect((await open())[0]).toMatchObject({ reason: 'feed_failing', owner: 'revops', system: 'hubspot' });
    await p.later(24 * 60 * minuteMs);
    expect([p.found(), await open()]).toEqual([ids, []]);
  });

  it('asks again within the hour, whatever its system said', async () => {
    const p = poller();
    await p.poll();
    const error = { class: 'rate', code: 'RATE_LIMITS', message: '', retryAfterMs: 999_999_999_000 } as const;
    const send: Sender = async () => ({ kind: 'not_sent', error });
    Object.assign(p.deps, { send });
    for (let i = 0; i < 3; i += 1) await p.later(60 * minuteMs);
    expect((await p.cases.list({ state: 'OPEN', cursor: null })).cases).toMatchObject([{ reason: 'feed_failing' }]);
  });

  it('closes its case with the first page that is read, also where the second one fails', async () => {
    const p = poller();
    await p.poll();
    for (let i = 0; i < 3; i += 1) {
      portalClock.advance(100);
      create(150);
    }
    const inner = p.deps.send;
    let pages = 0;
    const failing: Sender = async (input) => {
      pages += 1;
      const error = { class: 'transient', code: 'system_unavailable', message: '' } as const;
      return pages <= 3 || pages === 5 ? { kind: 'not_sent', error } : inner(input);
    };
    Object.assign(p.deps, { send: failing });
    const open = async () => (await p.cases.list({ state: 'OPEN', cursor: null })).cases.length;
    for (let i = 0; i < 3; i += 1) await p.later(60 * minuteMs);
    expect(await open()).toBe(1);
    await p.later(60 * minuteMs);
    expect([pages, await open()]).toEqual([5, 0]);
    await p.later(60 * minuteMs);
    expect(await open()).toBe(0);
  });

  it('goes on in the next minute where the time is over', async () => {
    const p = poller();
    await p.poll();
    for (let i = 0; i < 4; i += 1) {
      portalClock.advance(100);
      create(150);
    }
    p.clock.advance(5 * minuteMs);
    await pollFeeds(p.deps, p.clock.now());
    expect(p.found()).toHaveLength(200);
    await p.poll();
    expect(p.found().length).toBeGreaterThanOrEqual(400);
  });
});
