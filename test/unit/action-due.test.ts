import { describe, expect, it } from 'vitest';
import { type DueHint, queueDue } from '../../shared/action/due-queue.ts';
import type { TokenRecord } from '../../shared/auth/ports.ts';
import { refreshAhead } from '../../shared/auth/refresh-ahead.ts';
import { emptyTokenRecord } from '../../shared/auth/token-record.ts';
import { eachOf } from '../../shared/observe/each-of.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { dueWorker, type WorkDeps } from '../../shared/tools/work-due.ts';
import { shippedConfig } from '../kit/agent-world.ts';
import { fixedClock } from '../kit/fixed-clock.ts';
import { testKernel } from '../kit/kernel.ts';

describe('the tick', () => {
  it('queues what is due in every shard, and asks nothing of the queue where nothing is', async () => {
    const sent: DueHint[] = [];
    const queue = { send: async (hints: readonly DueHint[]) => void sent.push(...hints) };
    const actions = [
      { key: 'k0', dueMs: 500, shard: 0 },
      { key: 'k7', dueMs: 30_000, shard: 7 },
      { key: 'later', dueMs: 61_001, shard: 7 },
    ];
    const due = async ({ shard, byMs }: { shard: number; byMs: number }) =>
      actions.filter((action) => action.shard === shard && action.dueMs <= byMs);
    expect(await queueDue({ store: { due, dueShards: 8 }, queue, clock: fixedClock(1000) }, 100)).toBe(2);
    // Each hint arrives when its action is due, so that turns are kept to the second.
    expect(sent).toEqual([
      { key: 'k0', delayMs: 0 },
      { key: 'k7', delayMs: 29_000 },
    ]);
    const none = { store: { due: async () => [], dueShards: 8 }, clock: fixedClock(1) };
    const refuse = { send: () => Promise.reject(new Error('asked')) };
    expect(await queueDue({ ...none, queue: refuse }, 100)).toBe(0);
  });

  it('does all of its work where one piece fails, and fails then itself', async () => {
    const done: string[] = [];
    const work = {
      first: () => Promise.reject(new Error('no table')),
      async second() {
        await new Promise((resolve) => setImmediate(resolve));
        done.push('second');
      },
    };
    await expect(eachOf(silentLog, work)).rejects.toThrow('no table');
    expect(done).toEqual(['second']);
  });

  it.each([
    ['before 80 % of its life', 799, false],
    ['at 80 % of its life', 800, true],
  ])('%s a token is renewed as it should be', async (_when, nowMs, due) => {
    const current = { token: 'x', version: 3, issuedAtMs: 0, expiresAtMs: 1000 };
    const record: TokenRecord = { ...emptyTokenRecord('hubspot-oauth'), current, version: 3 };
    const seen: number[] = [];
    const invoker = {
      refresh: async ({ seenVersion }: { seenVersion: number }) => {
        seen.push(seenVersion);
        return { kind: 'version', version: seenVersion + 1 } as const;
      },
    };
    const { systems } = shippedConfig();
    const renewed = Object.entries(systems).filter(
      ([, { auth }]) => 'refresh' in auth && ['ttl', 'both'].includes(auth.refresh),
    );
    const expected = due ? renewed.map(([name]) => name) : [];
    expect(renewed.map(([name]) => name)).toContain('hubspot-oauth');
    const tokens = { get: async () => record };
    expect(await refreshAhead({ systems, tokens, invoker, clock: fixedClock(nowMs) })).toEqual(expected);
    expect(seen).toEqual(expected.map(() => 3));
  });
});

describe('the worker of due actions', () => {
  const work = (get: (key: string) => Promise<null>) => {
    const kernel = testKernel({ attempt: () => Promise.reject(new Error('nothing is sent')) });
    const store = { ...kernel.store, get };
    const parts = { config: shippedConfig(), kernel: { ...kernel, store }, log: silentLog, operations: () => null };
    return dueWorker(parts as unknown as WorkDeps);
  };
  const messages = (...bodies: readonly string[]) => bodies.map((body, i) => ({ messageId: `m${i}`, body }));

  it('gives back what names no action, so that it ends as a dead letter and not in silence', async () => {
    const told = await work(async () => null)(messages('{"key":"k"}', 'not JSON', '{"key":""}', '{}'), 60_000);
    expect(told.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)).toEqual(['m1', 'm2', 'm3']);
  });

  it('gives back only the action whose store did not answer', async () => {
    const get = (key: string) => (key === 'bad' ? Promise.reject(new Error('no table')) : Promise.resolve(null));
    const told = await work(get)(messages('{"key":"bad"}', '{"key":"good"}'), 60_000);
    expect(told.batchItemFailures).toEqual([{ itemIdentifier: 'm0' }]);
  });
});
