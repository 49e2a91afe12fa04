import { describe, expect, it } from 'vitest';
import type { PlumblineConfig } from '../../shared/config/schema.ts';
import { watchWaiting } from '../../shared/ledger/waiting-cases.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { breakerGuard } from '../../shared/resilience/breaker-guard.ts';
import { takesTurns } from '../../shared/resilience/turns.ts';
import { fixedClock } from '../kit/fixed-clock.ts';
import { memoryCaseStore } from '../kit/memory-case-store.ts';
import { memoryLedgerStore } from '../kit/memory-ledger-store.ts';
import { memoryResilienceStore } from '../kit/memory-resilience-store.ts';
import { operatorConfig } from '../kit/operator-world.ts';

const minute = 60_000;
const rules = [{ calls: 100, per: 10_000 }];

function world(whileOpen: 'queue' | 'case' = 'queue') {
  const clock = fixedClock(1_000_000);
  const [state, cases, ledger] = [memoryResilienceStore(), memoryCaseStore(), memoryLedgerStore()];
  const { hubspot } = operatorConfig.systems;
  if (!hubspot) throw new Error('no hubspot');
  const breaker = { ...hubspot.breaker, whileOpen };
  const config: PlumblineConfig = { ...operatorConfig, systems: { hubspot: { ...hubspot, breaker } } };
  const overdue: { key: string; dueMs: number }[] = [];
  const actions = {
    dueShards: 2,
    due: async ({ shard, byMs }: { shard: number; byMs: number }) =>
      shard === 1 ? overdue.filter(({ dueMs }) => dueMs <= byMs) : [],
  };
  const take = takesTurns({ store: state, clock });
  const deps = { cases, ledger, config, clock, log: silentLog, actions, state };
  return {
    ...{ clock, state, overdue, ledger },
    /** Something waits for so many minutes, looked at every minute. */
    wait: async (minutes: number) => {
      for (let i = 0; i < minutes; i += 1) {
        await take('hubspot', rules, clock.now() + minute);
        clock.advance(minute);
        await watchWaiting(deps, clock.now());
      }
    },
    tick: () => watchWaiting(deps, clock.now()),
    seen: () => cases.cases.map(({ reason, owner, state: how }) => [reason, owner, how]),
    open: (dedupeKey: string) =>
      cases.open(
        {
          ...{ kind: 'exception', reason: 'circuit_open', title: 't', detail: 'd', owner: 'revops', dedupeKey },
          ...{ dueInMs: 1, actionId: null, runId: null, system: 'hubspot', eventIdentity: null, facts: {} },
        },
        clock.now(),
      ),
  };
}

describe('writes that wait', () => {
  it('open one case for the owner once they have waited for a quarter of an hour, who is told once', async () => {
    const w = world();
    await w.wait(14);
    expect(w.seen()).toEqual([]);
    await w.wait(10);
    expect(w.seen()).toEqual([['waiting_too_long', 'revops', 'OPEN']]);
    expect(w.ledger.entries.map((entry) => entry.kind === 'operation' && entry.what)).toEqual(['case_opened']);
  });

  it('are no case where each waits only for a while and nothing waits in between', async () => {
    const w = world();
    for (let i = 0; i < 6; i += 1) {
      await w.wait(10);
      w.clock.advance(3 * minute);
    }
    expect(w.seen()).toEqual([]);
  });

  it('settle the case when they are through', async () => {
    const w = world();
    await w.wait(20);
    w.clock.advance(2 * minute + 1);
    await w.tick();
    expect(w.seen()).toEqual([['waiting_too_long', 'revops', 'RESOLVED']]);
    await w.wait(16);
    expect(w.seen().at(-1)).toEqual(['waiting_too_long', 'revops', 'OPEN']);
  });

  it('keep the case open where nobody works on what is due, though the last turn has passed', async () => {
    const w = world();
    await w.wait(20);
    w.overdue.push({ key: 'k', dueMs: w.clock.now() });
    w.clock.advance(5 * minute);
    await w.tick();
    expect(w.seen()).toEqual([['waiting_too_long', 'revops', 'OPEN']]);
    w.overdue.pop();
    await w.tick();
    expect(w.seen()).toEqual([['waiting_too_long', 'revops', 'RESOLVED']]);
  });
});

describe('the case of a system that is left alone', () => {
  it.each(['read', 'write'] as const)('stays open while the breaker of %ss is open', async (kind) => {
    const w = world('case');
    const guard = breakerGuard({ store: w.state, clock: w.clock, owner: 'test' });
    const name = { system: 'hubspot', class: kind };
    const rule = { opensAfter: 1, staysMs: 30_000 };
    await guard.tell(name, rule, 'fails');
    await w.open('circuit#hubspot');
    await w.tick();
    expect(w.seen()).toEqual([['circuit_open', 'revops', 'OPEN']]);
    w.clock.advance(30_000);
    await guard.ask(name, rule, true);
    await w.tick();
    expect(w.seen()).toEqual([['circuit_open', 'revops', 'OPEN']]);
    await guard.tell(name, rule, 'works');
    await w.tick();
    expect(w.seen()).toEqual([['circuit_open', 'revops', 'RESOLVED']]);
  });
});
