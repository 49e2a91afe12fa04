import { createVerify, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { tokenRequest } from '../../shared/auth/grants.ts';
import { refreshSystems } from '../../shared/auth/refresh-systems.ts';
import { tokenEndpoint } from '../../shared/auth/token-endpoint.ts';
import { systemSchema } from '../../shared/config/schema.ts';
import { loadConnector } from '../../shared/connectors/registry.ts';
import { tokenPlaces } from '../../shared/connectors/token-place.ts';
import type { OutboundRequest } from '../../shared/http/client.ts';

const pem = (type: 'rsa' | 'ec') =>
  type === 'rsa'
    ? generateKeyPairSync('rsa', {
        modulusLength: 2048,
        publicKeyEncoding: { type: 'spki', format: 'pem' },
        privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      })
    : generateKeyPairSync('ec', {
        namedCurve: 'P-256',
        publicKeyEncoding: { type: 'spki', format: 'pem' },
        privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      });

const nowMs = 1_800_000_000_000;
const client = { client_id: 'app', client_secret: 'se:cret/+' };

describe('a request for a token', () => {
  it('by client credentials carries the client in the form', () => {
    const how = { grant: 'client_credentials', clientAuth: 'body', scope: 'a b' } as const;
    const request = tokenRequest(how, { value: JSON.stringify(client), nowMs, assertionId: 'i' });
    expect(request).toEqual({
      form: [
        ['grant_type', 'client_credentials'],
        ['client_id', 'app'],
        ['client_secret', 'se:cret/+'],
        ['scope', 'a b'],
      ],
      headers: {},
    });
  });

  it('by client credentials carries the client as Basic where the provider wants it so, both halves encoded', () => {
    const how = { grant: 'client_credentials', clientAuth: 'basic' } as const;
    const request = tokenRequest(how, { value: JSON.stringify(client), nowMs, assertionId: 'i' });
    const encoded = Buffer.from('app:se%3Acret%2F%2B').toString('base64');
    expect(request).toEqual({
      form: [['grant_type', 'client_credentials']],
      headers: { authorization: `Basic ${encoded}` },
    });
  });

  it('by assertion carries claims that the public key confirms, short-lived, with an id of its own', () => {
    const { privateKey, publicKey } = pem('rsa');
    const value = JSON.stringify({ client_id: 'app', subject: 'bot@acme.example', private_key: privateKey });
    const how = { grant: 'jwt_bearer', audience: 'https://login.salesforce.com' } as const;
    const request = tokenRequest(how, { value, nowMs, assertionId: 'id-1' });
    const assertion = request?.form.find(([name]) => name === 'assertion')?.[1] ?? '';
    const [head = '', claims = '', signature = ''] = assertion.split('.');
    expect(createVerify('RSA-SHA256').update(`${head}.${claims}`).verify(publicKey, signature, 'base64url')).toBe(true);
    const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());
    expect([read(head), read(claims)]).toEqual([
      { alg: 'RS256', typ: 'JWT' },
      {
        iss: 'app',
        sub: 'bot@acme.example',
        aud: 'https://login.salesforce.com',
        exp: nowMs / 1000 + 170,
        jti: 'id-1',
      },
    ]);
  });

  it.each([
    ['a key that is not RSA', pem('ec').privateKey],
    ['a public key', pem('rsa').publicKey],
    ['no key at all', 'none'],
  ])('by assertion is not made with %s', (_what, private_key) => {
    const value = JSON.stringify({ client_id: 'app', subject: 's', private_key });
    const how = { grant: 'jwt_bearer', audience: 'https://a.example' } as const;
    expect(tokenRequest(how, { value, nowMs, assertionId: 'i' })).toBeNull();
  });
});

describe('a configured system', () => {
  const base = {
    owner: 'revops',
    account: { is: 'sandbox' },
    apiVersion: '62.0',
    limits: [{ calls: 1, per: 'second' }],
  };
  const system = (connector: string, auth: object, more: object = {}) =>
    systemSchema.parse({ connector, ...base, auth: { secret: 's', tokenLifetime: '1h', ...auth }, ...more });
  const systems = {
    hubspot: system('hubspot', { grant: 'refresh_token', rotationGrace: '30s' }),
    salesforce: system(
      'salesforce',
      { grant: 'jwt_bearer', audience: 'https://login.salesforce.com' },
      { origin: 'https://acme.my.salesforce.com' },
    ),
    cc: system('salesforce', { grant: 'client_credentials', tokenUrl: '/tenant/oauth2/v2.0/token', scope: 'x' }),
    fixed: systemSchema.parse({ connector: 'hubspot', ...base, auth: { grant: 'bearer', secret: 's' } }),
  };

  it('is known to the refresher as its grant says; a static key is not', () => {
    const common = { owner: 'revops', secret: 's', tokenLifetimeMs: 3_600_000 };
    expect(refreshSystems(systems)).toEqual({
      hubspot: { ...common, tokenUrl: undefined, grant: 'refresh_token', rotationGraceMs: 30_000 },
      salesforce: { ...common, tokenUrl: undefined, grant: 'jwt_bearer', audience: 'https://login.salesforce.com' },
      cc: {
        ...common,
        tokenUrl: '/tenant/oauth2/v2.0/token',
        grant: 'client_credentials',
        clientAuth: 'body',
        scope: 'x',
      },
    });
  });

  it('asks where the connector or the configuration says, with the headers of its request', async () => {
    const sent: OutboundRequest[] = [];
    const http = {
      send: async (request: OutboundRequest) => {
        sent.push(request);
        return { kind: 'answer', answer: { status: 200, headers: {}, bodyText: '{}' }, fetchedAtMs: 0 } as const;
      },
    };
    const places = tokenPlaces({ systems, loadConnector });
    const post = tokenEndpoint({ http, ...places });
    const request = { form: [['a', 'b c']], headers: { authorization: 'Basic x' } } as const;
    const input = { ...request, mayWrite: () => true, deadlineMs: 1 };
    await post({ ...input, system: 'salesforce', path: undefined });
    await post({ ...input, system: 'hubspot', path: '/other/token' });
    expect(sent.map(({ origin, path }) => origin + path)).toEqual([
      'https://acme.my.salesforce.com/services/oauth2/token',
      'https://api.hubapi.com/other/token',
    ]);
    expect(sent[0]).toMatchObject({ method: 'POST', headers: { authorization: 'Basic x' } });
    expect(Buffer.from(sent[0]?.body ?? []).toString()).toBe('a=b+c');
  });

  it('asks its issuer where the product has one apart, and its simulator in the local target', async () => {
    const { manifest } = await loadConnector('hubspot');
    const issuer = 'https://login.microsoftonline.com';
    const load = async () => ({ manifest: { ...manifest, tokenOrigin: issuer } });
    const localOrigins = { fixed: 'http://127.0.0.1:4210' };
    const places = tokenPlaces({ systems, loadConnector: load, localOrigins });
    const told = await Promise.all(
      ['hubspot', 'fixed'].map(async (name) => [(await places.endpointOf(name)).origin, await places.originOf(name)]),
    );
    expect(told).toEqual([
      [issuer, 'https://api.hubapi.com'],
      ['http://127.0.0.1:4210', 'http://127.0.0.1:4210'],
    ]);
  });
});
