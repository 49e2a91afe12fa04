import { describe, expect, it, vi } from 'vitest';
import { execute } from '../../shared/action/execute.ts';
import { recordSize } from '../../shared/action/record-codec.ts';
import { refusedByPolicy } from '../../shared/action/refused.ts';
import { type Attempt, NotSentError } from '../../shared/action/types.ts';
import { actionId } from '../../shared/model/ids.ts';
import type { WriteVerdict } from '../../shared/model/operation.ts';
import { testClock, testIdentity, testKernel, testRequest } from '../kit/kernel.ts';
import { applied, counted, lost, rate, scripted } from '../kit/scripted-attempts.ts';

describe('a first claim', () => {
  it('is applied by two conditional writes and no read', async () => {
    const { deps } = scripted();
    const count = counted(deps);
    expect((await execute(deps, testRequest())).outcome.kind).toBe('applied');
    expect(count()).toEqual({ writes: 2, reads: 0 });
  });

  it('leaves a record below one kilobyte that carries the hash of the stored answer', async () => {
    const { deps } = scripted();
    const { outcome, answer, answerStored } = await execute(deps, testRequest());
    const record = await deps.store.get(testIdentity().key);
    expect(answerStored).toBe(true);
    expect(record && recordSize(record)).toBeLessThan(1024);
    expect(outcome.record).toEqual(record);
    expect(await deps.payloads.get(record?.answerHash ?? '')).toEqual(answer);
  });

  it('stays below one kilobyte with a 600-byte intent, a large result and a talkative vendor', async () => {
    const input = { id: '501', properties: { note: 'x'.repeat(560) } };
    const large = scripted({ ...applied, data: { text: 'y'.repeat(5000) } });
    await execute(large.deps, testRequest({ call: { operation: 'o', system: 'hubspot', input } }));
    const error = { class: 'business', code: 'VALIDATION_ERROR', message: 'ü'.repeat(300) } as const;
    const talkative = scripted({ kind: 'not_applied', error });
    await execute(talkative.deps, testRequest());
    for (const { deps } of [large, talkative]) {
      const record = await deps.store.get(testIdentity().key);
      expect(record && recordSize(record)).toBeLessThan(1024);
    }
  });

  it('sends the frozen intent, also where that is an object', async () => {
    const input = { text: 'z'.repeat(3000) };
    const { deps, attempt } = scripted();
    await execute(deps, testRequest({ call: { operation: 'o', system: 'hubspot', input } }));
    expect(attempt.mock.calls[0]?.[0].call.input).toEqual(input);
  });
});

describe('a replay', () => {
  it('costs one failed conditional write and repeats the result', async () => {
    const { deps, attempt } = scripted();
    await execute(deps, testRequest());
    const count = counted(deps);
    const { outcome } = await execute(deps, testRequest());
    expect(outcome).toMatchObject({ kind: 'replayed', result: { id: '501' }, differs: false });
    expect(count()).toEqual({ writes: 1, reads: 0 });
    expect(attempt).toHaveBeenCalledTimes(1);
  });

  it('says that it differs where the wording was another', async () => {
    const { deps } = scripted();
    await execute(deps, testRequest());
    const identity = testIdentity({ input: { deal_id: '501', stage: 'contractsent', reason: 'another reason' } });
    expect((await execute(deps, testRequest({ identity }))).outcome).toMatchObject({ kind: 'replayed', differs: true });
  });

  it('becomes a new generation once the window is over, by three writes', async () => {
    const { deps, clock, attempt } = scripted();
    await execute(deps, testRequest());
    clock.advance(86_400_000 + 1002);
    const count = counted(deps);
    const { outcome } = await execute(deps, testRequest({ deadlineMs: clock.now() + 20_000 }));
    expect(outcome).toMatchObject({ kind: 'applied', record: { gen: 2, epoch: 1_000_001 } });
    expect(count()).toEqual({ writes: 3, reads: 0 });
    expect(attempt.mock.calls[1]?.[0].providerKey).toBe(actionId(testIdentity().key, 2));
  });
});

describe('again', () => {
  it('starts exactly the next generation by two writes and no read', async () => {
    const { deps } = scripted();
    await execute(deps, testRequest());
    const count = counted(deps);
    const { outcome } = await execute(deps, testRequest({ again: 1 }));
    expect(outcome).toMatchObject({ kind: 'applied', record: { gen: 2 } });
    expect(count()).toEqual({ writes: 2, reads: 0 });
  });

  it('is a replay once that generation exists', async () => {
    const { deps, attempt } = scripted();
    await execute(deps, testRequest());
    await execute(deps, testRequest({ again: 1 }));
    expect((await execute(deps, testRequest({ again: 1 }))).outcome.kind).toBe('replayed');
    expect(attempt).toHaveBeenCalledTimes(2);
  });

  it.each([
    { again: 1, againAllowed: false, code: 'again_not_allowed' },
    { again: 7, againAllowed: true, code: 'again_not_matching' },
  ])('is refused with $code', async ({ again, againAllowed, code }) => {
    const { deps, attempt } = scripted();
    await execute(deps, testRequest());
    expect((await execute(deps, testRequest({ again, againAllowed }))).outcome).toMatchObject({
      kind: 'refused',
      code,
    });
    expect(attempt).toHaveBeenCalledTimes(1);
  });

  it('follows a failed action whatever policy says of succeeded ones', async () => {
    const error = { class: 'business', code: 'NO', message: 'no' } as const;
    const { deps } = scripted({ kind: 'not_applied', error });
    await execute(deps, testRequest());
    expect((await execute(deps, testRequest({ again: 1, againAllowed: false }))).outcome.kind).toBe('applied');
  });

  it('starts nothing while the action is open', async () => {
    const { deps, attempt } = scripted(lost);
    await execute(deps, testRequest());
    expect((await execute(deps, testRequest({ again: 1 }))).outcome.kind).toBe('unknown');
    expect(attempt).toHaveBeenCalledTimes(1);
  });
});

describe('an attempt', () => {
  it('that throws is unknown', async () => {
    const { deps } = scripted(new Error('socket hang up'));
    expect((await execute(deps, testRequest())).outcome.kind).toBe('unknown');
  });

  it('that was declared not sent is queued', async () => {
    const { deps } = scripted(new NotSentError({ class: 'transient', code: 'connect_failed', message: '' }));
    expect((await execute(deps, testRequest())).outcome.kind).toBe('queued');
  });

  it('may not write once it has returned', async () => {
    let mayWrite = () => true;
    const deps = testKernel({
      attempt: async (input) => {
        mayWrite = input.mayWrite;
        return applied;
      },
    });
    await execute(deps, testRequest());
    expect(mayWrite()).toBe(false);
  });

  it('may not write once its lease is nearly over', async () => {
    const clock = testClock();
    const seen: boolean[] = [];
    const attempt: Attempt = async ({ mayWrite }) => {
      clock.advance(29_001);
      seen.push(mayWrite());
      return lost;
    };
    await execute(testKernel({ clock, attempt }), testRequest({ deadlineMs: clock.now() + 900_000 }));
    expect(seen).toEqual([false]);
  });

  it('of another caller sends the frozen intent by three writes', async () => {
    const { deps, attempt, clock } = scripted(rate);
    await execute(deps, testRequest());
    clock.advance(900_000);
    const count = counted(deps);
    const call = { operation: 'hubspot.deals.update', system: 'hubspot', input: { other: 'words' } };
    const { outcome } = await execute(deps, testRequest({ call, deadlineMs: clock.now() + 20_000 }));
    expect(outcome.kind).toBe('applied');
    expect(count()).toEqual({ writes: 3, reads: 0 });
    expect(attempt.mock.calls[1]?.[0].call.input).toEqual(testRequest().call.input);
  });

  it('fails where the target changed while it waited', async () => {
    const { deps, clock, attempt } = scripted(rate);
    await execute(deps, testRequest());
    clock.advance(900_000);
    const { outcome } = await execute(
      deps,
      testRequest({ before: { dealstage: 'lost' }, deadlineMs: clock.now() + 20_000 }),
    );
    expect(outcome).toMatchObject({ kind: 'failed', failure: { code: 'target_changed' } });
    expect(attempt).toHaveBeenCalledTimes(1);
  });
});

describe('infrastructure', () => {
  it('that loses the response of our claim does not stop us', async () => {
    const { deps, attempt } = scripted();
    const write = deps.store.write;
    vi.spyOn(deps.store, 'write').mockImplementationOnce(async (next, guard) => {
      await write(next, guard);
      return write(next, guard);
    });
    expect((await execute(deps, testRequest())).outcome.kind).toBe('applied');
    expect(attempt).toHaveBeenCalledTimes(1);
  });

  it('that loses the response of our verdict does not change the answer', async () => {
    const { deps } = scripted();
    const write = deps.store.write;
    let calls = 0;
    vi.spyOn(deps.store, 'write').mockImplementation(async (next, guard) => {
      calls += 1;
      if (calls === 2) await write(next, guard);
      return write(next, guard);
    });
    expect((await execute(deps, testRequest())).outcome.kind).toBe('applied');
  });

  it('that fails at our verdict makes the answer unknown, never a success', async () => {
    const { deps } = scripted();
    const write = deps.store.write;
    vi.spyOn(deps.store, 'write').mockImplementationOnce(write).mockRejectedValueOnce(new Error('throttled'));
    expect((await execute(deps, testRequest())).outcome.kind).toBe('unknown');
  });

  it('that cannot store the answer does not undo the effect', async () => {
    const { deps } = scripted();
    const broken = { ...deps, payloads: { ...deps.payloads, put: async () => Promise.reject(new Error('no bucket')) } };
    const executed = await execute(broken, testRequest());
    expect(executed).toMatchObject({ outcome: { kind: 'applied' }, answerStored: false });
  });
});

describe('an Idempotency-Key', () => {
  it('that comes with another intent is refused and nothing is sent', async () => {
    const { deps, attempt } = scripted();
    const keyed = { occasion: 'caller', idempotencyKey: 'k-1' } as const;
    await execute(deps, testRequest({ identity: testIdentity(keyed) }));
    const other = testIdentity({ ...keyed, identifying: { stage: 'lost' } });
    const { outcome } = await execute(deps, testRequest({ identity: other }));
    expect(outcome).toMatchObject({ kind: 'refused', code: 'idempotency_key_reused' });
    expect(attempt).toHaveBeenCalledTimes(1);
  });
});

describe('a refusal by policy', () => {
  const refusal = { code: 'permission_denied', detail: 'no' } as const;

  it('is the answer where nothing stands under the key', async () => {
    const { deps } = scripted();
    const { outcome } = await refusedByPolicy(deps, testIdentity(), null, refusal);
    expect(outcome).toMatchObject({ kind: 'refused', code: 'permission_denied' });
  });

  it('does not hide what was done before', async () => {
    const { deps } = scripted();
    await execute(deps, testRequest());
    expect((await refusedByPolicy(deps, testIdentity(), null, refusal)).outcome.kind).toBe('replayed');
  });
});

describe('losers of a race', () => {
  it('wait for the winner and repeat its outcome', async () => {
    let release: (verdict: WriteVerdict) => void = () => undefined;
    const clock = { now: () => 1_800_000_000_000, sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) };
    const attempt = vi.fn<Attempt>(
      () =>
        new Promise((resolve) => {
          release = resolve;
        }),
    );
    const deps = testKernel({ clock, attempt });
    const winner = execute(deps, testRequest());
    const loser = execute(deps, testRequest());
    await vi.waitFor(() => expect(attempt).toHaveBeenCalled());
    release(applied);
    expect((await winner).outcome.kind).toBe('applied');
    expect((await loser).outcome.kind).toBe('replayed');
    expect(attempt).toHaveBeenCalledTimes(1);
  });

  it('answer in_progress when their time is over', async () => {
    const attempt: Attempt = () => new Promise(() => undefined);
    const deps = testKernel({ attempt });
    void execute(deps, testRequest());
    const { outcome } = await execute(deps, testRequest());
    expect(outcome).toMatchObject({ kind: 'in_progress' });
  });
});
