import { describe, expect, it } from 'vitest';
import { askEveryMs, checkCredentials, type HealthDeps } from '../../shared/auth/health.ts';
import { emptyTokenRecord } from '../../shared/auth/token-record.ts';
import { type AuthConfig, systemSchema } from '../../shared/config/schema.ts';
import { askCredential, type CredentialAnswer } from '../../shared/connectors/credential-question.ts';
import type { CredentialFacts } from '../../shared/connectors/manifest.ts';
import { loadConnector } from '../../shared/connectors/registry.ts';
import type { SendResult } from '../../shared/connectors/sender.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { memoryCaseStore } from '../kit/memory-case-store.ts';
import { memoryCredentialStore } from '../kit/memory-token-store.ts';
import { operatorWorld } from '../kit/operator-world.ts';
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

describe('asking a system who its credential is', () => {
  const config = systemSchema.parse({
    connector: 'hubspot',
    owner: 'revops',
    account: { portalId: 4711, is: 'sandbox' },
    apiVersion: '2026-09',
    auth: { grant: 'bearer', secret: 's' },
    scopes: ['a'],
    limits: [{ calls: 1, per: 'second' }],
  });
  const answer = (status: number, body: unknown): SendResult => ({
    kind: 'answer',
    answer: { status, headers: {}, bodyText: JSON.stringify(body) },
    fetchedAtMs: 0,
  });
  const account = answer(200, { portalId: 4711, accountType: 'SANDBOX' });
  async function ask(
    given: {
      first?: SendResult;
      second?: SendResult;
      auth?: object;
      held?: Awaited<ReturnType<Parameters<typeof askCredential>[0]['credentials']['authorize']>>;
    } = {},
  ) {
    const paths: string[] = [];
    const loaded = await loadConnector('hubspot');
    const credential = {
      request: ({ token }: { token: string }) => ({ method: 'GET' as const, path: `/who/${token}` }),
      judge: () => facts,
    };
    const load = async () => ({ manifest: { ...loaded.manifest, credential } });
    const told = await askCredential(
      {
        systems: { crm: { ...config, ...(given.auth ? { auth: given.auth as AuthConfig } : {}) } },
        loadConnector: load,
        credentials: {
          authorize: async () => given.held ?? { headers: { authorization: 'Bearer tok' }, version: 1 },
        },
        send: async ({ spec, purpose }) => {
          paths.push(`${purpose} ${spec.path}`);
          return (paths.length === 1 ? given.first : given.second) ?? account;
        },
        clock: { now: () => 0, sleep: async () => {} },
        productionStage: false,
      },
      'crm',
    );
    return { told, paths };
  }

  it('asks for the account first, then for the credential, only by reads', async () => {
    const { told: heard, paths } = await ask();
    expect(heard).toEqual({ kind: 'told', account: 'same', facts, requiredScopes: ['a'] });
    expect(paths.map((path) => path.replace(/^read .*account.*/, 'read account'))).toEqual([
      'read account',
      'read /who/tok',
    ]);
  });

  it('knows another account, and one that is production in a stage that is not', async () => {
    const other = await ask({ first: answer(200, { portalId: 1, accountType: 'SANDBOX' }) });
    const production = await ask({ first: answer(200, { portalId: 4711, accountType: 'STANDARD' }) });
    expect([other.told, production.told]).toMatchObject([{ account: 'other' }, { account: 'other' }]);
  });

  it('tells a refusal from a system that does not answer, and nothing of what it said', async () => {
    const refused = await ask({ first: answer(401, { category: 'INVALID_AUTHENTICATION', message: 'key pat-1' }) });
    const down = await ask({ second: answer(503, {}) });
    const error = { class: 'transient', code: 'connect_failed', message: 'm' } as const;
    const unreached = await ask({ first: { kind: 'not_sent', error } });
    expect([refused.told, down.told.kind, unreached.told]).toEqual([
      { kind: 'refused', code: 'credential_refused' },
      'unanswered',
      { kind: 'unanswered', code: 'connect_failed' },
    ]);
  });

  it('calls a static key that is not there refused; a token that is not there has its own case', async () => {
    const held = { unavailable: true, code: 'secret_missing' } as const;
    const oauth = { grant: 'jwt_bearer', secret: 's', refresh: 'ttl' };
    const broken = await ask({ held: { unavailable: true, code: 'invalid_grant' }, auth: oauth });
    expect([(await ask({ held })).told, broken.told]).toEqual([
      { kind: 'refused', code: 'secret_missing' },
      { kind: 'unanswered', code: 'invalid_grant' },
    ]);
  });
});

describe('GET /v1/credentials', () => {
  it('shows each system: who, what it may do, how old, and why it is red', async () => {
    const w = operatorWorld();
    await w.credentials.put({
      system: 'hubspot',
      askedAtMs: w.clock.now(),
      answeredAtMs: w.clock.now(),
      failure: null,
      account: 'same',
      facts: { ...facts, scopes: ['read', 'admin'], holder: 'person' },
      requiredScopes: ['read', 'write'],
      keySinceMs: w.clock.now() - 5000,
      reasons: ['held_by_person', 'scope_missing', 'scope_surplus'],
    });
    const { status, body } = await w.ask(w.as('vera'), 'GET', '/v1/credentials');
    expect([status, body.credentials]).toMatchObject([
      200,
      [
        {
          system: 'hubspot',
          owner: 'revops',
          grant: 'bearer',
          verdict: 'red',
          reasons: [{ code: 'held_by_person' }, { code: 'scope_missing' }, { code: 'scope_surplus' }],
          acts_as: 'bot-1',
          holder: 'person',
          account: 'same',
          scopes: { granted: ['read', 'admin'], required: ['read', 'write'], missing: ['write'], surplus: ['admin'] },
          age_seconds: 5,
        },
      ],
    ]);
  });

  it('shows of a renewed token its documented and observed life, its age, its last refresh and its last failure', async () => {
    const w = operatorWorld();
    const now = w.clock.now();
    const hubspot = w.deps.config.systems.hubspot;
    if (hubspot === undefined) throw new Error('no system');
    const auth = { grant: 'jwt_bearer', secret: 's', audience: 'https://a.example', refresh: 'ttl' } as const;
    const config = {
      ...w.deps.config,
      systems: { hubspot: { ...hubspot, auth: { ...auth, tokenLifetime: 7_200_000 } } },
    };
    Object.assign(w.deps, { config });
    await w.tokens.write(
      {
        system: 'hubspot',
        current: { token: 'very-secret', version: 3, issuedAtMs: now - 60_000, expiresAtMs: now + 60_000 },
        version: 3,
        secretVersionId: 'v1',
        lease: null,
        health: 'broken',
        lastRefreshAtMs: now - 60_000,
        lastFailure: { atMs: now, code: 'invalid_grant' },
        observedLifetimeMs: 600_000,
        epoch: 1,
      },
      0,
    );
    const { body } = await w.ask(w.as('vera'), 'GET', '/v1/credentials');
    expect(body.credentials).toMatchObject([
      {
        verdict: 'red',
        reasons: [{ code: 'invalid_grant' }],
        documented_lifetime_seconds: 7200,
        observed_lifetime_seconds: 600,
        age_seconds: 60,
        last_refresh_at: new Date(now - 60_000).toISOString(),
        last_failure: { code: 'invalid_grant', at: new Date(now).toISOString() },
      },
    ]);
    expect(JSON.stringify(body)).not.toContain('very-secret');
  });

  it('is red where no refresh has brought a token for a quarter of an hour', async () => {
    const w = operatorWorld();
    const failing = (sinceMs: number) => ({
      ...emptyTokenRecord('hubspot'),
      failingSinceMs: w.clock.now() - sinceMs,
      lastFailure: { atMs: w.clock.now(), code: 'token_endpoint_503' },
    });
    const verdict = async () => (await w.ask(w.as('vera'), 'GET', '/v1/credentials')).body.credentials[0];
    await w.tokens.write({ ...failing(899_999), epoch: 1 }, 0);
    expect(await verdict()).toMatchObject({ verdict: 'unknown', reasons: [] });
    await w.tokens.write({ ...failing(900_000), epoch: 2 }, 1);
    expect(await verdict()).toMatchObject({ verdict: 'red', reasons: [{ code: 'token_endpoint_503' }] });
  });

  it('does not call green what was never asked', async () => {
    const w = operatorWorld();
    const { body } = await w.ask(w.as('vera'), 'GET', '/v1/credentials');
    expect(body.credentials).toMatchObject([{ verdict: 'unknown', reasons: [] }]);
  });
});
