import { describe, expect, it, vi } from 'vitest';
import { execute } from '../../shared/action/execute.ts';
import { executeMany, workMany } from '../../shared/action/many.ts';
import type { ResolveInput } from '../../shared/action/resolve.ts';
import { NotSentError } from '../../shared/action/types.ts';
import type { ResendClass } from '../../shared/model/operation.ts';
import { kindsOf, nthRequest, together } from '../kit/batching.ts';
import { testClock } from '../kit/kernel.ts';
import { applied, counted, lost, rate } from '../kit/scripted-attempts.ts';

const some = (count: number, from = 0) => Array.from({ length: count }, (_, n) => nthRequest(from + n));
const keyOf = (n: number) => nthRequest(n).identity.key;
const byKey: ResendClass = { kind: 'key', windowMs: 82_800_000, settleMs: 60_000 };

function due(numbers: readonly number[], over: Partial<ResolveInput> = {}): ResolveInput[] {
  const recheck = async () => ({ kind: 'go' }) as const;
  const deadlineMs = Number.MAX_SAFE_INTEGER;
  return numbers.map((n) => ({ key: keyOf(n), deadlineMs, recheck, probeFor: () => null, ...over }));
}

describe('many effects at once', () => {
  it('share ceil(n / maxItems) requests and cost each two writes and no read', async () => {
    const { deps, send, attempt } = together({ maxItems: 10 });
    const counts = counted(deps);
    expect(await kindsOf(executeMany(deps, some(25)))).toEqual(Array(25).fill('applied'));
    expect(send.mock.calls.map(([{ items }]) => items.length)).toEqual([10, 10, 5]);
    expect(attempt).not.toHaveBeenCalled();
    expect(counts()).toEqual({ writes: 50, reads: 0 });
  });

  it('are each told apart', async () => {
    const { deps, send } = together();
    const refused = { kind: 'not_applied', error: { class: 'business', code: 'BAD', message: '' } } as const;
    send.mockResolvedValueOnce([applied, refused, lost, rate]);
    expect(await kindsOf(executeMany(deps, some(4)))).toEqual(['applied', 'failed', 'unknown', 'queued']);
  });

  it('leave out what another one holds, and do not wait for it', async () => {
    const clock = { now: () => 1_800_000_000_000, sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) };
    const { deps, send, attempt } = together({ clock });
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    attempt.mockImplementationOnce(async () => {
      await held;
      return applied;
    });
    const winner = execute(deps, nthRequest(1));
    const many = executeMany(deps, some(3));
    await vi.waitFor(() => expect(send).toHaveBeenCalledTimes(1));
    expect(send.mock.calls[0]?.[0].items.map(({ record }) => record.key)).toEqual([keyOf(0), keyOf(2)]);
    release();
    expect((await winner).outcome.kind).toBe('applied');
    expect(await kindsOf(many)).toEqual(['applied', 'replayed', 'applied']);
  });

  it('hold one of a kind only once', async () => {
    const { deps, send, attempt } = together();
    expect((await kindsOf(executeMany(deps, [nthRequest(0), nthRequest(0), nthRequest(1)]))).toSorted()).toEqual([
      'applied',
      'applied',
      'replayed',
    ]);
    expect(send.mock.calls.map(([{ items }]) => items.length)).toEqual([2]);
    expect(attempt).not.toHaveBeenCalled();
  });

  it('go on where one cannot be claimed', async () => {
    const { deps, send } = together();
    const { write } = deps.store;
    vi.spyOn(deps.store, 'write').mockImplementation(async (next, guard) => {
      if (next.key === keyOf(1)) throw new Error('no table');
      return write(next, guard);
    });
    expect(await kindsOf(executeMany(deps, some(3)))).toEqual(['applied', 'fault', 'applied']);
    expect(send.mock.calls[0]?.[0].items).toHaveLength(2);
  });

  it.each<[string, () => Promise<never> | Promise<readonly (typeof applied)[]>, string]>([
    ['where the request ends without an answer', () => Promise.reject(new Error('reset')), 'unknown'],
    ['where it is not judged for each', () => Promise.resolve([applied]), 'unknown'],
    ['where nothing was sent', () => Promise.reject(new NotSentError(rate.error)), 'queued'],
  ])('are all of one outcome %s', async (_name, sending, outcome) => {
    const { deps, send } = together();
    send.mockImplementationOnce(sending);
    expect(await kindsOf(executeMany(deps, some(3)))).toEqual(Array(3).fill(outcome));
  });

  it('may be written only while each of them has a live lease', async () => {
    const clock = testClock();
    const { deps, send } = together({ clock });
    const asked: boolean[] = [];
    send.mockImplementationOnce(async ({ items, mayWrite }) => {
      asked.push(mayWrite());
      clock.advance(6000);
      asked.push(mayWrite(), items[0]?.mayWrite() ?? false, items[1]?.mayWrite() ?? false);
      return items.map(() => lost);
    });
    const deadlineMs = clock.now() + 5000;
    await executeMany(deps, [nthRequest(0), nthRequest(1, { deadlineMs })]);
    expect(asked).toEqual([true, false, true, false]);
    expect(send.mock.calls[0]?.[0].deadlineMs).toBe(deadlineMs);
  });

  it('leave out what has no time left', async () => {
    const { deps, send, attempt } = together();
    const late = nthRequest(1, { deadlineMs: deps.clock.now() });
    expect(await kindsOf(executeMany(deps, [nthRequest(0), late, nthRequest(2)]))).toEqual([
      'applied',
      'queued',
      'applied',
    ]);
    expect(send.mock.calls[0]?.[0].items).toHaveLength(2);
    expect(attempt).not.toHaveBeenCalled();
  });

  it('leave out what lost its time while it waited for the others', async () => {
    const clock = testClock();
    const { deps, send } = together({ clock });
    const { write } = deps.store;
    vi.spyOn(deps.store, 'write').mockImplementation(async (next, guard) => {
      await new Promise((resolve) => setImmediate(resolve));
      if (next.key === keyOf(2) && next.state === 'STARTED') clock.advance(6000);
      return write(next, guard);
    });
    const hasty = nthRequest(0, { deadlineMs: clock.now() + 5000 });
    expect(await kindsOf(executeMany(deps, [hasty, nthRequest(1), nthRequest(2)]))).toEqual([
      'queued',
      'applied',
      'applied',
    ]);
    expect(send.mock.calls[0]?.[0].items).toHaveLength(2);
  });

  it('of which one is left go alone', async () => {
    const { deps, send, attempt } = together();
    await execute(deps, nthRequest(0));
    expect(await kindsOf(executeMany(deps, some(2)))).toEqual(['replayed', 'applied']);
    expect([send.mock.calls.length, attempt.mock.calls.length]).toEqual([0, 2]);
  });

  it('are read back and never sent again by a key that covers the request', async () => {
    const { deps, send } = together({ oneKey: true });
    await executeMany(deps, [nthRequest(0, { resend: byKey }), nthRequest(1, { resend: byKey })]);
    const claimed = send.mock.calls.flatMap(([{ items }]) => items.map(({ record }) => record.resend));
    expect(claimed).toEqual(Array(2).fill({ kind: 'probe', settleMs: 60_000 }));
    const single = together();
    await execute(single.deps, nthRequest(0, { resend: byKey }));
    expect((await single.deps.store.get(keyOf(0)))?.resend).toEqual(byKey);
  });
});

describe('many due actions', () => {
  /** Actions that were held back once, and are due now. */
  async function queued(count: number, given: Parameters<typeof together>[0] = {}) {
    const clock = testClock();
    const world = together({ clock, ...given });
    world.send.mockImplementationOnce(async ({ items }) => items.map(() => rate));
    await executeMany(world.deps, some(count));
    clock.advance(10_000);
    world.send.mockClear();
    return { ...world, clock };
  }

  it('share a request', async () => {
    const { deps, send } = await queued(3);
    const worked = await workMany(deps, due([0, 1, 2]));
    expect(worked.map((one) => one.status === 'fulfilled' && one.value.record?.state)).toEqual(
      Array(3).fill('SUCCEEDED'),
    );
    expect(send.mock.calls.map(([{ items }]) => items.length)).toEqual([3]);
  });

  it('are asked of policy one by one, and a no holds up nobody', async () => {
    const { deps, send } = await queued(3);
    const failure = { code: 'permission_denied', category: 'permission', retryable: false, detail: '' } as const;
    const recheck: ResolveInput['recheck'] = async ({ record }) =>
      record.key === keyOf(1) ? { kind: 'refuse', failure } : { kind: 'go' };
    const worked = await workMany(deps, due([0, 1, 2], { recheck }));
    expect(worked.map((one) => one.status === 'fulfilled' && one.value.record?.state)).toEqual([
      'SUCCEEDED',
      'REJECTED',
      'SUCCEEDED',
    ]);
    expect(send.mock.calls[0]?.[0].items).toHaveLength(2);
  });

  it("go on where today's code cannot render one of them", async () => {
    const { deps, send } = await queued(3);
    let asked = 0;
    const digest: typeof deps.digest = (call) => {
      asked += 1;
      if (asked === 2) throw new Error('no such operation');
      return deps.digest(call);
    };
    const worked = await workMany({ ...deps, digest }, due([0, 1, 2]));
    expect(worked.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(send.mock.calls[0]?.[0].items).toHaveLength(2);
  });

  it('of two workers are sent once', async () => {
    const { deps, send, attempt } = await queued(4);
    await Promise.all([workMany(deps, due([0, 1, 2])), workMany(deps, due([2, 1, 3]))]);
    const sent = [...send.mock.calls.flatMap(([{ items }]) => items), ...attempt.mock.calls.map(([one]) => one)];
    expect(sent.map(({ record }) => record.key).toSorted()).toEqual([0, 1, 2, 3].map(keyOf).toSorted());
  });

  it('are weakened by a shared key with a later attempt too', async () => {
    const { deps, attempt, send, clock } = await queued(2, { oneKey: true });
    attempt.mockResolvedValueOnce(rate);
    await execute(deps, nthRequest(5, { resend: byKey }));
    clock.advance(10_000);
    await workMany(deps, due([0, 5]));
    const claimed = send.mock.calls.flatMap(([{ items }]) => items.map(({ record }) => record.resend.kind));
    expect(claimed).toEqual(['probe', 'probe']);
  });

  it('go on while another one is read back', async () => {
    const { deps, clock } = await queued(2);
    await execute({ ...deps, attempt: async () => lost }, nthRequest(2));
    clock.advance(10_000);
    let answered = () => {};
    const probe = () =>
      new Promise<{ kind: 'equal'; data: null; records: [] }>((resolve) => {
        answered = () => resolve({ kind: 'equal', data: null, records: [] });
      });
    const worked = workMany(deps, due([0, 1, 2], { probeFor: () => probe }));
    await vi.waitFor(async () => expect((await deps.store.get(keyOf(0)))?.state).toBe('SUCCEEDED'));
    answered();
    await worked;
    expect((await deps.store.get(keyOf(2)))?.state).toBe('SUCCEEDED');
  });

  it('leave alone what is sent again under its own key', async () => {
    const { deps, send, clock, attempt } = await queued(2);
    attempt.mockResolvedValueOnce(lost);
    const { call } = nthRequest(5);
    await execute(deps, nthRequest(5, { resend: byKey, requestDigest: deps.digest(call) }));
    clock.advance(10_000);
    await workMany(deps, due([0, 5, 1]));
    expect(send.mock.calls.map(([{ items }]) => items.length)).toEqual([2]);
    expect(attempt.mock.calls.map(([{ record }]) => record.key)).toEqual([keyOf(5), keyOf(5)]);
  });
});
