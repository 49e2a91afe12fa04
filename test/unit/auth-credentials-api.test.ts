import { describe, expect, it } from 'vitest';
import { emptyTokenRecord } from '../../shared/auth/token-record.ts';
import { type AuthConfig, systemSchema } from '../../shared/config/schema.ts';
import { askCredential } from '../../shared/connectors/credential-question.ts';
import type { CredentialFacts } from '../../shared/connectors/manifest.ts';
import { loadConnector } from '../../shared/connectors/registry.ts';
import type { SendResult } from '../../shared/connectors/sender.ts';
import { operatorWorld } from '../kit/operator-world.ts';

const facts: CredentialFacts = { actsAs: 'bot-1', holder: 'service', scopes: ['read', 'write'], expiresAtMs: null };

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
