import { generateKeyPairSync } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { type ConnectDeps, connectSystem } from '../../infra/connect/connect-system.ts';
import { identityOf } from '../../infra/connect/identity.ts';
import { readValue } from '../../infra/connect/read-value.ts';
import { questionsOf, shapedSecret } from '../../infra/connect/secret-form.ts';
import type { HubSpotSimulator } from '../../infra/local/systems/hubspot/start.ts';
import { refreshSystems } from '../../shared/auth/refresh-systems.ts';
import { tokenEndpoint } from '../../shared/auth/token-endpoint.ts';
import { type AuthConfig, systemSchema } from '../../shared/config/schema.ts';
import { httpClient } from '../../shared/http/client.ts';
import { systemClock as clock, systemRandom as random } from '../../shared/model/clock.ts';
import { memorySecretStore } from '../kit/memory-secret-store.ts';
import { startTestHubSpot } from '../kit/simulator.ts';

const configOf = (auth: object, account: object = { portalId: 4711, is: 'sandbox' }) =>
  systemSchema.parse({
    connector: 'hubspot',
    owner: 'revops',
    account,
    apiVersion: '2026-09',
    auth: { secret: 'plumbline/test/crm', ...auth },
    limits: [{ calls: 1, per: 'second' }],
  });
const authOf = (auth: object): AuthConfig => configOf(auth).auth;
const pem = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();

describe('the shape of a credential', () => {
  const oauth = { tokenLifetime: '1h' };
  const jwt = { grant: 'jwt_bearer', audience: 'https://a.example', ...oauth };
  const json = (value: object) => JSON.stringify(value);

  it.each<[object, string]>([
    [{ grant: 'bearer' }, ' pat-x\n'],
    [{ grant: 'api_key', header: 'Authorization', prefix: 'token ' }, 'key:secret'],
    [{ grant: 'basic' }, 'user:pass word'],
    [{ grant: 'hmac', header: 'X-S', signed: '{body}' }, 'any key'],
    [{ grant: 'client_credentials', ...oauth }, json({ client_id: 'a', client_secret: 'b' })],
    [{ grant: 'refresh_token', ...oauth }, json({ client_id: 'a', client_secret: 'b', refresh_token: 'c' })],
    [jwt, json({ client_id: 'a', subject: 'b', private_key: pem })],
  ])('is right for %j', (auth, value) => {
    expect(shapedSecret(authOf(auth), value)).toEqual({ kind: 'ok', value: value.trim() });
  });

  it.each<[object, string]>([
    [{ grant: 'bearer' }, ''],
    [{ grant: 'bearer' }, 'Bearer s3cret'],
    [{ grant: 'basic' }, 's3cret'],
    [{ grant: 'hmac', header: 'X-S', signed: '{body}' }, pem],
    [{ grant: 'client_credentials', ...oauth }, 's3cret'],
    [{ grant: 'refresh_token', ...oauth }, json({ client_id: 'a', client_secret: 's3cret' })],
    [jwt, json({ client_id: 'a', subject: 'b', private_key: 's3cret' })],
  ])('is refused for %j, and never repeated', (auth, value) => {
    const shaped = shapedSecret(authOf(auth), value);
    expect([shaped.kind, JSON.stringify(shaped).includes('s3cret')]).toEqual(['wrong', false]);
  });
});

describe('what a person gives', () => {
  it('is all that is piped in', async () => {
    const input = Readable.from(['first ', 'second\n']);
    const questions = questionsOf(authOf({ grant: 'bearer' }), false);
    expect(await readValue({ input, output: new PassThrough() }, questions)).toBe('first second');
  });

  it('is asked for part by part at a terminal, and a secret is not echoed', async () => {
    const [input, output] = [Object.assign(new PassThrough(), { isTTY: true }), new PassThrough()];
    let seen = '';
    output.on('data', (chunk: Buffer) => {
      const text = chunk.toString();
      seen += text;
      if (text.startsWith('Client id')) input.write('app-1\n');
      if (text.startsWith('Client secret')) input.write('very-secret\n');
    });
    const questions = questionsOf(authOf({ grant: 'client_credentials', tokenLifetime: '1h' }), false);
    const value = await readValue({ input, output }, questions);
    expect(JSON.parse(value)).toEqual({ client_id: 'app-1', client_secret: 'very-secret' });
    expect(seen).toMatch(/Client id.*Client secret \(not shown\)/s);
    expect(seen).not.toContain('very-secret');
  });

  it('is refused where it is too long to be a credential', async () => {
    const input = Readable.from(['x'.repeat(70_000)]);
    await expect(readValue({ input, output: new PassThrough() }, [])).rejects.toThrow('too long');
  });
});

describe('connecting a system', () => {
  let hubspot: HubSpotSimulator | null = null;
  afterEach(async () => {
    await hubspot?.close();
    hubspot = null;
  });

  const client = { client_id: 'local-app', client_secret: 'local-app-secret' };
  const redirectUri = 'http://127.0.0.1:8917/callback';

  /** A person who connects a system to a simulated account. `lines` is all that they see. */
  async function person(input: {
    auth: object;
    account?: object;
    types?: string;
    stored?: string;
    consents?: boolean;
    renew?: boolean;
    /** A scope that the account has taken away. */
    without?: string;
  }) {
    hubspot = await startTestHubSpot();
    if (input.without !== undefined) hubspot.oauth.removeScope(input.without);
    const { url } = hubspot;
    const config = configOf(input.auth, input.account);
    const secrets = memorySecretStore();
    if (input.stored !== undefined) secrets.set('plumbline/test/crm', input.stored, 'v1');
    const http = httpClient({ clock, local: true });
    const lines: string[] = [];
    const deps: ConnectDeps = {
      ...{ secrets, clock, random, print: (line) => void lines.push(line) },
      post: tokenEndpoint({ http, endpointOf: async () => ({ origin: url, path: '/oauth/v3/token' }) }),
      originOf: async () => url,
      store: async ({ name, value, versionId }) => {
        const known = await secrets.get(name);
        secrets.set(name, value, versionId);
        return known === null ? 'created' : 'replaced';
      },
      read: async () => input.types ?? '',
      async consent({ authorizeUrl, clientId }) {
        const page = new URL(authorizeUrl);
        page.searchParams.set('client_id', clientId);
        page.searchParams.set('redirect_uri', redirectUri);
        const { headers } = await fetch(page, { redirect: 'manual' });
        const code = new URL(headers.get('location') ?? '').searchParams.get('code') ?? '';
        return { kind: 'agreed', code, codeVerifier: 'v', redirectUri };
      },
      identity: (credential) => {
        const access = { http, clock, productionStage: false, localOrigins: { crm: url } };
        return identityOf(access, { system: 'crm', config, credential });
      },
      renew: async () => input.renew ?? true,
    };
    const settings = refreshSystems({ crm: config }).crm;
    const authorizeUrl = input.consents ? `${url}/oauth/authorize` : null;
    const code = await connectSystem(deps, { system: 'crm', config, settings, authorizeUrl });
    http.close();
    const stored = (await secrets.current('plumbline/test/crm')).map(({ value }) => value);
    return { code, lines, stored, text: lines.join('\n'), oauth: hubspot.oauth.counters() };
  }
  const oauth = { grant: 'refresh_token', tokenLifetime: '30m' };

  it('stores a static key that works, and says who it is, never what it is', async () => {
    const { code, stored, text } = await person({ auth: { grant: 'bearer' }, types: 'local-static-token' });
    expect([code, stored]).toEqual([0, ['local-static-token']]);
    expect(text).toMatch(
      /^crm: created plumbline\/test\/crm, version [0-9a-f-]{36}\n {2}account {3}the configured one/,
    );
    expect(text).not.toContain('local-static-token');
  });

  it('is red, and says so, where the credential leads to another account', async () => {
    const { code, text } = await person({
      auth: { grant: 'bearer' },
      account: { portalId: 1, is: 'sandbox' },
      types: 'local-static-token',
    });
    expect([code, /RED .*another account/.test(text)]).toEqual([1, true]);
  });

  it('keeps the stored key where the system does not accept the new one', async () => {
    const types = 'not-a-token-of-theirs';
    const { code, text, stored } = await person({ auth: { grant: 'bearer' }, types, stored: 'local-static-token' });
    expect([code, stored, text]).toEqual([
      1,
      ['local-static-token'],
      'The system does not accept this credential.\nNothing was stored.',
    ]);
  });

  it('is red, and names what is missing, where a scope was taken away', async () => {
    const without = 'crm.objects.deals.write';
    const { code, text } = await person({ auth: { grant: 'bearer' }, types: 'local-static-token', without });
    expect([code, /RED .*missing scopes.* crm\.objects\.deals\.write$/m.test(text)]).toEqual([1, true]);
  });

  it('is red where the credential acts as somebody else than configured', async () => {
    const auth = { grant: 'bearer', actsAs: '4711' };
    const { code, text } = await person({ auth, types: 'local-static-token' });
    expect([code, /acts as {3}99001 \(service\)/.test(text), /RED .*somebody else/.test(text)]).toEqual([
      1,
      true,
      true,
    ]);
  });

  it('stores nothing of the wrong shape', async () => {
    const { code, stored, text } = await person({ auth: { grant: 'bearer' }, types: 'Bearer s3cret' });
    expect([code, stored, text.includes('s3cret')]).toEqual([1, [], false]);
    expect(text).toMatch(/Nothing was stored/);
  });

  it('stores what a consent brings: the refresh token beside the client', async () => {
    const { code, stored, text } = await person({ auth: oauth, consents: true, types: JSON.stringify(client) });
    const { refresh_token, ...rest } = JSON.parse(stored[0] ?? '{}');
    expect([code, rest, typeof refresh_token]).toEqual([0, client, 'string']);
    expect(text).not.toContain(refresh_token);
    expect(text).not.toContain(client.client_secret);
  });

  it('takes the client of the stored grant for a new consent', async () => {
    const stored = JSON.stringify({ ...client, refresh_token: 'old' });
    const { code, stored: now } = await person({ auth: oauth, consents: true, stored });
    expect([code, JSON.parse(now[0] ?? '{}').client_id]).toEqual([0, 'local-app']);
    expect(JSON.parse(now[0] ?? '{}').refresh_token).not.toBe('old');
  });

  it('stores the token that came back where a refresh token that was brought is replaced at once', async () => {
    const types = JSON.stringify({ ...client, refresh_token: 'local-refresh-token-1' });
    const { code, stored, oauth: counts } = await person({ auth: oauth, types });
    expect([code, stored[0] === types, counts]).toEqual([0, false, { refreshes: 1, refused: 0, reuses: 0 }]);
  });

  it('never presents the refresh token that is stored already', async () => {
    const types = JSON.stringify({ ...client, refresh_token: 'local-refresh-token-1' });
    const { code, stored, oauth: counts } = await person({ auth: oauth, types, stored: types });
    expect([code, stored, counts.refreshes]).toEqual([1, [types], 0]);
  });

  it('stores nothing that the token endpoint refuses', async () => {
    const types = JSON.stringify({ ...client, refresh_token: 'unknown' });
    const { code, stored, text } = await person({ auth: oauth, types });
    expect([code, stored, /issued no token \(invalid_grant\)/.test(text)]).toEqual([1, [], true]);
  });

  it('says where the running stage has no token from the new grant yet', async () => {
    const types = JSON.stringify(client);
    const auth = { grant: 'client_credentials', tokenLifetime: '30m' };
    const { code, text } = await person({ auth, types, renew: false });
    expect([code, /no token from it yet/.test(text)]).toEqual([0, true]);
  });
});
