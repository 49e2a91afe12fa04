import { beforeEach, describe, expect, it } from 'vitest';
import { authenticateAgent, authenticateIam, issueKey, type KeyCache } from '../../shared/auth/api-keys.ts';
import { systemRandom } from '../../shared/model/clock.ts';
import { changeControl, makeControlGate } from '../../shared/policy/control.ts';
import { testNowMs } from '../kit/action-records.ts';
import { fixedClock } from '../kit/fixed-clock.ts';
import { memoryApiKeyStore } from '../kit/memory-api-key-store.ts';
import { memoryControlStore } from '../kit/memory-control-store.ts';

const day = 86_400_000;

function world() {
  const clock = fixedClock(testNowMs);
  const [keys, control] = [memoryApiKeyStore(), memoryControlStore()];
  const gate = makeControlGate({ store: control, clock });
  const cache: KeyCache = new Map();
  const agents = { 'sales-assistant': { iam: [] }, 'support-assistant': { iam: [] } };
  const deps = { keys, control: gate.current, clock, cache, agents, random: systemRandom };
  const issue = async (agent = 'sales-assistant', lifeMs = day) => {
    const issued = await issueKey(deps, { agent, lifeMs });
    if (issued.kind !== 'issued') throw new Error('no key');
    return issued;
  };
  const who = (key: string) => authenticateAgent(deps, { authorization: `Bearer ${key}` });
  const revoke = (keyId: string) =>
    changeControl(control, clock.now(), (item) => ({
      ...item,
      keysRevoked: { ...item.keysRevoked, [keyId]: { by: 'person:a', atMs: 1, reason: 'lost', untilMs: null } },
    }));
  return { clock, keys, control, deps, issue, who, revoke };
}

describe('API keys of agents', () => {
  let w: ReturnType<typeof world>;

  beforeEach(() => {
    w = world();
  });

  it('name their agent', async () => {
    const { key, keyId } = await w.issue();
    expect(await w.who(key)).toEqual({ kind: 'agent', id: 'sales-assistant', via: 'api_key', keyId });
  });

  it('carry 256 bits of secret, of which only the hash is stored', async () => {
    const { key, keyId } = await w.issue();
    const secret = key.split('_').at(-1) ?? '';
    expect([secret.length, JSON.stringify(await w.keys.get(keyId)).includes(secret)]).toEqual([52, false]);
  });

  it('with another secret are nobody', async () => {
    const { key } = await w.issue();
    expect(await w.who(`${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`)).toBeNull();
  });

  it('with the secret of another key are nobody', async () => {
    const [one, other] = [await w.issue(), await w.issue('support-assistant')];
    expect(await w.who(`pl_${one.keyId}_${other.key.split('_').at(-1)}`)).toBeNull();
  });

  it.each(['', 'Bearer', 'Basic abc', 'Bearer pl_', 'Bearer pl_key_1_2', 'Bearer eyJ.a.b'])(
    'of the wrong form are nobody and cost no read: %s',
    async (authorization) => {
      const found = await authenticateAgent(w.deps, { authorization });
      expect([found, w.keys.reads()]).toEqual([null, 0]);
    },
  );

  it('end at their expiry, also in a warm process', async () => {
    const { key } = await w.issue('sales-assistant', 1000);
    await w.who(key);
    w.clock.advance(1000);
    expect(await w.who(key)).toBeNull();
  });

  it('that are revoked fail within 5 s in a warm process', async () => {
    const { key, keyId } = await w.issue();
    await w.who(key);
    await w.revoke(keyId);
    w.clock.advance(5000);
    expect(await w.who(key)).toBeNull();
  });

  it('of an agent that is no longer configured are nobody', async () => {
    const { key } = await w.issue('retired-assistant');
    expect(await w.who(key)).toBeNull();
  });

  it('of an agent named like a built-in property are nobody', async () => {
    const { key } = await w.issue('constructor');
    expect(await w.who(key)).toBeNull();
  });

  it('are refused as a fault where the control item is missing', async () => {
    const { key } = await w.issue();
    const deps = { ...w.deps, control: async () => null };
    await expect(authenticateAgent(deps, { authorization: `Bearer ${key}` })).rejects.toMatchObject({
      code: 'switched_off',
    });
  });

  it('are read once in 3 s', async () => {
    const { key } = await w.issue();
    for (let i = 0; i < 5; i += 1) await w.who(key);
    const first = w.keys.reads();
    w.clock.advance(3000);
    await w.who(key);
    expect([first, w.keys.reads()]).toEqual([1, 2]);
  });

  it('are at most two live ones an agent', async () => {
    const live = [(await w.issue()).keyId, (await w.issue()).keyId];
    expect(await issueKey(w.deps, { agent: 'sales-assistant', lifeMs: day })).toEqual({ kind: 'full', live });
  });

  it('make room for another when one is revoked', async () => {
    const first = await w.issue();
    await w.issue();
    await w.revoke(first.keyId);
    w.clock.advance(5000);
    expect((await issueKey(w.deps, { agent: 'sales-assistant', lifeMs: day })).kind).toBe('issued');
  });

  it('issued by several people at once are still at most two', async () => {
    const all = await Promise.all(
      Array.from({ length: 4 }, () => issueKey(w.deps, { agent: 'sales-assistant', lifeMs: day })),
    );
    expect(all.filter(({ kind }) => kind === 'issued')).toHaveLength(2);
  });

  it('live at most a year', async () => {
    const { expiresAtMs } = await w.issue('sales-assistant', 10_000 * day);
    expect(expiresAtMs - testNowMs).toBe(366 * day);
  });
});

describe('IAM callers', () => {
  const role = 'arn:aws:iam::123456789012:role/app/agents/sales';
  const agents = { 'sales-assistant': { iam: [role] }, 'support-assistant': { iam: [] } };
  const session = 'arn:aws:sts::123456789012:assumed-role/sales/session-1';

  it('are the agent that lists their role, whatever the session is called', () => {
    expect(authenticateIam(agents, session)).toEqual({ kind: 'agent', id: 'sales-assistant', via: 'iam' });
  });

  it.each([
    undefined,
    'arn:aws:sts::999999999999:assumed-role/sales/session-1',
    'arn:aws:sts::123456789012:assumed-role/sales2/session-1',
    'arn:aws:iam::123456789012:user/sales',
    'arn:aws:iam::123456789012:root',
  ])('of another role or account are nobody: %s', (arn) => {
    expect(authenticateIam(agents, arn)).toBeNull();
  });

  it('whose role two agents list are nobody', () => {
    expect(authenticateIam({ a: { iam: [role] }, b: { iam: [role] } }, session)).toBeNull();
  });
});
