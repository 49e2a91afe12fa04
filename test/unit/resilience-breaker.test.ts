import { describe, expect, it } from 'vitest';
import { afterFailure, afterProbe, afterSuccess, askBreaker, closedBreaker } from '../../shared/resilience/breaker.ts';
import { breakerGuard, breakersOf } from '../../shared/resilience/breaker-guard.ts';
import type { BreakerState } from '../../shared/resilience/ports.ts';
import { fixedClock } from '../kit/fixed-clock.ts';
import { memoryResilienceStore } from '../kit/memory-resilience-store.ts';

const name = { system: 'hubspot', class: 'read' } as const;

describe('the breaker', () => {
  const rule = { opensAfter: 3, staysMs: 1000 };
  const ask = (state: BreakerState, nowMs: number, readOnly = true) =>
    askBreaker(rule, state, { nowMs, owner: 'me', readOnly });
  const failed = (times: number, nowMs: number) => {
    let state = closedBreaker;
    for (let i = 0; i < times; i += 1) state = afterFailure(rule, state, nowMs);
    return state;
  };

  it('opens after the configured failures in a row and not before', () => {
    expect([failed(2, 0).kind, failed(3, 0).kind]).toEqual(['closed', 'open']);
  });

  it('forgets failures after one success', () => {
    expect(failed(2, 0)).toEqual({ kind: 'closed', failures: 2 });
    expect(afterSuccess(failed(2, 0))).toEqual(closedBreaker);
  });

  it('refuses everything while it is open', () => {
    expect(ask(failed(3, 0), 400)).toEqual({ kind: 'refuse', retryAfterMs: 600 });
  });

  it('lets one read try after the wait, and everybody else waits for it', () => {
    const verdict = ask(failed(3, 0), 1000);
    expect(verdict).toMatchObject({ kind: 'probe', next: { kind: 'half_open', probeOwner: 'me' } });
    const next = verdict.kind === 'probe' ? verdict.next : closedBreaker;
    expect(ask(next, 1001).kind).toBe('refuse');
  });

  it('never lets a write be the trial', () => {
    expect(ask(failed(3, 0), 1000, false)).toEqual({ kind: 'read_first' });
  });

  it('lets another try where the trial never came back', () => {
    const first = ask(failed(3, 0), 1000);
    expect(ask(first.kind === 'probe' ? first.next : closedBreaker, 40_000).kind).toBe('probe');
  });

  it('waits longer after each failed trial', () => {
    const first = ask(failed(3, 0), 1000);
    const again = afterFailure(rule, first.kind === 'probe' ? first.next : closedBreaker, 1000);
    expect(ask(again, 2500)).toEqual({ kind: 'refuse', retryAfterMs: 500 });
    expect(ask(again, 3000).kind).toBe('probe');
  });

  it('is shared: what one process saw failing, another does not try', async () => {
    const [store, clock] = [memoryResilienceStore(), fixedClock(0)];
    const [one, other] = ['one', 'other'].map((owner) => breakerGuard({ store, clock, owner }));
    for (let i = 0; i < 3; i += 1) await one?.tell(name, rule, 'fails');
    expect(await other?.ask(name, rule, true)).toEqual({ kind: 'refuse', retryAfterMs: 1000 });
  });

  it('lets only one process try', async () => {
    const [store, clock] = [memoryResilienceStore(), fixedClock(0)];
    const guards = ['one', 'two', 'three'].map((owner) => breakerGuard({ store, clock, owner }));
    for (let i = 0; i < 3; i += 1) await guards[0]?.tell(name, rule, 'fails');
    clock.advance(1000);
    const verdicts = await Promise.all(guards.map((guard) => guard.ask(name, rule, true)));
    expect(verdicts.filter(({ kind }) => kind === 'pass')).toHaveLength(1);
  });

  it('counts failures of several processes together', async () => {
    const [store, clock] = [memoryResilienceStore(), fixedClock(0)];
    const guards = ['one', 'two', 'three'].map((owner) => breakerGuard({ store, clock, owner }));
    for (const guard of guards) await guard.ask(name, rule, true);
    for (const guard of guards) await guard.tell(name, rule, 'fails');
    expect((await breakersOf(store, 'hubspot')).read.kind).toBe('open');
  });

  it('costs no request while the copy is young and the system works', async () => {
    const [memory, clock] = [memoryResilienceStore(), fixedClock(0)];
    let requests = 0;
    const counted =
      <A extends unknown[], R>(call: (...args: A) => R) =>
      (...args: A) => {
        requests += 1;
        return call(...args);
      };
    const store = { ...memory, read: counted(memory.read), write: counted(memory.write) };
    const guard = breakerGuard({ store, clock, owner: 'one' });
    for (let i = 0; i < 50; i += 1) {
      await guard.ask(name, rule, false);
      await guard.tell(name, rule, 'works');
    }
    expect(requests).toBe(1);
  });

  it('stays open where an answer arrives that was on its way when it opened', () => {
    expect(afterSuccess(failed(3, 0)).kind).toBe('open');
  });

  it('knows its own probe again where the answer to its note got lost, and lets no second one go', async () => {
    const [store, clock] = [memoryResilienceStore(), fixedClock(0)];
    // The client sent the note twice: the first landed, and the second met it.
    const write: typeof store.write = async (key, next) => {
      await store.write(key, next);
      return store.write(key, next);
    };
    const guard = breakerGuard({ store: { ...store, write }, clock, owner: 'one' });
    const plain = breakerGuard({ store, clock, owner: 'other' });
    for (let i = 0; i < 3; i += 1) await plain.tell(name, rule, 'fails');
    clock.advance(1000);
    const asked = await Promise.all([guard.ask(name, rule, true), guard.ask(name, rule, true)]);
    expect(asked.map(({ kind }) => kind).sort()).toEqual(['pass', 'refuse']);
  });

  it('is another one for writes than for reads', async () => {
    const [store, clock] = [memoryResilienceStore(), fixedClock(0)];
    const guard = breakerGuard({ store, clock, owner: 'one' });
    for (let i = 0; i < 3; i += 1) await guard.tell({ ...name, class: 'write' }, rule, 'fails');
    expect((await guard.ask({ ...name, class: 'write' }, rule, false)).kind).toBe('refuse');
    expect((await guard.ask(name, rule, true)).kind).toBe('pass');
  });

  it('of writes is closed on trial by a read: the next failing write opens it, for longer', async () => {
    const [store, clock] = [memoryResilienceStore(), fixedClock(0)];
    const guard = breakerGuard({ store, clock, owner: 'one' });
    const writes = { ...name, class: 'write' } as const;
    for (let i = 0; i < 3; i += 1) await guard.tell(writes, rule, 'fails');
    clock.advance(1000);
    expect(await guard.ask(writes, rule, true)).toMatchObject({ kind: 'pass', probe: true });
    await guard.tell(writes, rule, 'probe_works');
    expect((await guard.ask(writes, rule, false)).kind).toBe('pass');
    await guard.tell(writes, rule, 'fails');
    expect(await guard.ask(writes, rule, false)).toEqual({ kind: 'refuse', retryAfterMs: 2000 });
  });

  it('of writes is closed for good by a write that worked', () => {
    const trial = afterProbe(rule, {
      kind: 'half_open',
      openedAtMs: 0,
      attemptNo: 3,
      probeOwner: 'me',
      probeUntilMs: 1,
    });
    expect(trial).toEqual({ kind: 'closed', failures: 2, attemptNo: 4 });
    expect(afterSuccess(trial)).toEqual(closedBreaker);
  });
});
