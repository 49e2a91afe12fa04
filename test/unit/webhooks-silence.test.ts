import { describe, expect, it } from 'vitest';
import type { PlumblineConfig } from '../../shared/config/schema.ts';
import type { InboxMessage } from '../../shared/model/event.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { arrivalNoter, silentSources } from '../../shared/webhooks/silence.ts';
import { fixedClock } from '../kit/fixed-clock.ts';
import { memoryCaseStore } from '../kit/memory-case-store.ts';
import { memoryLedgerStore } from '../kit/memory-ledger-store.ts';
import { memorySourceStore } from '../kit/memory-source-store.ts';
import { operatorConfig } from '../kit/operator-world.ts';

const hour = 3_600_000;
const channel = { scheme: 'hubspot-v3', secret: 's', tolerance: 300_000, maxBodyBytes: 1_000_000 };
const message = { system: 'hubspot', channel: 'crm', replay: null } as InboxMessage;

function world(silenceAlarm: number | undefined = 6 * hour) {
  const clock = fixedClock(1_000);
  const [sources, cases, ledger] = [memorySourceStore(), memoryCaseStore(), memoryLedgerStore()];
  const webhooks = { crm: silenceAlarm === undefined ? channel : { ...channel, silenceAlarm }, plain: channel };
  const { owners } = operatorConfig;
  const systems = { hubspot: { ...operatorConfig.systems.hubspot, webhooks } } as PlumblineConfig['systems'];
  const deps = { sources, cases, ledger, config: { owners, systems }, clock, log: silentLog };
  const tick = () => silentSources(deps, clock.now());
  const open = () => cases.cases.filter(({ state }) => state === 'OPEN').length;
  const noter = () => arrivalNoter({ sources, systems, clock, log: silentLog });
  return { clock, sources, cases, ledger, tick, open, noter };
}

describe('silentSources', () => {
  it('opens one case with the owner once the alarm has passed since the last event', async () => {
    const w = world();
    await w.noter()(message);
    w.clock.advance(6 * hour);
    expect([await w.tick(), w.open()]).toEqual([[], 0]);
    w.clock.advance(1);
    expect([await w.tick(), await w.tick(), w.open()]).toEqual([['hubspot/crm'], ['hubspot/crm'], 1]);
    expect(w.cases.cases).toMatchObject([{ reason: 'source_silent', owner: 'revops', system: 'hubspot' }]);
  });

  it('tells the owner once', async () => {
    const w = world();
    await w.tick();
    w.clock.advance(7 * hour);
    await w.tick();
    await w.tick();
    expect(w.ledger.entries.map((entry) => entry.kind === 'operation' && entry.what)).toEqual(['case_opened']);
  });

  it('counts from the first look at a channel that never sent anything', async () => {
    const w = world();
    w.clock.advance(100 * hour);
    expect(await w.tick()).toEqual([]);
    w.clock.advance(6 * hour + 1);
    expect(await w.tick()).toEqual(['hubspot/crm']);
  });

  it('settles the case with the next event, and opens another for the next silence', async () => {
    const w = world();
    await w.tick();
    w.clock.advance(7 * hour);
    await w.tick();
    await w.noter()(message);
    await w.tick();
    expect(w.open()).toBe(0);
    w.clock.advance(7 * hour);
    await w.tick();
    expect([w.open(), w.cases.cases.length]).toEqual([1, 2]);
  });

  it('looks at the other channels where one cannot be looked at, and then throws', async () => {
    const w = world();
    const systems = { ...operatorConfig.systems, other: operatorConfig.systems.hubspot } as PlumblineConfig['systems'];
    const webhooks = { crm: { ...channel, silenceAlarm: 1 } };
    const config = {
      owners: operatorConfig.owners,
      systems: Object.fromEntries(Object.entries(systems).map(([name, one]) => [name, { ...one, webhooks }])),
    };
    const watch: typeof w.sources.watch = (source, nowMs) =>
      source.system === 'hubspot' ? Promise.reject(new Error('away')) : w.sources.watch(source, nowMs);
    const { cases, ledger, clock } = w;
    await w.sources.watch({ system: 'other', channel: 'crm' }, 0);
    const run = silentSources({ sources: { watch }, cases, ledger, config, clock, log: silentLog }, 10);
    await expect(run).rejects.toThrow('away');
    expect(w.cases.cases.map(({ system }) => system)).toEqual(['other']);
  });
});

describe('arrivals', () => {
  it('are written at most once a minute by one process', async () => {
    const w = world();
    const noted = w.noter();
    await Promise.all(Array.from({ length: 10 }, () => noted(message)));
    w.clock.advance(59_999);
    await noted(message);
    expect(w.sources.writes()).toBe(1);
    w.clock.advance(1);
    await noted(message);
    expect(w.sources.writes()).toBe(2);
  });

  it('are written as often as a short alarm needs', async () => {
    const w = world(30_000);
    const noted = w.noter();
    await noted(message);
    w.clock.advance(15_000);
    await noted(message);
    expect(w.sources.writes()).toBe(2);
  });

  it('are not what a replay is', async () => {
    const w = world();
    await w.noter()({ ...message, replay: { id: 'evt_1', by: 'person:olga', reason: 'looking' } });
    expect(w.sources.writes()).toBe(0);
  });

  it('are noted by the next event where the store was away, and hold up none', async () => {
    const w = world();
    const noted = w.noter();
    w.sources.failNext();
    await noted(message);
    await noted(message);
    expect(w.sources.writes()).toBe(1);
  });
});
