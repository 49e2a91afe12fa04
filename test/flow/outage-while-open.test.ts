import { afterEach, describe, expect, it } from 'vitest';
import type { PlumblineConfig } from '../../shared/config/schema.ts';
import { systemSchema } from '../../shared/config/schema.ts';
import { shippedConfig } from '../kit/agent-world.ts';
import { fixedClock } from '../kit/fixed-clock.ts';
import { outageWorld } from '../kit/outage-world.ts';
import { callHubSpot, startTestHubSpot } from '../kit/simulator.ts';

const startMs = Date.parse('2026-11-02T08:00:00Z');
const minute = 60_000;

let close: () => Promise<void> = async () => {};
afterEach(() => close());

type WhileOpen = PlumblineConfig['systems'][string]['breaker']['whileOpen'];

/** HubSpot with one deal and one contact, and agents that may ask for both. */
async function start(whileOpen: WhileOpen) {
  const clock = fixedClock(startMs);
  const hubspot = await startTestHubSpot({ clock });
  const shipped = shippedConfig();
  const [system, sales] = [shipped.systems.hubspot, shipped.agents['sales-assistant']];
  if (!system || !sales) throw new Error('the shipped configuration lacks what is tested here');
  const fallback = whileOpen === 'fallback' ? { fallback: { maxAge: 15 * minute } } : {};
  const breaker = { opensAfter: 3, stays: 30_000, whileOpen, ...fallback };
  const config: PlumblineConfig = {
    ...shipped,
    systems: { hubspot: { ...system, breaker } },
    agents: { 'sales-assistant': sales, 'other-sales': sales },
  };
  const world = await outageWorld({ clock, config, hubspot });
  close = async () => {
    world.close();
    await hubspot.close();
  };
  const made = await callHubSpot(hubspot, 'POST', '/crm/objects/2026-09/deals', {
    properties: { dealname: 'Acme', dealstage: 'appointmentscheduled', pipeline: 'default' },
  });
  const deal = String(made.body.id);
  /** Fails from now on, and has been found failing. */
  const fail = async () => {
    hubspot.addFault({ kind: 'server_error', status: 503, times: 1_000_000 });
    for (let i = 0; i < 3; i += 1) await world.call('deal_get', { deal_id: '999999' });
  };
  const writes = () => hubspot.effects.requests().filter(({ method }) => method !== 'GET').length;
  return {
    clock,
    hubspot,
    world,
    deal,
    fail,
    writes,
    get: (agent?: string) => world.call('deal_get', { deal_id: deal }, agent),
  };
}

describe('while a system is left alone under `fallback`', () => {
  it('answers a read with the last live answer, and says so', async () => {
    const { world, clock, deal, fail, get } = await start('fallback');
    const live = await get();
    expect(live).toMatchObject({ status: 'ok', source: 'hubspot', live: true });
    await fail();
    clock.advance(7 * minute);
    await fail();
    const answer = await get();
    expect(answer).toMatchObject({
      status: 'ok',
      source: 'fallback',
      live: false,
      data: live.data,
      fetched_at: live.fetched_at,
      warnings: [{ code: 'fallback', message: expect.stringContaining('7 min ago') }],
    });
    expect(answer.call_id).not.toBe(live.call_id);
    expect(world.ledgerOf(answer.call_id)).toMatchObject({
      status: 'ok',
      system: 'hubspot',
      record: `hubspot/deal/${deal}`,
    });
  });

  it.each([
    ['another agent', { agent: 'other-sales' }],
    ['an answer that is too old', { laterMs: 15 * minute + 1 }],
    ['an answer that was erased', { erased: true }],
  ])('fails the read for %s', async (_what, given: { agent?: string; laterMs?: number; erased?: boolean }) => {
    const { world, clock, fail, get } = await start('fallback');
    await get();
    await fail();
    clock.advance(given.laterMs ?? 0);
    await fail();
    if (given.erased) world.payloads.objects.clear();
    expect(await get(given.agent)).toMatchObject({ status: 'failed', error: { category: 'circuit_open' } });
  });

  it('fails a read that was never answered', async () => {
    const { world, fail } = await start('fallback');
    await fail();
    expect(await world.call('deal_get', { deal_id: '777' })).toMatchObject({ status: 'failed' });
  });

  it('never lets it stand for the record that a write is judged on', async () => {
    const { world, deal, fail, get, writes } = await start('fallback');
    await get();
    await fail();
    const before = writes();
    const reason = 'The buyer confirmed it on the phone.';
    const answer = await world.call('deal_update_stage', { deal_id: deal, stage: 'qualifiedtobuy', reason });
    expect(answer).toMatchObject({ status: 'failed', error: { category: 'circuit_open' } });
    expect([writes(), world.open()]).toEqual([before, 0]);
  });

  it('is never the answer to a read that the system answered', async () => {
    const { hubspot, fail, get, clock } = await start('fallback');
    await get();
    await fail();
    hubspot.clearFaults();
    clock.advance(8 * minute);
    expect(await get()).toMatchObject({ status: 'ok', live: true, source: 'hubspot' });
  });

  it('keeps nothing for systems with another rule', async () => {
    const { world, get, fail } = await start('queue');
    await get();
    await fail();
    expect(world.sharedNames().filter((name) => name.startsWith('answer#'))).toEqual([]);
    expect(await get()).toMatchObject({ status: 'failed', error: { category: 'circuit_open' } });
  });
});

describe('while a system is left alone under `case`', () => {
  it('refuses writes with one case for the owner, claims nothing, and says what was done before', async () => {
    const { world, clock, fail, writes, hubspot } = await start('case');
    const done = await world.call('deal_create', { name: 'Before' });
    expect(done.status).toBe('applied');
    await fail();
    const before = writes();
    for (const name of ['One', 'Two', 'One']) {
      const answer = await world.call('deal_create', { name });
      expect(answer).toMatchObject({ status: 'refused', effect: 'none', error: { category: 'circuit_open' } });
      expect(answer.action_id).toBeUndefined();
    }
    expect(await world.call('deal_create', { name: 'Before' })).toMatchObject({
      status: 'replayed',
      action_id: done.action_id,
    });
    expect([writes(), world.open()]).toEqual([before, 0]);
    const cases = () => world.cases.cases.map(({ reason, owner, state }) => [reason, owner, state]);
    expect(cases()).toEqual([['circuit_open', 'revops', 'OPEN']]);

    hubspot.clearFaults();
    clock.advance(10 * minute);
    expect((await world.call('deal_create', { name: 'After' })).status).toBe('applied');
    await world.tick();
    expect(cases()).toEqual([['circuit_open', 'revops', 'RESOLVED']]);
  });

  it('fails reads with the same case', async () => {
    const { world, fail, get } = await start('case');
    await fail();
    expect(await get()).toMatchObject({ status: 'failed' });
    expect(await get()).toMatchObject({ status: 'failed' });
    expect(world.cases.cases.map(({ reason }) => reason)).toEqual(['circuit_open']);
  });
});

describe('the rule in the configuration', () => {
  const breaker = (more: object) =>
    systemSchema.shape.breaker.safeParse({ opensAfter: 5, stays: '30s', whileOpen: 'queue', ...more }).success;

  it('needs an age for `fallback`, and takes it nowhere else', () => {
    expect(breaker({})).toBe(true);
    expect(breaker({ whileOpen: 'fallback', fallback: { maxAge: '15m' } })).toBe(true);
    expect(breaker({ whileOpen: 'fallback' })).toBe(false);
    expect(breaker({ whileOpen: 'case', fallback: { maxAge: '15m' } })).toBe(false);
  });
});
