import { describe, expect, it } from 'vitest';
import { cancel, decide, reopen, settleByPerson } from '../../shared/action/decide.ts';
import { execute } from '../../shared/action/execute.ts';
import { resolve, workOn } from '../../shared/action/resolve.ts';
import { resume } from '../../shared/action/resume.ts';
import { actionId } from '../../shared/model/ids.ts';
import type { ProbeVerdict } from '../../shared/model/operation.ts';
import { testIdentity, testRequest } from '../kit/kernel.ts';
import { lost, rate, scripted } from '../kit/scripted-attempts.ts';

const decision = { by: 'person:anna', atMs: 1_800_000_000_000, reason: 'asked the customer' };
const go = async () => ({ kind: 'go' }) as const;

const resolving = (verdict: ProbeVerdict | null) => ({
  key: testIdentity().key,
  deadlineMs: Number.MAX_SAFE_INTEGER,
  recheck: go,
  probeFor: () => (verdict ? async () => verdict : null),
});

describe('a verdict whose write was not answered', () => {
  const losing = (landed: boolean) => {
    const { deps } = scripted();
    let writes = 0;
    const write: typeof deps.store.write = async (next, guard) => {
      writes += 1;
      if (writes !== 2) return deps.store.write(next, guard);
      if (landed) await deps.store.write(next, guard);
      throw new Error('no response');
    };
    return { ...deps, store: { ...deps.store, write, get: (key: string) => deps.store.get(key) } };
  };

  it('is the answer where it stands there all the same, as the ledger will say', async () => {
    expect(await execute(losing(true), testRequest())).toMatchObject({
      outcome: { kind: 'applied' },
      answeredBy: 'transition',
    });
  });

  it('is unknown where it does not', async () => {
    expect(await execute(losing(false), testRequest())).toMatchObject({
      outcome: { kind: 'unknown' },
      answeredBy: 'caller',
    });
  });
});

describe('a wait that a system asks for', () => {
  const longMs = 999_999_999_000;

  it('ends with the age of the action at the latest: then it has an owner and is not forgotten', async () => {
    const { deps, clock } = scripted({ ...rate, error: { ...rate.error, retryAfterMs: longMs } });
    await execute(deps, testRequest());
    const record = await deps.store.get(testIdentity().key);
    const endMs = (record?.createdAtMs ?? 0) + deps.limits.maxAgeMs + 1;
    expect(record).toMatchObject({ state: 'RETRYABLE', dueMs: endMs });
    clock.advance(endMs - clock.now());
    await workOn(deps, resolving(null));
    expect((await deps.store.get(testIdentity().key))?.state).toBe('FAILED');
  });

  it('does so too where it is told by looking again', async () => {
    const { deps, clock } = scripted(rate);
    await execute(deps, testRequest());
    clock.advance(20_000);
    const hold = async () => ({ kind: 'hold', untilMs: clock.now() + longMs }) as const;
    await workOn(deps, { ...resolving(null), recheck: hold });
    const record = await deps.store.get(testIdentity().key);
    expect(record).toMatchObject({ state: 'RETRYABLE', dueMs: (record?.createdAtMs ?? 0) + deps.limits.maxAgeMs + 1 });
  });
});

describe('an approval', () => {
  const permission = { kind: 'approval', rule: 'approvals[0]', by: 'leads', notAfterMs: 1_800_003_600_000 } as const;
  const id = actionId(testIdentity().key, 1);

  it('is waited for, given, and used once', async () => {
    const { deps, attempt } = scripted();
    expect((await execute(deps, testRequest({ permission }))).outcome.kind).toBe('pending_approval');
    expect(attempt).not.toHaveBeenCalled();
    await decide(deps, { actionId: id, decision, approve: true });
    expect((await execute(deps, testRequest({ permission }))).outcome.kind).toBe('applied');
    expect((await decide(deps, { actionId: id, decision, approve: true })).kind).toBe('stayed');
  });

  it('that comes too late expires', async () => {
    const { deps, clock } = scripted();
    await execute(deps, testRequest({ permission }));
    clock.advance(3_600_001);
    await decide(deps, { actionId: id, decision, approve: true });
    expect((await deps.store.get(testIdentity().key))?.state).toBe('EXPIRED');
  });

  it('does not count for another generation', async () => {
    const { deps } = scripted();
    await execute(deps, testRequest({ permission }));
    const other = await decide(deps, { actionId: actionId(testIdentity().key, 2), decision, approve: true });
    expect(other).toMatchObject({ kind: 'stayed', why: 'superseded' });
  });

  it('is asked anew once a refused action is reopened', async () => {
    const { deps, attempt } = scripted();
    await execute(deps, testRequest({ permission }));
    await decide(deps, { actionId: id, decision, approve: false });
    await reopen(deps, { actionId: id, decision, how: { kind: 'retry' } });
    expect((await execute(deps, testRequest({ permission }))).outcome.kind).toBe('pending_approval');
    expect(attempt).not.toHaveBeenCalled();
  });

  it('of a cancelled action opens nothing', async () => {
    const { deps } = scripted();
    await execute(deps, testRequest({ permission }));
    await cancel(deps, { actionId: id, decision });
    expect((await reopen(deps, { actionId: id, decision, how: { kind: 'retry' } })).kind).toBe('stayed');
    expect((await execute(deps, testRequest())).outcome).toMatchObject({ kind: 'refused', code: 'cancelled' });
  });
});

describe('an unknown outcome', () => {
  it('is found by read-back at once', async () => {
    const { deps, clock, attempt } = scripted(lost);
    await execute(deps, testRequest());
    clock.advance(2000);
    await resolve(deps, resolving({ kind: 'equal', data: { id: '501' }, records: [] }));
    expect((await execute(deps, testRequest())).outcome.kind).toBe('replayed');
    expect(attempt).toHaveBeenCalledTimes(1);
  });

  it('is attempted again only after absence was asked past the settle time', async () => {
    const { deps, clock, attempt } = scripted(lost);
    await execute(deps, testRequest());
    clock.advance(2000);
    await resolve(deps, resolving({ kind: 'absent' }));
    expect((await deps.store.get(testIdentity().key))?.state).toBe('UNKNOWN');
    clock.advance(61_000);
    await resolve(deps, resolving({ kind: 'absent' }));
    await workOn(deps, resolving(null));
    expect(attempt).toHaveBeenCalledTimes(2);
  });

  it('goes to a person where nothing can be proven, who may not deny it too early', async () => {
    const { deps, clock } = scripted(lost);
    await execute(deps, testRequest({ resend: { kind: 'none' } }));
    clock.advance(2000);
    await resolve(deps, resolving(null));
    const actionIdOf = actionId(testIdentity().key, 1);
    const early = await settleByPerson(deps, { actionId: actionIdOf, decision, finding: { kind: 'retry' } });
    expect(early).toMatchObject({ kind: 'stayed', why: 'too_early' });
    clock.advance(302_000);
    const late = await settleByPerson(deps, { actionId: actionIdOf, decision, finding: { kind: 'not_applied' } });
    expect(late).toMatchObject({ kind: 'moved', record: { state: 'FAILED' } });
  });

  it('is sent again under the same provider key, and a refusal then proves nothing', async () => {
    const { deps, clock, attempt } = scripted(lost, rate);
    await execute(
      deps,
      testRequest({ resend: { kind: 'key', windowMs: 82_800_000, settleMs: 60_000 }, requestDigest: 'd' }),
    );
    clock.advance(2000);
    const same = { ...deps, digest: () => 'd' };
    const resent = await resolve(same, resolving(null));
    expect(attempt.mock.calls[1]?.[0].providerKey).toBe(attempt.mock.calls[0]?.[0].providerKey);
    expect(resent).toMatchObject({ kind: 'moved', record: { state: 'UNKNOWN' } });
  });

  it('is never sent again once a deploy renders another request', async () => {
    const { deps, clock, attempt } = scripted(lost);
    await execute(deps, testRequest({ resend: { kind: 'key', windowMs: 82_800_000, settleMs: 60_000 } }));
    clock.advance(2000);
    await resolve(deps, resolving({ kind: 'inconclusive', error: rate.error }));
    expect(attempt).toHaveBeenCalledTimes(1);
  });
});

describe('a worker', () => {
  it('moves the due time of a held action and leaves it open', async () => {
    const { deps, clock, attempt } = scripted(rate);
    await execute(deps, testRequest());
    clock.advance(900_000);
    const recheck = async () => ({ kind: 'hold', untilMs: clock.now() + 60_000 }) as const;
    const held = await resume(deps, { key: testIdentity().key, deadlineMs: clock.now() + 20_000, recheck });
    expect(held).toMatchObject({ kind: 'moved', record: { state: 'RETRYABLE', dueMs: clock.now() + 60_000 } });
    expect(attempt).toHaveBeenCalledTimes(1);
  });

  it('fails an action whose attempts are used up', async () => {
    const { deps, clock } = scripted(rate, rate, rate, rate);
    await execute(deps, testRequest());
    for (let i = 0; i < 3; i += 1) {
      clock.advance(900_000);
      await resume(deps, { key: testIdentity().key, deadlineMs: clock.now() + 20_000, recheck: go });
    }
    expect((await deps.store.get(testIdentity().key))?.state).toBe('FAILED');
  });
});
