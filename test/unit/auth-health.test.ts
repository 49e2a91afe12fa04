import { describe, expect, it } from 'vitest';
import { askEveryMs, checkCredentials, type HealthDeps } from '../../shared/auth/health.ts';
import type { AuthConfig } from '../../shared/config/schema.ts';
import type { CredentialAnswer } from '../../shared/connectors/credential-question.ts';
import type { CredentialFacts } from '../../shared/connectors/manifest.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { memoryCaseStore } from '../kit/memory-case-store.ts';
import { memoryCredentialStore } from '../kit/memory-token-store.ts';
import { manualClock } from '../kit/simulator.ts';

const day = 86_400_000;
const facts: CredentialFacts = { actsAs: 'bot-1', holder: 'service', scopes: ['read', 'write'], expiresAtMs: null };
type Told = Extract<CredentialAnswer, { kind: 'told' }>;
const told = (more: Partial<CredentialFacts> = {}, rest: Partial<Told> = {}): CredentialAnswer => ({
  kind: 'told',
  account: 'same',
  facts: { ...facts, ...more },
  requiredScopes: ['read', 'write'],
  ...rest,
});

/** One system whose answers are given; `again` lets its turn come and asks. */
function set(auth: AuthConfig = { grant: 'bearer', secret: 's' }) {
  const clock = manualClock(Date.parse('2026-11-01T00:00:00Z'));
  const [cases, credentials] = [memoryCaseStore(), memoryCredentialStore()];
  const answers: (() => CredentialAnswer)[] = [];
  let asked = 0;
  const deps: HealthDeps = {
    systems: { crm: { auth, owner: 'revops' } },
    ask: async () => {
      asked += 1;
      return (answers[asked - 1] ?? (() => told()))();
    },
    keySince: async () => clock.now() - 100 * day,
    ...{ credentials, cases, clock, log: silentLog },
  };
  const again = async (answer: CredentialAnswer) => {
    answers[asked] = () => answer;
    clock.advance(askEveryMs);
    await checkCredentials(deps);
    return (await credentials.get('crm'))?.reasons;
  };
  const open = () => cases.cases.filter((one) => one.state === 'OPEN').map(({ reason, owner }) => `${reason} ${owner}`);
  return { clock, cases, credentials, deps, again, open, asked: () => asked };
}

describe('a credential that is asked about', () => {
  it('is asked about once in a quarter of an hour, and kept', async () => {
    const { deps, clock, credentials, asked } = set();
    await checkCredentials(deps);
    clock.advance(askEveryMs - 1);
    await checkCredentials(deps);
    expect([asked(), await credentials.get('crm')]).toMatchObject([1, { facts, account: 'same', reasons: [] }]);
    clock.advance(1);
    await checkCredentials(deps);
    expect(asked()).toBe(2);
  });

  it.each<[string, CredentialAnswer, string]>([
    ['the account of a person', told({ holder: 'person' }), 'held_by_person'],
    ['another account', told({}, { account: 'other' }), 'other_account'],
    ['a missing scope', told({ scopes: ['read'] }), 'scope_missing'],
    ['a surplus scope', told({ scopes: ['read', 'write', 'admin'] }), 'scope_surplus'],
    ['a refusal', { kind: 'refused', code: 'credential_refused' }, 'refused'],
    ['an end within two weeks', told({ expiresAtMs: Date.parse('2026-11-10T00:00:00Z') }), 'expires_soon'],
  ])('is red for %s: one case for the owner, settled when it is well again', async (_what, answer, reason) => {
    const { again, open, cases } = set();
    expect([await again(answer), await again(answer), open()]).toEqual([
      [reason],
      [reason],
      [`credential_${reason} revops`],
    ]);
    expect([await again(told()), open(), cases.cases.length]).toEqual([[], [], 1]);
  });

  it.each<[string, CredentialAnswer, readonly string[]]>([
    ['whose system does not tell scopes', told({ scopes: null }), []],
    ['for which no scope is required', told({ scopes: ['all'] }, { requiredScopes: [] }), []],
    ['that ends in two weeks', told({ expiresAtMs: Date.parse('2026-11-15T00:15:00Z') }), []],
    ['whose system tells nothing of it', told({}, { facts: null }), []],
  ])('is green %s', async (_what, answer, reasons) => {
    expect(await set().again(answer)).toEqual(reasons);
  });

  it('is red with every reason at once, each with a case of its own', async () => {
    const { again, open } = set();
    await again(told({ holder: 'person', scopes: ['read', 'admin'] }));
    expect(open()).toEqual(
      ['held_by_person', 'scope_missing', 'scope_surplus'].map((one) => `credential_${one} revops`),
    );
  });

  it.each([
    ['bot-1', []],
    ['bot-2', ['other_identity']],
  ])('is red where it acts as somebody else than configured: %s', async (actsAs, reasons) => {
    expect(await set({ grant: 'bearer', secret: 's', actsAs }).again(told())).toEqual(reasons);
  });

  it('is red where the system cannot confirm the configured identity', async () => {
    const auth = { grant: 'bearer', secret: 's', actsAs: 'bot-1' } as const;
    expect(await set(auth).again(told({ actsAs: null }))).toEqual(['other_identity']);
  });

  it('is red ahead of the configured end of a client secret; the end of an access token does not count', async () => {
    const common = { grant: 'client_credentials', clientAuth: 'body', secret: 's', refresh: 'ttl' } as const;
    const soon = set({ ...common, tokenLifetime: 3_600_000, expiresAt: '2026-11-14' });
    const later = set({ ...common, tokenLifetime: 3_600_000 });
    const hour = told({ expiresAtMs: Date.parse('2026-11-01T01:00:00Z') });
    expect([await soon.again(hour), await later.again(hour)]).toEqual([['expires_soon'], []]);
  });

  it('keeps what is known, and its cases, where the system does not answer', async () => {
    const { again, open, credentials } = set();
    await again(told({ holder: 'person' }));
    expect(await again({ kind: 'unanswered', code: 'connect_failed' })).toEqual(['held_by_person']);
    expect([open().length, await credentials.get('crm')]).toMatchObject([1, { failure: 'connect_failed', facts: {} }]);
  });

  it('stays refused where the system does not answer afterwards', async () => {
    const { again } = set();
    await again({ kind: 'refused', code: 'credential_refused' });
    expect(await again({ kind: 'unanswered', code: 'deadline' })).toEqual(['refused']);
  });

  it('opens the case before the answer is kept, so that a crash in between forgets nothing', async () => {
    const { deps, open } = set();
    const broken = { ...deps.credentials, put: () => Promise.reject(new Error('killed')) };
    const ask = async () => told({ holder: 'person' });
    await expect(checkCredentials({ ...deps, ask, credentials: broken })).rejects.toThrow('killed');
    await checkCredentials({ ...deps, ask });
    expect(open()).toEqual(['credential_held_by_person revops']);
  });

  it('does not keep others from being asked where its system fails', async () => {
    const { deps, credentials } = set();
    const systems = { bad: { auth: deps.systems.crm?.auth as AuthConfig, owner: 'a' }, ...deps.systems };
    const ask = async (system: string) => {
      if (system === 'bad') throw new Error('bad');
      return told();
    };
    await expect(checkCredentials({ ...deps, systems, ask })).rejects.toThrow('bad');
    expect(await credentials.get('crm')).toMatchObject({ account: 'same' });
  });
});
