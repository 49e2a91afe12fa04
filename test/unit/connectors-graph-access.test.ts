import { afterEach, describe, expect, it } from 'vitest';
import type { GraphOptions, GraphSimulator } from '../../infra/local/systems/graph/start.ts';
import { refresh } from '../../shared/auth/refresh.ts';
import { tokenEndpoint } from '../../shared/auth/token-endpoint.ts';
import { createCredentialSource } from '../../shared/auth/token-source.ts';
import { graph } from '../../shared/connectors/graph/calls.ts';
import { manifest } from '../../shared/connectors/graph/manifest.ts';
import { operationById } from '../../shared/connectors/graph/operations.ts';
import { loadConnector } from '../../shared/connectors/registry.ts';
import { makeSender } from '../../shared/connectors/send.ts';
import { tokenPlaces } from '../../shared/connectors/token-place.ts';
import { httpClient } from '../../shared/http/client.ts';
import { systemClock, systemRandom } from '../../shared/model/clock.ts';
import type { PlannedCall } from '../../shared/model/operation.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { breakerGuard } from '../../shared/resilience/breaker-guard.ts';
import { rateLimiter } from '../../shared/resilience/rate-limit.ts';
import { annaId, apiVersion, callGraph, graphConfig, startTestGraph } from '../kit/graph-simulator.ts';
import { memoryCaseStore } from '../kit/memory-case-store.ts';
import { memoryResilienceStore } from '../kit/memory-resilience-store.ts';
import { memorySecretStore } from '../kit/memory-secret-store.ts';
import { memoryTokenStore } from '../kit/memory-token-store.ts';

const clock = systemClock;
const http = httpClient({ clock, local: true });
const tenantId = '11111111-2222-4333-8444-555555555555';
const scope = 'https://graph.microsoft.com/.default';
let simulator: GraphSimulator;
afterEach(() => simulator.close());

/** The real sender with client credentials that the simulated tenant accepts. */
async function house(options: Partial<GraphOptions> = {}) {
  simulator = await startTestGraph({ staticTokens: [], ...options });
  const [tokens, secrets, cases] = [memoryTokenStore(), memorySecretStore(), memoryCaseStore()];
  secrets.set('grant', JSON.stringify({ client_id: 'local-app', client_secret: 'local-app-secret' }), 'v1');
  const way = { grant: 'client_credentials', scope, clientAuth: 'body' } as const;
  const auth = {
    ...{ ...way, secret: 'grant', tokenUrl: `/${tenantId}/oauth2/v2.0/token`, tokenLifetime: 3_599_000 },
    refresh: 'both',
  } as const;
  const endpointOf = async () => ({ origin: simulator.url, path: auth.tokenUrl });
  const { explain } = tokenPlaces({ systems: { graph: graphConfig }, loadConnector });
  const refresher = {
    systems: { graph: { ...auth, way, owner: 'revops', tokenLifetimeMs: auth.tokenLifetime } },
    ...{ tokens, secrets, cases, post: tokenEndpoint({ http, endpointOf }), originOf: async () => simulator.url },
    ...{ clock, random: systemRandom, log: silentLog, explain },
  };
  const credentials = createCredentialSource({
    systems: { graph: { auth } },
    ...{ secrets, tokens, clock, log: silentLog },
    invoker: { refresh: (input) => refresh(refresher as never, input) },
  });
  const store = memoryResilienceStore();
  const send = makeSender({
    systems: { graph: { ...graphConfig, auth } },
    ...{ loadConnector, credentials, http, clock, log: silentLog, productionStage: false },
    breakers: breakerGuard({ store, clock, owner: 'test' }),
    rates: rateLimiter({ store, clock }),
    localOrigins: { graph: simulator.url },
  });
  const call = (planned: PlannedCall) => {
    const operation = operationById(planned.operation);
    if (!operation) throw new Error(planned.operation);
    const spec = operation.request({ apiVersion, providerKey: 'act_k_1' }, planned.input);
    return send({ system: 'graph', spec, purpose: operation.kind, deadlineMs: clock.now() + 5000 });
  };
  return { call, cases };
}

const create = graph.messages.create(annaId, { subject: 'A', toRecipients: ['a@b.example'] });
type Sent = Awaited<ReturnType<Awaited<ReturnType<typeof house>>['call']>>;
const status = (result: Sent) => (result.kind === 'answer' ? result.answer.status : result.error.code);
const asked = () =>
  simulator.effects.requests().map(({ method, path, status: said }) => `${method} ${path.split('/').at(-1)} ${said}`);

describe('a write to Microsoft 365 over the house', () => {
  it('goes to the configured tenant only after that said which one it is and what it is licensed for', async () => {
    const { call } = await house();
    expect([status(await call(create)), asked()]).toEqual([
      201,
      ['POST token 200', 'GET organization 200', 'GET subscribedSkus 200', 'POST messages 201'],
    ]);
  });

  it.each([
    ['another tenant', { licences: ['DEVELOPERPACK_E5'], tenantId: '99999999-2222-4333-8444-555555555555' }],
    ['a tenant with licences for work', { licences: ['SPE_E3'] }],
    ['a developer tenant that somebody also works in', { licences: ['DEVELOPERPACK_E5', 'O365_BUSINESS_ESSENTIALS'] }],
    ['a tenant without mailboxes', { licences: [] }],
  ])('goes nowhere where it is %s', async (_what, options: Partial<GraphOptions>) => {
    const { call } = await house(options);
    // The token endpoint of the configured tenant knows no other one.
    const refused = options.tenantId === undefined ? 'account_mismatch' : 'AADSTS90002';
    expect([status(await call(create)), simulator.effects.effects()]).toEqual([refused, []]);
  });

  it('is sent once more after a token that ended, with a new one, and once only', async () => {
    const { call } = await house();
    await call(create);
    simulator.oauth.expireAll();
    const before = asked().length;
    expect(status(await call(graph.messages.list(annaId)))).toBe(200);
    expect(asked().slice(before)).toEqual(['GET messages 401', 'POST token 200', 'GET messages 200']);
    simulator.tenant.knobs.rejectsTokens = true;
    const refused = asked().length;
    expect(status(await call(graph.messages.list(annaId)))).toBe(401);
    expect(asked().slice(refused)).toEqual(['GET messages 401', 'POST token 200', 'GET messages 401']);
  });

  it('is refused with one case for its owner where the secret of the application has expired', async () => {
    const { call, cases } = await house();
    simulator.tenant.knobs.secretExpired = true;
    const results = [status(await call(create)), status(await call(create))];
    expect([results.every((code) => code !== 201), simulator.effects.effects()]).toEqual([true, []]);
    const open = (await cases.list({ state: 'OPEN', cursor: null })).cases;
    expect(JSON.stringify(open)).not.toContain('local-app-secret');
    expect(open[0]?.detail).toMatch(/^The client secret has expired.*Create a new client secret/);
    expect(open).toMatchObject([{ owner: 'revops', reason: 'refresh_failed', facts: { code: 'AADSTS7000222' } }]);
  });
});

describe('the credential', () => {
  const judge = async (token?: string) => {
    const spec = manifest.credential?.request({ apiVersion, token: token ?? '' });
    const answer = await callGraph(simulator, 'GET', spec?.path ?? '', undefined, { authorization: `Bearer ${token}` });
    return manifest.credential?.judge({ status: answer.status, headers: {}, bodyText: answer.text }, token);
  };
  const tokenOf = async () => {
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: 'local-app',
      client_secret: 'local-app-secret',
      scope,
    });
    const answer = await fetch(`${simulator.url}/${tenantId}/oauth2/v2.0/token`, { method: 'POST', body: form });
    return ((await answer.json()) as { access_token: string }).access_token;
  };
  const signed = (claims: object) => `x.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.y`;

  it('is who its token says, with the roles that it holds', async () => {
    await house({ app: { roles: ['Organization.Read.All', 'Mail.Send'] } });
    expect(await judge(await tokenOf())).toMatchObject({
      ...{ actsAs: 'local-app', holder: 'service', scopes: ['Organization.Read.All', 'Mail.Send'] },
      expiresAtMs: expect.any(Number),
    });
    expect(await judge('no-token-of-this-tenant')).toBeNull();
  });

  it('is a person where it has delegated scopes, and nobody where it cannot be read or is of another tenant', async () => {
    await house();
    const answer = { status: 200, headers: {}, bodyText: JSON.stringify({ value: [{ id: tenantId }] }) };
    const claims = { tid: tenantId, oid: 'o1', scp: 'Mail.Read User.Read', idtyp: 'user', exp: 9 };
    expect(manifest.credential?.judge(answer, signed(claims))).toEqual({
      ...{ actsAs: 'o1', holder: 'person', scopes: ['Mail.Read', 'User.Read'], expiresAtMs: 9000 },
    });
    const unknown = { actsAs: null, holder: 'unknown', scopes: null, expiresAtMs: null };
    for (const token of ['opaque', signed({ ...claims, tid: 'another' }), 'a.!!!.c']) {
      expect(manifest.credential?.judge(answer, token)).toEqual(unknown);
    }
  });
});

it.each([
  ['Mail.ReadWrite', create, 'ErrorAccessDenied'],
  [
    'Calendars.ReadWrite',
    graph.events.list(annaId, { from: '2030-01-01T00:00:00Z', to: '2030-01-02T00:00:00Z' }),
    'ErrorAccessDenied',
  ],
  ['User.Read.All', graph.users.list(), 'Authorization_RequestDenied'],
])('without %s what needs it is refused as a missing permission', async (role, planned, code) => {
  const roles = ['Organization.Read.All', 'User.Read.All', 'Mail.ReadWrite', 'Mail.Send', 'Calendars.ReadWrite'];
  const { call } = await house({ app: { roles: roles.filter((one) => one !== role) } });
  const sent = await call(planned);
  const operation = operationById(planned.operation);
  const verdict = sent.kind === 'answer' ? operation?.judge(sent.answer, planned.input) : null;
  expect(verdict).toMatchObject({ error: { class: 'permission', code } });
});
