import { afterEach, describe, expect, it } from 'vitest';
import { smallAccountLimits } from '../../infra/local/systems/hubspot/limits.ts';
import type { HubSpotSimulator } from '../../infra/local/systems/hubspot/start.ts';
import type { PlumblineConfig } from '../../shared/config/schema.ts';
import type { Answer } from '../../shared/model/answer.ts';
import { parseActionId } from '../../shared/model/ids.ts';
import { breakersOf } from '../../shared/resilience/breaker-guard.ts';
import { shippedConfig } from '../kit/agent-world.ts';
import { fixedClock } from '../kit/fixed-clock.ts';
import { outageWorld } from '../kit/outage-world.ts';
import { startTestHubSpot } from '../kit/simulator.ts';

const minute = 60_000;
const outageMs = 15 * minute;
const calls = 5000;
const startMs = Date.parse('2026-11-02T08:00:00Z');

let close: () => Promise<void> = async () => {};
afterEach(() => close());

/** The shipped configuration without the allowance of an hour: this is about the system, not about the agent. */
function busyConfig(): PlumblineConfig {
  const config = shippedConfig();
  const agent = config.agents['sales-assistant'];
  if (!agent) throw new Error('the shipped configuration has no sales-assistant');
  return { ...config, agents: { ...config.agents, 'sales-assistant': { ...agent, budgets: {} } } };
}

function tallied(values: readonly string[]): Record<string, number> {
  const tally: Record<string, number> = {};
  for (const value of values) tally[value] = (tally[value] ?? 0) + 1;
  return tally;
}

async function start(config = busyConfig(), limits = smallAccountLimits, hintsABatch = 10) {
  const clock = fixedClock(startMs);
  const hubspot: HubSpotSimulator = await startTestHubSpot({ clock, limits });
  const world = await outageWorld({ clock, config, hubspot, hintsABatch });
  close = async () => {
    world.close();
    await hubspot.close();
  };
  return { clock, hubspot, world };
}

describe('fifteen minutes of outage with 5,000 calls queued', () => {
  it('let nothing but probes through, then drain at the speed of the limit, each call once', async () => {
    const { clock, hubspot, world } = await start();
    const answers: Answer[] = [];
    const second = async () => {
      const nowMs = clock.now() - startMs;
      const wanted = Math.min(calls, Math.ceil((calls * (nowMs + 1000)) / (11 * minute))) - answers.length;
      const asked = Array.from({ length: Math.max(0, wanted) }, (_, i) =>
        world.call('deal_create', { name: `Deal ${answers.length + i}` }),
      );
      answers.push(...(await Promise.all(asked)));
      if (nowMs % minute === 0) await world.tick();
      await world.deliver();
      clock.advance(1000);
    };

    // It fails in the middle of the work: what was on its way then is of unknown outcome.
    await second();
    hubspot.addFault({ kind: 'html_error', status: 503, times: 1_000_000 });
    do await second();
    while ((await breakersOf(world.shared, 'hubspot')).write.kind !== 'open');
    expect(clock.now()).toBeLessThanOrEqual(startMs + 5000);
    const opened = hubspot.effects.requests().length;
    while (clock.now() < startMs + outageMs) await second();
    const during = hubspot.effects.requests().slice(opened);
    expect(answers).toHaveLength(calls);
    expect(tallied(answers.map(({ status }) => status))).toEqual({ applied: 8, unknown: 8, queued: calls - 16 });
    // 30, 60, 120, 240 and 480 s apart, for reads and for writes: nothing else knocks, and no write does.
    expect(during.length).toBeLessThanOrEqual(10);
    expect(during.map(({ method }) => method).filter((method) => method !== 'GET')).toEqual([]);

    hubspot.clearFaults();
    while (world.open() > 0 && clock.now() < startMs + 4 * 60 * minute) await second();
    const drainedMs = clock.now();
    for (let i = 0; i < 300; i += 1) await second();

    const statuses = hubspot.effects.requests().map(({ status }) => status);
    expect(statuses.filter((status) => status === 429)).toEqual([]);
    expect(world.metrics.filter((name) => name === 'SystemRateLimited')).toEqual([]);
    const records = await Promise.all(
      answers.map(({ action_id = '' }) => world.record(parseActionId(action_id)?.key ?? '')),
    );
    expect(tallied(records.map((record) => record?.state ?? 'lost'))).toEqual({ SUCCEEDED: calls });
    const names = hubspot.effects
      .effects()
      .filter(({ change }) => change === 'create')
      .map(({ properties }) => properties.dealname);
    expect([names.length, new Set(names).size]).toEqual([calls, calls]);
    expect(Math.max(...records.map((record) => record?.attempts ?? 0))).toBeLessThanOrEqual(3);
    // 5,000 turns of 250 ms, and at most eight minutes until the probe that finds it working.
    expect(drainedMs - (startMs + outageMs)).toBeLessThan(40 * minute);
    // The owner is told once, fifteen minutes after waiting began, and it is over by itself.
    expect(world.cases.cases).toMatchObject([{ reason: 'waiting_too_long', owner: 'revops', state: 'RESOLVED' }]);
    expect(world.cases.cases[0]?.openedAtMs).toBeLessThanOrEqual(startMs + 16 * minute);
  }, 180_000);
});

describe('a drain without shared requests, beside people who go on working', () => {
  it('stays within a limit that leaves hardly any room, and lets the others through', async () => {
    const config = busyConfig();
    const { hubspot: crm } = config.systems;
    if (!crm) throw new Error('the shipped configuration has no hubspot');
    const narrow = {
      ...config,
      systems: { ...config.systems, hubspot: { ...crm, limits: [{ calls: 20, per: 10_000 }] } },
    };
    const { clock, hubspot, world } = await start(narrow, { ...smallAccountLimits, tenSecondly: 20 }, 1);
    const wanted = 400;
    const made: Answer[] = [];
    const second = async () => {
      if ((clock.now() - startMs) % minute === 0) await world.tick();
      await world.deliver();
      clock.advance(1000);
    };
    hubspot.addFault({ kind: 'reset', times: 1_000_000 });
    while (made.length < wanted) {
      made.push(
        ...(await Promise.all([0, 1].map((i) => world.call('deal_create', { name: `Deal ${made.length + i}` })))),
      );
      await second();
    }
    hubspot.clearFaults();
    const read: string[] = [];
    for (let i = 0; world.open() > 0 && i < 7200; i += 1) {
      if (i % 5 === 0)
        read.push((await world.call('contact_find', { email: `nobody-${i}@example.test` })).error?.code ?? 'ok');
      await second();
    }
    expect(world.open()).toBe(0);
    const statuses = hubspot.effects.requests().map(({ status }) => status);
    expect(statuses.filter((status) => status === 429)).toEqual([]);
    const names = hubspot.effects.effects().map(({ properties }) => properties.dealname);
    expect([names.length, new Set(names).size]).toEqual([wanted, wanted]);
    expect(read.length).toBeGreaterThan(100);
    expect(tallied(read.slice(60))).toEqual({ no_match: read.length - 60 });
  }, 120_000);
});

describe('a system that refuses what it may take a moment later', () => {
  it('gets no more retries than a quarter of the first tries, and everything in the end', async () => {
    const { clock, hubspot, world } = await start(busyConfig(), smallAccountLimits, 1);
    hubspot.addFault({ kind: 'html_error', status: 423, times: 1_000_000, match: { method: 'POST' } });
    const seen = new Set<string>();
    let [firsts, retries] = [0, 0];
    const failingMs = 2 * minute;
    for (let i = 0; clock.now() < startMs + failingMs; i += 1) {
      await Promise.all([0, 1, 2, 3, 4, 5].map((n) => world.call('deal_create', { name: `Deal ${i * 6 + n}` })));
      if (i % 60 === 0) await world.tick();
      await world.deliver();
      clock.advance(1000);
    }
    for (const { method, requestHash } of hubspot.effects.requests()) {
      if (method !== 'POST') continue;
      if (seen.has(requestHash)) retries += 1;
      else firsts += 1;
      seen.add(requestHash);
    }
    // Retries take some of the limit: a few of the calls get their first try only afterwards.
    expect(firsts).toBeGreaterThan(680);
    expect(retries).toBeGreaterThan(50);
    expect(retries).toBeLessThanOrEqual(firsts / 4);
    hubspot.clearFaults();
    for (let i = 0; world.open() > 0 && i < 7200; i += 1) {
      if (i % 60 === 0) await world.tick();
      await world.deliver();
      clock.advance(1000);
    }
    const names = hubspot.effects.effects().map(({ properties }) => properties.dealname);
    expect([names.length, new Set(names).size]).toEqual([720, 720]);
    expect(hubspot.effects.requests().filter(({ status }) => status === 429)).toEqual([]);
  }, 120_000);
});
