import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Sender } from '../../shared/connectors/sender.ts';
import type { EndpointDeps } from '../../shared/webhooks/keep-endpoints.ts';
import { endpointWatch, minuteMs } from '../kit/endpoint-watch.ts';
import { flakyDoor } from '../kit/flaky-door.ts';
import { githubConfig, githubSender, githubWorld } from '../kit/github-simulator.ts';
import { doorSecret } from '../kit/webhook-door.ts';

const hourMs = 60 * minuteMs;
const publicUrl = 'https://hooks.example.com/acme/hub';
const hub = {
  scheme: 'github',
  secret: 's',
  params: { repository: 'acme/widgets' },
  tolerance: 300_000,
  maxBodyBytes: 1_000_000,
};
const system = { ...githubConfig, webhooks: { hub } };

let world: Awaited<ReturnType<typeof githubWorld>>;
let door: Awaited<ReturnType<typeof flakyDoor>>;

beforeEach(async () => {
  door = await flakyDoor('/acme/hub');
  world = await githubWorld();
  world.simulator.webhooks.target({ url: door.url, publicUrl, secret: doorSecret });
});
afterEach(async () => {
  await world.close();
  await door.close();
});

/** All that was begun has been answered. */
const settled = () =>
  vi.waitFor(() => expect([...world.simulator.hub.attempts.values()].filter(({ code }) => code === null)).toEqual([]), {
    interval: 1,
    timeout: 10_000,
  });

async function push(from: number, count: number): Promise<void> {
  for (let n = from; n < from + count; n += 1) {
    world.simulator.happen('push', { ref: 'refs/heads/main', after: `commit-${n}`, action: 'pushed' });
    world.clock.advance(1000);
  }
  await settled();
}

function watching(changes: Partial<EndpointDeps> = {}) {
  const on = { clock: world.clock, name: 'acme', system, send: githubSender(world.simulator) };
  const w = endpointWatch(on, changes);
  /** So many minutes, one run each, in which what is delivered again arrives. */
  const minutes = async (count: number) => {
    for (let n = 0; n < count; n += 1) {
      await w.minutes(1);
      await settled();
    }
  };
  return { ...w, minutes };
}

const asks = () => world.simulator.effects.requests().filter(({ method }) => method === 'POST');
const tries = () => {
  const byGuid = new Map<string, number>();
  for (const { guid, redelivery } of world.simulator.hub.attempts.values()) {
    if (redelivery) byGuid.set(guid, (byGuid.get(guid) ?? 0) + 1);
  }
  return [...byGuid.values()];
};
const stateOf = (w: ReturnType<typeof watching>) => w.endpoints.states.get('acme/hub')?.redelivery;

describe('failed deliveries', () => {
  it('of an outage arrive once it is over: every event is handled once, and none is lost', async () => {
    const w = watching();
    await push(0, 3);
    door.refuses.all = true;
    await push(3, 150);
    expect(door.sent).toHaveLength(3);
    await w.minutes(30);
    door.refuses.all = false;
    await w.minutes(25);
    expect(await door.handled()).toEqual(Array.from({ length: 153 }, () => 1));
    expect([stateOf(w)?.oldestOpenMs, stateOf(w)?.tried, w.cases.cases]).toEqual([null, {}, []]);
  });

  it('are asked for at most twenty a minute, and of an outage one at a time', async () => {
    const w = watching();
    door.refuses.all = true;
    await push(0, 60);
    await w.minutes(35);
    expect(asks()).toHaveLength(4);
    door.refuses.all = false;
    for (let n = 0; n < 15; n += 1) {
      const before = asks().length;
      await w.minutes(1);
      expect(asks().length - before).toBeLessThanOrEqual(20);
    }
    expect((await door.handled()).length).toBe(60);
  });

  it('that arrived twice are one event: the id that GitHub gives a delivery is not signed, and decides nothing', async () => {
    const w = watching();
    door.refuses.bodiesWith = ['commit-0'];
    await push(0, 1);
    await push(1, 1);
    door.refuses.bodiesWith = [];
    const lost: Sender = async (input) => {
      const sent = await githubSender(world.simulator)(input);
      return input.purpose === 'write'
        ? { kind: 'lost', error: { class: 'unknown_outcome', code: 'reset', message: '' } }
        : sent;
    };
    const losing = watching({ send: lost, endpoints: w.endpoints });
    await losing.minutes(2);
    const [first] = world.simulator.hub.attempts.values();
    await fetch(`${world.simulator.url}/repos/acme/widgets/hooks/500000001/deliveries/${first?.id}/attempts`, {
      ...{ method: 'POST', headers: { authorization: 'Bearer local-static-token' } },
    });
    await settled();
    expect([door.sent.length, await door.handled()]).toEqual([3, [1, 1]]);
  });

  it('that are refused every time are left to a person after five attempts, ten minutes apart, and the case closes by itself', async () => {
    const w = watching();
    door.refuses.bodiesWith = ['commit-0'];
    await push(0, 2);
    await w.minutes(90);
    expect([tries(), w.open(), w.cases.cases.length]).toEqual([[5], [['redelivery_failing', null]], 1]);
    const times = asks().map(({ atMs }) => atMs);
    for (const [n, atMs] of times.slice(1).entries())
      expect(atMs - (times[n] ?? 0)).toBeGreaterThanOrEqual(10 * minuteMs);
    door.refuses.bodiesWith = [];
    const last = [...world.simulator.hub.attempts.values()].at(-1);
    await fetch(`${world.simulator.url}/repos/acme/widgets/hooks/500000001/deliveries/${last?.id}/attempts`, {
      ...{ method: 'POST', headers: { authorization: 'Bearer local-static-token' } },
    });
    await settled();
    await w.minutes(12);
    expect([w.open(), (await door.handled()).length]).toEqual([[], 2]);
  });

  it('that GitHub has forgotten keep their case open: they arrive no more', async () => {
    const w = watching();
    door.refuses.bodiesWith = ['commit-0'];
    await push(0, 2);
    await w.minutes(70);
    world.clock.advance(73 * hourMs);
    await w.minutes(30);
    expect([w.open(), stateOf(w)?.lost]).toEqual([[['redelivery_failing', null]], 1]);
  });

  it('older than three days are not asked for, also where they are still listed', async () => {
    await world.close();
    world = await githubWorld({ keptMs: 30 * 24 * hourMs });
    world.simulator.webhooks.target({ url: door.url, publicUrl, secret: doorSecret });
    door.refuses.all = true;
    await push(0, 1);
    door.refuses.all = false;
    world.clock.advance(73 * hourMs);
    await push(1, 1);
    const w = watching();
    await w.minutes(15);
    expect([asks().length, w.open()]).toEqual([0, []]);
  });

  it('are not asked for where a later attempt arrived, nor while one may be under way', async () => {
    const w = watching();
    door.refuses.all = true;
    await push(0, 1);
    door.refuses.all = false;
    await w.watch();
    expect(asks()).toHaveLength(0);
    await w.minutes(1);
    expect(asks()).toHaveLength(1);
    await w.minutes(40);
    expect([asks().length, await door.handled()]).toEqual([1, [1]]);
  });

  it('are found again by a walk that its time cut off, and counted as settled by none that did not end', async () => {
    door.refuses.all = true;
    await push(0, 130);
    door.refuses.all = false;
    await push(130, 110);
    const cutting = watching();
    // Each page takes so long that the time is up after it.
    const slow: Sender = async (input) => {
      if (input.spec.path.endsWith('/deliveries')) world.clock.advance(50_000);
      return githubSender(world.simulator)(input);
    };
    const w = watching({ send: slow, endpoints: cutting.endpoints });
    await w.minutes(1);
    expect([stateOf(cutting)?.settledUntilMs, stateOf(cutting)?.walk]).toMatchObject([0, { newest: { ok: true } }]);
    await w.minutes(80);
    expect(await door.handled()).toHaveLength(240);
  });

  it('wait as long as GitHub asks for, and are all there afterwards', async () => {
    const w = watching();
    door.refuses.all = true;
    await push(0, 12);
    door.refuses.all = false;
    await push(12, 1);
    world.clock.advance(minuteMs);
    world.simulator.addFault({ match: { method: 'POST', nth: 3 }, kind: 'rate_limited' });
    await w.watch();
    await settled();
    expect([asks().length, Object.keys(stateOf(w)?.tried ?? {}).length]).toEqual([3, 2]);
    world.simulator.knobs.left = 0;
    await w.minutes(3);
    expect(asks()).toHaveLength(3);
    world.clock.advance(hourMs);
    await w.minutes(3);
    expect(await door.handled()).toHaveLength(13);
  });

  it('are asked for by one keeper at a time, and no more often where it died in between', async () => {
    const w = watching();
    door.refuses.all = true;
    await push(0, 5);
    door.refuses.all = false;
    await push(5, 1);
    world.clock.advance(minuteMs);
    await Promise.all([w.watch(), w.watch(), w.watch()]);
    await settled();
    expect(asks()).toHaveLength(5);
    const dying = watching({
      ledger: { ...w.ledger, append: () => Promise.reject(new Error('died')) },
      endpoints: w.endpoints,
    });
    door.refuses.all = true;
    await push(6, 3);
    door.refuses.all = false;
    await push(9, 1);
    await dying.minutes(9);
    expect(asks()).toHaveLength(6);
    await w.minutes(15);
    expect(await door.handled()).toHaveLength(10);
  });

  it('stay where they are while a next page leads elsewhere, and the owner is told', async () => {
    const w = watching();
    door.refuses.all = true;
    await push(0, 1);
    door.refuses.all = false;
    for (const link of ['https://evil.example/repos/acme/widgets/hooks?page=2', 'https://api.github.com/user?page=2']) {
      world.simulator.knobs.link = link;
      await w.minutes(30);
    }
    const paths = new Set(world.simulator.effects.requests().map(({ path, query }) => `${path}?${query}`));
    expect([...paths]).toEqual(['/repos/acme/widgets/hooks?per_page=100']);
    expect(w.open()).toEqual([['endpoint_unwatched', null]]);
    expect(w.cases.cases[0]?.detail).toContain('next_page_refused');
  });

  it('are left alone where the channel does not say whose webhook it is', async () => {
    const { params: _params, ...bare } = hub;
    const on = {
      clock: world.clock,
      name: 'acme',
      system: { ...system, webhooks: { hub: bare } },
      send: githubSender(world.simulator),
    };
    await endpointWatch(on).minutes(20);
    expect(world.simulator.effects.requests()).toEqual([]);
  });
});

describe('a webhook of GitHub', () => {
  it('that somebody switched off opens the case, and asks for nothing again', async () => {
    const w = watching();
    door.refuses.all = true;
    await push(0, 1);
    const hook = world.simulator.hub.hooks.find(({ url }) => url === publicUrl);
    if (hook) hook.active = false;
    await w.minutes(15);
    expect([w.open(), asks().length]).toEqual([[['endpoint_disabled', 'disabled']], 0]);
    if (hook) hook.active = true;
    door.refuses.all = false;
    await w.minutes(15);
    expect([w.open(), await door.handled()]).toEqual([[], [1]]);
  });
});
