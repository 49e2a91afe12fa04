import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type StaticAuth, staticCredential } from '../../shared/auth/static-credential.ts';
import { createStaticKeys } from '../../shared/auth/static-keys.ts';
import { systemSchema } from '../../shared/config/schema.ts';
import { memorySecretStore } from '../kit/memory-secret-store.ts';
import { house } from '../kit/sender-house.ts';
import { manualClock } from '../kit/simulator.ts';

const clock = manualClock(1_800_000_000_123);
const parse = (auth: object) =>
  systemSchema.safeParse({
    connector: 'rest',
    owner: 'ops',
    account: { is: 'sandbox' },
    apiVersion: '1',
    limits: [{ calls: 1, per: 'second' }],
    auth: { secret: 'portal', ...auth },
  });
const authOf = (auth: object) => parse(auth).data?.auth as StaticAuth;
const credential = (auth: object, value: string) => staticCredential(authOf(auth), value, clock);
const text = (value: string) => new TextEncoder().encode(value);

describe('a static key', () => {
  it.each([
    [{ grant: 'bearer' }, 'abc', { headers: { authorization: 'Bearer abc' } }],
    [{ grant: 'api_key', header: 'X-Api-Key' }, 'abc', { headers: { 'x-api-key': 'abc' } }],
    [
      { grant: 'api_key', header: 'Authorization', prefix: 'token ' },
      'key:sec',
      { headers: { authorization: 'token key:sec' } },
    ],
    [{ grant: 'api_key', query: 'api_key' }, 'a&b=c', { headers: {}, query: [['api_key', 'a&b=c']] }],
    [{ grant: 'basic' }, 'user:pass:wörd', { headers: { authorization: 'Basic dXNlcjpwYXNzOnfDtnJk' } }],
  ])('goes where its grant says: %j', (auth, value, expected) => {
    expect(credential(auth, value)).toEqual(expected);
  });

  it.each([
    [{ grant: 'bearer' }, 'two words'],
    [{ grant: 'bearer' }, 'line\nbreak'],
    [{ grant: 'api_key', header: 'X-Api-Key' }, 'with space'],
    [{ grant: 'api_key', query: 'key' }, 'ä'],
    [{ grant: 'basic' }, 'nopassword'],
    [{ grant: 'basic' }, ':nouser'],
    [{ grant: 'hmac', header: 'X-S', signed: '{body}', keyIdHeader: 'X-Key' }, 'secret-without-id'],
  ])('is not used where its value does not have the shape of its grant: %j', (auth, value) => {
    expect(credential(auth, value)).toBeNull();
  });
});

describe('a signed request', () => {
  const request = { method: 'POST', path: '/orders?a=b%20c', body: text('{"ä":1}') };

  it('signs method, path with query, time and body as the template puts them', () => {
    const auth = {
      grant: 'hmac',
      header: 'X-Signature',
      prefix: 'sha256=',
      signed: '{method}\n{path}\n{timestamp}.{body}',
      timestampHeader: 'X-Timestamp',
    };
    const made = credential(auth, 'k');
    const mac = createHmac('sha256', 'k').update('POST\n/orders?a=b%20c\n1800000000.{"ä":1}').digest('hex');
    expect([made?.headers, made?.sign?.(request)]).toEqual([
      {},
      { 'x-timestamp': '1800000000', 'x-signature': `sha256=${mac}` },
    ]);
  });

  it('knows other algorithms, encodings, times, the digest of the body, and a key with an id', () => {
    const auth = {
      grant: 'hmac',
      header: 'X-S',
      algorithm: 'sha512',
      encoding: 'base64',
      signed: '{timestamp}{body_sha256}',
      timestampHeader: 'Date-Signed',
      timestamp: 'iso',
      keyIdHeader: 'X-Key-Id',
    };
    const made = credential(auth, 'id-1:se:cret');
    const hash = createHash('sha256').update('{"ä":1}').digest('hex');
    const at = '2027-01-15T08:00:00.123Z';
    const mac = createHmac('sha512', 'se:cret')
      .update(at + hash)
      .digest('base64');
    expect([made?.headers, made?.sign?.(request)]).toEqual([{ 'x-key-id': 'id-1' }, { 'date-signed': at, 'x-s': mac }]);
  });

  it('takes no part of a request for a template: braces in a body or a path are signed as they are', () => {
    const made = credential({ grant: 'hmac', header: 'X-S', signed: '{path}{body}' }, 'k');
    const mac = createHmac('sha256', 'k').update('/{method}{timestamp}').digest('hex');
    expect(made?.sign?.({ method: 'GET', path: '/{method}', body: text('{timestamp}') })).toEqual({ 'x-s': mac });
  });

  it('has an empty body where there is none', () => {
    const made = credential({ grant: 'hmac', header: 'X-S', signed: 'v0:{body}' }, 'k');
    const mac = createHmac('sha256', 'k').update('v0:').digest('hex');
    expect(made?.sign?.({ method: 'GET', path: '/', body: null })).toEqual({ 'x-s': mac });
  });
});

describe('a static key in the configuration', () => {
  it.each([
    ['neither header nor query', { grant: 'api_key' }],
    ['header and query', { grant: 'api_key', header: 'X-A', query: 'a' }],
    ['a prefix beside query', { grant: 'api_key', query: 'a', prefix: 'token ' }],
    ['an unknown part in a template', { grant: 'hmac', header: 'X-S', signed: '{secret}' }],
    ['a signed time that is not sent', { grant: 'hmac', header: 'X-S', signed: '{timestamp}' }],
    ['a sent time that is not signed', { grant: 'hmac', header: 'X-S', signed: '{body}', timestampHeader: 'X-T' }],
    ['a token path that climbs', { grant: 'client_credentials', tokenLifetime: '1h', tokenUrl: '/a/../b' }],
    ['an audience without TLS', { grant: 'jwt_bearer', tokenLifetime: '1h', audience: 'http://a.example' }],
  ])('is refused with %s', (_what, auth) => {
    expect(parse(auth).success).toBe(false);
  });

  it.each([
    'rak_1a2b3c4d5e6f',
    'sk_live_x',
    'xoxb-1-2',
    'pat-eu1-x',
    'eyJhbGciOi',
    '-----BEGIN',
    '0f8fad5b-d9cb-469f-a165-70867728950e',
    '9f86d081884c7d659a2feaa0c55ad015',
    'prod/9f86d081884c7d659a2feaa0c55ad015',
    'dGhpcyBpcyBhIHNlY3JldCBrZXk0Mg==',
  ])('is refused where the name of its secret looks like the secret: %s', (secret) => {
    const parsed = parse({ grant: 'bearer', secret });
    expect([parsed.success, parsed.error?.message.includes(secret)]).toEqual([false, false]);
  });

  it.each(['plumbline/prod/supplier-portal-emea', 'plumbline/dev/hubspot_oauth.2', 'Team@Secrets/ErpNextKey+Secret'])(
    'may name its secret %s',
    (secret) => {
      expect(parse({ grant: 'bearer', secret }).success).toBe(true);
    },
  );
});

describe('the credential of a request', () => {
  const fixed = (made: object) => ({ authorize: async () => ({ headers: {}, ...made, version: 1 }) });
  const key = 'q-secret-key';

  it.each([
    ['/r', '/r?api_key=q-secret-key'],
    ['/r?page=2', '/r?page=2&api_key=q-secret-key'],
  ])('in the query follows what is there: %s', async (path, expected) => {
    const { call, paths } = house({ credentials: fixed({ query: [['api_key', key]] }) });
    await call('read', { spec: { method: 'GET', path } });
    expect(paths()).toEqual([expected]);
  });

  it('in the query is in no error and no answer', async () => {
    const faults = ['lost', 'not_sent'] as const;
    for (const kind of faults) {
      const fault = { code: 'connection_lost', message: 'The connection ended.' } as const;
      const { call } = house({ answers: () => ({ kind, fault }), credentials: fixed({ query: [['k', key]] }) });
      expect(JSON.stringify(await call('read'))).not.toContain(key);
    }
  });

  it('signs the very bytes and the very path that are sent, and no header of a specification replaces it', async () => {
    const signed: unknown[] = [];
    const sign = (request: { path: string; body: Uint8Array | null }) => {
      signed.push(request.path, Buffer.from(request.body ?? []).toString());
      return { 'x-signature': 'ours' };
    };
    const { call, sent } = house({ credentials: fixed({ sign }) });
    const body = { json: { a: 'ä' } };
    const headers = { 'x-signature': 'theirs' };
    await call('read', { spec: { method: 'POST', path: '/r', query: [['a', 'b c']], body, headers } });
    const [request] = sent;
    expect(signed).toEqual([request?.path, Buffer.from(request?.body ?? []).toString()]);
    expect(request?.headers['x-signature']).toBe('ours');
  });
});

describe('a key that is replaced under load', () => {
  const auth = authOf({ grant: 'api_key', header: 'X-Api-Key' });
  function set() {
    const time = manualClock();
    const secrets = memorySecretStore();
    let reads = 0;
    const counted = {
      get: async (name: string) => {
        reads += 1;
        return secrets.get(name);
      },
    };
    secrets.set('portal', 'old', 'v1');
    return { time, secrets, keys: createStaticKeys({ secrets: counted, clock: time }), reads: () => reads };
  }

  it('is read again at once after its refusal, also where it was read just before', async () => {
    const { secrets, keys } = set();
    const first = await keys.authorize(auth);
    secrets.set('portal', 'new', 'v2');
    expect(first).toMatchObject({ headers: { 'x-api-key': 'old' }, version: 1 });
    expect(await keys.rejected('portal', 1)).toBe('refreshed');
    expect(await keys.authorize(auth)).toMatchObject({ headers: { 'x-api-key': 'new' }, version: 2 });
  });

  it('is read once for fifty callers that are refused at once', async () => {
    const { secrets, keys, reads } = set();
    await keys.authorize(auth);
    secrets.set('portal', 'new', 'v2');
    const told = await Promise.all(Array.from({ length: 50 }, () => keys.rejected('portal', 1)));
    expect([new Set(told), reads()]).toEqual([new Set(['refreshed']), 2]);
  });

  it('is not read again and again where it stays refused', async () => {
    const { time, keys, reads } = set();
    await keys.authorize(auth);
    for (let n = 0; n < 10; n += 1) expect(await keys.rejected('portal', 1)).toBe('broken');
    expect(reads()).toBe(2);
    time.advance(5_000);
    await keys.rejected('portal', 1);
    expect(reads()).toBe(3);
  });

  it('is used on where its secret cannot be read for a while', async () => {
    const { time, keys, secrets } = set();
    await keys.authorize(auth);
    secrets.get = () => Promise.reject(new Error('unavailable'));
    time.advance(400_000);
    expect(await keys.authorize(auth)).toMatchObject({ version: 1 });
  });

  it('is unavailable with a code of its own where its value has no usable shape', async () => {
    const { secrets, keys } = set();
    secrets.set('portal', 'two words', 'v2');
    expect(await keys.authorize(auth)).toEqual({ unavailable: true, code: 'secret_unreadable' });
  });
});
