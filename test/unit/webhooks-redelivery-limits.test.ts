import { describe, expect, it } from 'vitest';
import type { StandingDelivery } from '../../shared/connectors/endpoint-keeper.ts';
import { endpointKeeper } from '../../shared/connectors/github/keep.ts';
import type { Sender } from '../../shared/connectors/sender.ts';
import { findFailed, mostTimes, mostTried, type RedeliverWay, unseen } from '../../shared/webhooks/redeliver.ts';
import { endpointWatch, minuteMs } from '../kit/endpoint-watch.ts';
import { flakyDoor } from '../kit/flaky-door.ts';
import { githubConfig, githubSender, githubWorld } from '../kit/github-simulator.ts';
import { testClock } from '../kit/kernel.ts';
import { doorSecret } from '../kit/webhook-door.ts';

const hourMs = 60 * minuteMs;
const clock = testClock();
const delivery = (n: number, change: Partial<StandingDelivery> = {}): StandingDelivery => ({
  ...{ id: String(n), guid: `g${n}`, atMs: clock.now() - hourMs, redelivery: false, ok: false, ...change },
});

/** A list with these pages; the last one names `after` as the next, if any. */
function listing(pages: readonly (readonly StandingDelivery[])[], after: string | null = null): RedeliverWay {
  const { deliveries } = endpointKeeper;
  if (!deliveries) throw new Error('no deliveries');
  let read = 0;
  return {
    ...{ at: { system: 'github', params: { repository: 'acme/widgets' } }, apiVersion: '2022-11-28' },
    ...{ keeper: deliveries, mayWrite: () => true, deadlineMs: clock.now() + minuteMs },
    read: async () => {
      const results = pages[Math.min(read, pages.length - 1)] ?? [];
      read += 1;
      return { kind: 'record', data: { results, after: read < pages.length ? String(read) : after }, fetchedAtMs: 0 };
    },
  };
}

describe('a walk over deliveries', () => {
  it('ends where a page names itself as the next one, and settles nothing', async () => {
    const found = await findFailed({ clock }, listing([[delivery(1)], [delivery(2)]], '1'), unseen('1'));
    expect([found.failed, found.state.walk, found.state.settledUntilMs]).toEqual(['page_repeats', null, 0]);
  });

  it('begins with no other event while two thousand are remembered, and goes on with these', async () => {
    const known = Object.fromEntries(
      Array.from({ length: mostTried }, (_, n) => [`k${n}`, { times: 1, atMs: clock.now() - hourMs }]),
    );
    const rows = [delivery(0, { ok: true }), delivery(1), delivery(2, { guid: 'k7' })];
    const full = await findFailed({ clock }, listing([rows]), { ...unseen('1'), tried: known });
    expect(full.due.map(({ guid }) => guid)).toEqual(['k7']);
    expect(full.state.oldestOpenMs).toBe(clock.now() - hourMs);
    const room = await findFailed({ clock }, listing([rows]), unseen('1'));
    expect(room.due.map(({ guid }) => guid)).toEqual(['g1', 'k7']);
  });

  it('takes an event that is refused every time for no sign that nothing arrives', async () => {
    const rows = Array.from({ length: 5 }, (_, n) => delivery(n));
    const tried = { g0: { times: mostTimes, atMs: clock.now() - hourMs } };
    const healthy = [...rows.slice(0, 1), delivery(9, { ok: true }), ...rows.slice(1)];
    expect((await findFailed({ clock }, listing([healthy]), { ...unseen('1'), tried })).due).toHaveLength(4);
    expect((await findFailed({ clock }, listing([rows]), { ...unseen('1'), tried })).due).toHaveLength(1);
  });

  it('looks only at the webhook it was begun with', async () => {
    const state = { ...unseen('1'), settledUntilMs: clock.now() };
    expect((await findFailed({ clock }, listing([[delivery(1)]]), state)).due).toEqual([]);
    expect((await findFailed({ clock }, listing([[delivery(1)]]), unseen('2'))).due).toHaveLength(1);
  });
});

describe('an event that is missing for two days', () => {
  it('is a case of its owner while there is a day left, which closes once it has arrived', async () => {
    const door = await flakyDoor('/acme/hub');
    const world = await githubWorld();
    const publicUrl = 'https://hooks.example.com/acme/hub';
    world.simulator.webhooks.target({ url: door.url, publicUrl, secret: doorSecret });
    const [code] = Object.values(githubConfig.webhooks);
    if (!code) throw new Error('no channel');
    const system = { ...githubConfig, webhooks: { hub: code } };
    // What asks for it gets lost on the way.
    const inner = githubSender(world.simulator);
    const send: Sender = async (input) =>
      input.purpose === 'write'
        ? { kind: 'lost', error: { class: 'unknown_outcome', code: 'reset', message: '' } }
        : inner(input);
    const w = endpointWatch({ clock: world.clock, name: 'acme', system, send });
    world.simulator.hub.webhooks.drop(1);
    world.simulator.happen('push', { after: 'commit-1' });
    world.clock.advance(47 * hourMs);
    await w.minutes(1);
    expect(w.open()).toEqual([]);
    world.clock.advance(2 * hourMs);
    await w.minutes(1);
    expect(w.open()).toEqual([['redelivery_failing', null]]);
    expect(w.cases.cases[0]?.detail).toContain('missing since');
    const [first] = world.simulator.hub.attempts.values();
    if (first) first.code = 200;
    await w.minutes(12);
    expect(w.open()).toEqual([]);
    await world.close();
    await door.close();
  });
});
