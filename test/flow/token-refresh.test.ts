import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { HubSpotSimulator } from '../../infra/local/systems/hubspot/start.ts';
import { type RefreshDeps, refresh } from '../../shared/auth/refresh.ts';
import { tokenEndpoint } from '../../shared/auth/token-endpoint.ts';
import { createCredentialSource } from '../../shared/auth/token-source.ts';
import { dynamoTokenStore } from '../../shared/aws/token-store.ts';
import { type HttpClient, httpClient } from '../../shared/http/client.ts';
import { systemClock as clock, systemRandom as random } from '../../shared/model/clock.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { startDynamo, type TestDynamo } from '../kit/dynamo.ts';
import { memoryCaseStore } from '../kit/memory-case-store.ts';
import { memorySecretStore } from '../kit/memory-secret-store.ts';
import { callHubSpot, startTestHubSpot } from '../kit/simulator.ts';

const grant = { client_id: 'local-app', client_secret: 'local-app-secret', refresh_token: 'local-refresh-token-1' };

describe('tokens of a simulated HubSpot account, over DynamoDB and HTTP', () => {
  let dynamo: TestDynamo;
  let hubspot: HubSpotSimulator;
  let http: HttpClient;
  let deps: RefreshDeps;
  let cases: ReturnType<typeof memoryCaseStore>;
  let count = 0;
  let system = '';

  beforeAll(async () => {
    dynamo = await startDynamo();
    http = httpClient({ clock, local: true });
  });
  afterAll(async () => {
    http.close();
    await dynamo.stop();
  });
  beforeEach(async () => {
    hubspot = await startTestHubSpot();
    count += 1;
    system = `hubspot-${count}`;
    const secrets = memorySecretStore();
    secrets.set('grant', JSON.stringify(grant), 'v1');
    cases = memoryCaseStore();
    const settings = { grant: 'refresh_token', owner: 'revops', secret: 'grant', tokenLifetimeMs: 1_800_000 } as const;
    const tokens = dynamoTokenStore(dynamo.client, dynamo.names.state);
    const originOf = async () => hubspot.url;
    const endpointOf = async () => ({ origin: hubspot.url, path: '/oauth/v3/token' });
    const post = tokenEndpoint({ http, endpointOf });
    deps = { systems: { [system]: settings }, tokens, secrets, cases, post, originOf, clock, random, log: silentLog };
  });
  afterEach(() => hubspot.close());

  /** One process: its own store instances and memory. */
  const process = () => {
    const tokens = dynamoTokenStore(dynamo.client, dynamo.names.state);
    const invoker = {
      refresh: (input: { system: string; seenVersion: number }) => refresh({ ...deps, tokens }, input),
    };
    const systems = { [system]: { auth: { grant: 'refresh_token', refresh: 'ttl' } } } as const;
    return createCredentialSource({ systems, secrets: deps.secrets, tokens, invoker, clock, log: silentLog });
  };
  const callWith = async (source: ReturnType<typeof process>) => {
    const held = await source.authorize(system);
    if (!('headers' in held)) throw new Error(held.code);
    const { status } = await callHubSpot(hubspot, 'GET', '/crm/objects/2026-09/contacts', undefined, held.headers);
    return { status, version: held.version };
  };

  it('are obtained by one request for eight processes that start at once', async () => {
    const calls = await Promise.all(Array.from({ length: 8 }, () => callWith(process())));
    expect([calls.map((call) => call.status), hubspot.oauth.counters()]).toEqual([
      Array.from({ length: 8 }, () => 200),
      { refreshes: 1, refused: 0, reuses: 0 },
    ]);
  });

  it('are replaced by one request when all of them end while twelve callers use them', async () => {
    const sources = [process(), process(), process()];
    await Promise.all(sources.map(callWith));
    await callHubSpot(hubspot, 'POST', '/_admin/expire-tokens');
    const callers = Array.from({ length: 12 }, async (_, index) => {
      const source = sources[index % 3] as ReturnType<typeof process>;
      const first = await callWith(source);
      if (first.status !== 401) return first.status;
      expect(await source.rejected(system, first.version)).toBe('refreshed');
      return (await callWith(source)).status;
    });
    expect(await Promise.all(callers)).toEqual(Array.from({ length: 12 }, () => 200));
    expect(hubspot.oauth.counters()).toEqual({ refreshes: 2, refused: 0, reuses: 0 });
  });

  it('end in one case, not in a second use, when the provider rotates and its answer is lost', async () => {
    hubspot.addFault({ kind: 'commit_then_lose_response', match: { path: '/oauth' } });
    const results = [];
    for (let tries = 0; tries < 3; tries += 1) results.push((await refresh(deps, { system, seenVersion: 0 })).kind);
    expect([results, cases.cases.length]).toEqual([['broken', 'broken', 'broken'], 1]);
    expect(hubspot.oauth.counters()).toEqual({ refreshes: 1, refused: 0, reuses: 0 });
  });

  it('are not asked for on a connection that cannot be made, and are there once it can', async () => {
    const { url } = hubspot;
    await hubspot.close();
    const down = await refresh(deps, { system, seenVersion: 0 });
    hubspot = await startTestHubSpot({ port: Number(new URL(url).port) });
    expect([down.kind, (await refresh(deps, { system, seenVersion: 0 })).kind]).toEqual(['busy', 'version']);
  });
});
