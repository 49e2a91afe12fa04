import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { SalesforceOptions, SalesforceSimulator } from '../../infra/local/systems/salesforce/start.ts';
import { refresh } from '../../shared/auth/refresh.ts';
import { tokenEndpoint } from '../../shared/auth/token-endpoint.ts';
import { createCredentialSource } from '../../shared/auth/token-source.ts';
import { loadConnector } from '../../shared/connectors/registry.ts';
import { salesforce } from '../../shared/connectors/salesforce/calls.ts';
import { operationById } from '../../shared/connectors/salesforce/operations.ts';
import { makeSender } from '../../shared/connectors/send.ts';
import { httpClient } from '../../shared/http/client.ts';
import { systemClock, systemRandom } from '../../shared/model/clock.ts';
import type { PlannedCall } from '../../shared/model/operation.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { breakerGuard } from '../../shared/resilience/breaker-guard.ts';
import { rateLimiter } from '../../shared/resilience/rate-limit.ts';
import { memoryCaseStore } from '../kit/memory-case-store.ts';
import { memoryResilienceStore } from '../kit/memory-resilience-store.ts';
import { memorySecretStore } from '../kit/memory-secret-store.ts';
import { memoryTokenStore } from '../kit/memory-token-store.ts';
import { apiVersion, salesforceConfig, startTestSalesforce } from '../kit/salesforce-simulator.ts';

const clock = systemClock;
const http = httpClient({ clock, local: true });
let simulator: SalesforceSimulator;
afterEach(() => simulator.close());

const common = {
  secret: 'grant',
  tokenUrl: '/services/oauth2/token',
  tokenLifetime: 7_200_000,
  refresh: 'on401',
} as const;
const client = { client_id: 'local-app', client_secret: 'local-app-secret' };
const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = (key: KeyObject) =>
  key.export({ type: key.type === 'private' ? 'pkcs8' : 'spki', format: 'pem' }).toString();

/** The ways to authenticate that Salesforce has, with what their secret holds. */
const grants = {
  refresh_token: {
    auth: { grant: 'refresh_token', ...common },
    secret: { ...client, refresh_token: 'local-refresh-token-1' },
  },
  client_credentials: { auth: { grant: 'client_credentials', clientAuth: 'body', ...common }, secret: client },
  'client_credentials as Basic': {
    auth: { grant: 'client_credentials', clientAuth: 'basic', ...common },
    secret: client,
  },
  jwt_bearer: {
    auth: { grant: 'jwt_bearer', audience: 'https://test.salesforce.com', ...common },
    secret: { client_id: 'local-app', subject: 'service@example.com', private_key: pem(keys.privateKey) },
  },
} as const;

/** The real sender with a grant that the simulated organization accepts; its sessions end unsaid. */
async function house(options: Partial<SalesforceOptions> = {}, grant: keyof typeof grants = 'refresh_token') {
  const app = { jwtPublicKey: pem(keys.publicKey), ...options.app };
  simulator = await startTestSalesforce({ staticTokens: [], ...options, app });
  const { auth, secret } = grants[grant];
  const [tokens, secrets] = [memoryTokenStore(), memorySecretStore()];
  secrets.set('grant', JSON.stringify(secret), 'v1');
  const endpointOf = async () => ({ origin: simulator.url, path: auth.tokenUrl });
  const post = tokenEndpoint({ http, endpointOf });
  const systems = { salesforce: { ...auth, owner: 'revops', tokenLifetimeMs: auth.tokenLifetime } };
  const refresher = {
    systems,
    tokens,
    secrets,
    cases: memoryCaseStore(),
    post,
    originOf: async () => simulator.url,
    clock,
    random: systemRandom,
    log: silentLog,
  };
  const credentials = createCredentialSource({
    systems: { salesforce: { auth } },
    ...{ secrets, tokens, clock, log: silentLog },
    invoker: { refresh: (input) => refresh(refresher, input) },
  });
  const store = memoryResilienceStore();
  const send = makeSender({
    systems: { salesforce: { ...salesforceConfig, auth } },
    ...{ loadConnector, credentials, http, clock, log: silentLog, productionStage: false },
    breakers: breakerGuard({ store, clock, owner: 'test' }),
    rates: rateLimiter({ store, clock }),
    localOrigins: { salesforce: simulator.url },
  });
  return (call: PlannedCall) => {
    const operation = operationById(call.operation);
    if (!operation) throw new Error(call.operation);
    const spec = operation.request({ apiVersion, providerKey: 'act_k_1' }, call.input);
    return send({ system: 'salesforce', spec, purpose: operation.kind, deadlineMs: clock.now() + 5000 });
  };
}

const create = salesforce.accounts.create({ Name: 'A' });
const status = (result: Awaited<ReturnType<Awaited<ReturnType<typeof house>>>>) =>
  result.kind === 'answer' ? result.answer.status : result.error.code;
const asked = () =>
  simulator.effects.requests().map(({ method, path, status: said }) => `${method} ${path.split('/').at(-1)} ${said}`);

describe('a write to Salesforce over the house', () => {
  it('goes to the configured organization only after that said which one it is', async () => {
    const send = await house();
    expect([status(await send(create)), asked()]).toEqual([
      201,
      ['POST token 200', 'GET query 200', 'POST Account 201'],
    ]);
  });

  it.each([
    ['another organization', { organizationId: '00D000000000002EAA' }],
    ['a production organization', { isSandbox: false }],
  ])('goes nowhere where it is %s', async (_what, options) => {
    const send = await house(options);
    expect([status(await send(create)), simulator.effects.effects()]).toEqual(['account_mismatch', []]);
  });

  it('is sent once more after a session that ended, with a new one', async () => {
    const send = await house();
    await send(create);
    simulator.oauth.expireAll();
    const before = asked().length;
    expect(status(await send(salesforce.contacts.create({ LastName: 'A' })))).toBe(201);
    expect(asked().slice(before)).toEqual([
      ...['POST Contact 401', 'POST token 200'],
      // The new session is asked whose it is before anything is written with it.
      ...['GET query 200', 'POST Contact 201'],
    ]);
  });

  it.each(Object.keys(grants) as (keyof typeof grants)[])(
    'gets its sessions by %s, one after the other',
    async (grant) => {
      const send = await house({}, grant);
      for (let n = 0; n < 3; n += 1) {
        expect(status(await send(salesforce.accounts.create({ Name: `A${n}` })))).not.toBe(401);
        simulator.oauth.expireAll();
      }
      expect(simulator.oauth.counters()).toEqual({ issued: 3, refused: 0 });
    },
  );

  it('is not sent again where every session is refused, and asks for no third one', async () => {
    const send = await house();
    await send(create);
    simulator.org.knobs.rejectsSessions = true;
    const before = asked().length;
    expect(status(await send(salesforce.contacts.create({ LastName: 'A' })))).toBe('account_unanswered');
    expect(asked().slice(before)).toEqual([
      ...['POST Contact 401', 'POST token 200'],
      ...['GET query 401', 'POST token 200', 'GET query 401'],
    ]);
  });

  it('follows no instance that a token answer names: a token for another host is not used at all', async () => {
    const elsewhere = await startTestSalesforce();
    const send = await house();
    simulator.org.knobs.instanceUrl = elsewhere.url;
    expect(status(await send(create))).toBe('token_for_other_origin');
    expect([elsewhere.effects.requests(), simulator.effects.effects()]).toEqual([[], []]);
    await elsewhere.close();
  });

  it('keeps to the refresh token that came last where they rotate', async () => {
    const send = await house({ app: { rotates: true } });
    for (let n = 0; n < 3; n += 1) {
      expect(status(await send(salesforce.contacts.create({ LastName: `A${n}`, HubSpot_Id__c: `${n}` })))).not.toBe(
        401,
      );
      simulator.oauth.expireAll();
    }
    expect(simulator.oauth.counters()).toEqual({ issued: 3, refused: 0 });
  });
});

describe('a query of Salesforce over the house', () => {
  it('reads every record once, page by page', async () => {
    const send = await house({ seeded: true, batchSize: 150 });
    const ids: string[] = [];
    let call: PlannedCall = salesforce.contacts.query();
    for (let pages = 0; pages < 20; pages += 1) {
      const result = await send(call);
      const operation = operationById(call.operation);
      const verdict =
        result.kind === 'answer' && operation?.kind === 'read' ? operation.judge(result.answer, call.input) : null;
      if (verdict?.kind !== 'ok') throw new Error(JSON.stringify(verdict));
      const { results, after } = verdict.data as { results: { id: string }[]; after: string | null };
      ids.push(...results.map(({ id }) => id));
      if (after === null) break;
      call = salesforce.contacts.next(after);
    }
    expect([ids.length, new Set(ids).size]).toEqual([simulator.org.rows.Contact.size, simulator.org.rows.Contact.size]);
  });
});
