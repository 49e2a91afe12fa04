import { describe, expect, it } from 'vitest';
import { originOf } from '../../shared/connectors/origin.ts';
import type { OutboundRequest } from '../../shared/http/client.ts';
import { PlumblineError } from '../../shared/model/errors.ts';
import { answer, expired, house, lost, oauth, portal } from '../kit/sender-house.ts';

describe('one request', () => {
  it('carries credential, trace, body and the nearer deadline to the pinned origin', async () => {
    const { call, sent } = house({});
    await call('read', {
      traceparent: '00-trace',
      spec: {
        method: 'POST',
        path: '/r',
        query: [['a', 'b c']],
        headers: { 'x-key': '1' },
        body: { json: { x: 1 } },
        timeoutMs: 5000,
      },
    });
    expect(sent[0]).toMatchObject({
      origin: 'https://api.hubapi.com',
      path: '/r?a=b%20c',
      headers: {
        authorization: 'Bearer t1',
        traceparent: '00-trace',
        'content-type': 'application/json',
        'x-key': '1',
      },
      deadlineMs: 1_005_000,
    });
    expect(Buffer.from(sent[0]?.body ?? []).toString()).toBe('{"x":1}');
  });

  it('never lets a specification replace the credential', async () => {
    const { call, sent } = house({});
    await call('read', { spec: { method: 'GET', path: '/r', headers: { authorization: 'Bearer other' } } });
    expect(sent[0]?.headers.authorization).toBe('Bearer t1');
  });

  it('passes the question for the right to write on to the client', async () => {
    const mayWrite = () => true;
    const { call, sent } = house({});
    await call('write', { mayWrite });
    expect(sent.map((request) => request.mayWrite)).toEqual([undefined, mayWrite]);
  });

  it('returns whatever the system answered, without judging it', async () => {
    const { call } = house({ answers: () => answer(500, 'x') });
    expect(await call('read')).toMatchObject({ kind: 'answer', answer: { status: 500 } });
  });

  it('says of a lost write that its outcome is unknown, and of a lost read that it may be asked again', async () => {
    const { call } = house({
      answers: (request) => (request.path === '/r' || request.path === '/w' ? lost : portal()),
    });
    expect(await call('read')).toMatchObject({ kind: 'lost', error: { class: 'transient' } });
    expect(await call('write')).toMatchObject({ kind: 'lost', error: { class: 'unknown_outcome' } });
  });

  it('sends nothing without a credential', async () => {
    const credentials = { authorize: async () => ({ unavailable: true as const, code: 'grant_broken' }) };
    const { call, sent } = house({ credentials });
    expect(await call('read')).toMatchObject({ kind: 'not_sent', error: { class: 'auth', code: 'grant_broken' } });
    expect(sent).toEqual([]);
  });

  it('waits for a credential that is being refreshed', async () => {
    const credentials = { authorize: async () => ({ unavailable: true as const, code: 'busy', retryAfterMs: 500 }) };
    expect(await house({ credentials }).call('read')).toMatchObject({
      error: { class: 'transient', retryAfterMs: 500 },
    });
  });

  it('counts as not sent where the state could not be read', async () => {
    const authorize = async () => {
      throw new PlumblineError('x', { code: 'store_unavailable', retry: 'after_check', hint: '' });
    };
    expect(await house({ credentials: { authorize } }).call('read')).toMatchObject({
      kind: 'not_sent',
      error: { class: 'transient' },
    });
  });

  it('stops at the configured number of calls', async () => {
    const { call, sent } = house({ limits: [{ calls: 3, per: '10s' }] });
    for (let i = 0; i < 3; i += 1) await call('read');
    expect(await call('read')).toMatchObject({ kind: 'not_sent', error: { class: 'rate', retryAfterMs: 11_000 } });
    expect(sent).toHaveLength(3);
  });
});

describe('a 401', () => {
  const once401 = (request: OutboundRequest, n: number) =>
    request.path.startsWith('/account') ? portal() : n === 1 ? expired : answer(200, { n });

  it('is followed by one refresh and one replay of the same request', async () => {
    const { call, sent, rejected } = house({ auth: oauth('ttl'), answers: once401 });
    expect(await call('read')).toMatchObject({ kind: 'answer', answer: { status: 200 } });
    expect(sent.map(({ path, headers }) => [path, headers.authorization])).toEqual([
      ['/r', 'Bearer t1'],
      ['/r', 'Bearer t2'],
    ]);
    expect(rejected).toEqual([1]);
  });

  it('is not replayed a second time', async () => {
    const { call, sent } = house({ auth: oauth('both'), answers: () => expired });
    expect(await call('read')).toMatchObject({ kind: 'answer', answer: { status: 401 } });
    expect(sent).toHaveLength(2);
  });

  it('asks for the right to write again before the replay', async () => {
    let writes = 0;
    const { call, sent } = house({
      auth: oauth('both'),
      answers: (request) => (request.path === '/w' ? (++writes === 1 ? expired : answer(201)) : portal()),
    });
    const mayWrite = () => true;
    await call('write', { mayWrite });
    expect(sent.filter(({ path }) => path === '/w').map((request) => request.mayWrite)).toEqual([mayWrite, mayWrite]);
  });

  it.each([
    ['ttl', 'INVALID_AUTHENTICATION', 1],
    ['ttl', 'EXPIRED_AUTHENTICATION', 2],
    ['on401', 'INVALID_AUTHENTICATION', 2],
    ['never', 'EXPIRED_AUTHENTICATION', 1],
  ])('under the policy %s with %s makes %d requests', async (refresh, category, requests) => {
    const { call, sent } = house({ auth: oauth(refresh), answers: () => answer(401, { category, message: 'm' }) });
    await call('read');
    expect(sent).toHaveLength(requests);
  });

  it('is the answer where no newer credential can be had', async () => {
    const { call, sent } = house({ answers: () => expired, credentials: { rejected: async () => 'broken' } });
    expect(await call('read')).toMatchObject({ kind: 'answer', answer: { status: 401 } });
    expect(sent).toHaveLength(1);
  });
});

describe('origins', () => {
  const manifest = { connector: 'x', origin: 'https://api.x.example', originSuffixes: ['.my.x.example'] };

  it.each([
    [undefined, 'https://api.x.example'],
    ['https://acme.my.x.example/', 'https://acme.my.x.example'],
  ])('configured as %s are %s', (origin, expected) => {
    expect(originOf(manifest, origin === undefined ? {} : { origin }, undefined)).toBe(expected);
  });

  it.each(['https://evil.example', 'https://my.x.example.evil.example', 'http://acme.my.x.example'])(
    'refuse %s',
    (origin) => {
      expect(() => originOf(manifest, { origin }, undefined)).toThrow(/not one of its own/);
    },
  );
});
