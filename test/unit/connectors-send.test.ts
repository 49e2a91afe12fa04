import { describe, expect, it } from 'vitest';
import { systemSchema } from '../../shared/config/schema.ts';
import type { CredentialSource } from '../../shared/connectors/credentials.ts';
import { originOf } from '../../shared/connectors/origin.ts';
import { loadConnector } from '../../shared/connectors/registry.ts';
import { makeSender } from '../../shared/connectors/send.ts';
import type { SendInput } from '../../shared/connectors/sender.ts';
import type { OutboundRequest } from '../../shared/http/client.ts';
import type { HttpResult } from '../../shared/http/result.ts';
import { PlumblineError } from '../../shared/model/errors.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { breakerGuard } from '../../shared/resilience/breaker-guard.ts';
import { rateLimiter } from '../../shared/resilience/rate-limit.ts';
import { memoryResilienceStore } from '../kit/memory-resilience-store.ts';

type Auth = Record<string, unknown>;
const oauth = (refresh: string): Auth => ({ grant: 'refresh_token', secret: 's', tokenLifetime: '30m', refresh });

const answer = (status: number, body: unknown = {}): HttpResult => ({
  kind: 'answer',
  answer: { status, headers: {}, bodyText: JSON.stringify(body) },
  fetchedAtMs: 0,
});
const portal = (portalId = 4711, accountType = 'SANDBOX') => answer(200, { portalId, accountType });
const expired = answer(401, { category: 'EXPIRED_AUTHENTICATION', message: 'expired' });
const lost: HttpResult = { kind: 'lost', fault: { code: 'connection_lost', message: 'm' } };
const unreachable: HttpResult = { kind: 'not_sent', fault: { code: 'connect_failed', message: 'm' } };

/** A sender to one configured system whose HTTP answers are given by path. */
function house(given: {
  answers?: (request: OutboundRequest, n: number) => HttpResult;
  auth?: Auth;
  account?: Record<string, unknown>;
  productionStage?: boolean;
  credentials?: Partial<CredentialSource>;
  limits?: unknown;
}) {
  const sent: OutboundRequest[] = [];
  const rejected: number[] = [];
  let nowMs = 1_000_000;
  let version = 1;
  const clock = { now: () => nowMs, sleep: async () => {} };
  const store = memoryResilienceStore();
  const config = systemSchema.parse({
    connector: 'hubspot',
    owner: 'revops',
    account: given.account ?? { portalId: 4711, is: 'sandbox' },
    apiVersion: '2026-09',
    auth: given.auth ?? { grant: 'bearer', secret: 's' },
    limits: given.limits ?? [{ calls: 100, per: '10s' }],
    breaker: { opensAfter: 3, stays: '30s', whileOpen: 'queue' },
  });
  const credentials: CredentialSource = {
    authorize: async () => ({ headers: { authorization: `Bearer t${version}` }, version }),
    rejected: async (_system, seen) => {
      rejected.push(seen);
      version += 1;
      return 'refreshed';
    },
    ...given.credentials,
  };
  const send = makeSender({
    systems: { hubspot: config },
    loadConnector,
    credentials,
    http: {
      send: async (request) => {
        sent.push(request);
        return given.answers?.(request, sent.length) ?? (request.path.startsWith('/account') ? portal() : answer(200));
      },
      abortAll() {},
      close() {},
    },
    breakers: breakerGuard({ store, clock, owner: 'test' }),
    rates: rateLimiter({ store, clock }),
    clock,
    log: silentLog,
    productionStage: given.productionStage ?? false,
  });
  const call = (purpose: SendInput['purpose'], more: Partial<SendInput> = {}) =>
    send({
      system: 'hubspot',
      spec:
        purpose === 'read' ? { method: 'GET', path: '/r' } : { method: 'POST', path: '/w', body: { json: { a: 1 } } },
      purpose,
      deadlineMs: nowMs + 20_000,
      ...more,
    });
  const advance = (ms: number) => {
    nowMs += ms;
  };
  return { call, sent, rejected, advance, paths: () => sent.map(({ path }) => path) };
}

describe('one request', () => {
  it('carries credential, trace, body and the nearer deadline to the pinned origin', async () => {
    const { call, sent } = house({});
    await call('read', {
      traceparent: '00-trace',
      spec: { method: 'POST', path: '/r', query: [['a', 'b c']], body: { json: { x: 1 } }, timeoutMs: 5000 },
    });
    expect(sent[0]).toMatchObject({
      origin: 'https://api.hubapi.com',
      path: '/r?a=b%20c',
      headers: { authorization: 'Bearer t1', traceparent: '00-trace', 'content-type': 'application/json' },
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
    expect(await call('read')).toMatchObject({ kind: 'not_sent', error: { class: 'rate', retryAfterMs: 10_000 } });
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

describe('the account', () => {
  it('is asked before the first write of a process and not again', async () => {
    const { call, paths } = house({});
    await call('write');
    await call('write');
    expect(paths()).toEqual(['/account-info/2026-09/details', '/w', '/w']);
  });

  it('is asked once for several writes at the same time', async () => {
    const { call, paths } = house({});
    await Promise.all([call('write'), call('write'), call('write')]);
    expect(paths().filter((path) => path.startsWith('/account'))).toHaveLength(1);
  });

  it('is not asked for reads', async () => {
    const { call, paths } = house({});
    await call('read');
    expect(paths()).toEqual(['/r']);
  });

  it('is asked again once the credential is another', async () => {
    let version = 1;
    const authorize = async () => ({ headers: {}, version });
    const { call, paths } = house({ credentials: { authorize } });
    await call('write');
    version = 2;
    await call('write');
    expect(paths().filter((path) => path.startsWith('/account'))).toHaveLength(2);
  });

  it.each<[string, HttpResult, Record<string, unknown>, boolean]>([
    ['another portal', portal(4712), { portalId: 4711, is: 'sandbox' }, false],
    ['production behind a sandbox name', portal(4711, 'STANDARD'), { portalId: 4711, is: 'sandbox' }, true],
    ['a sandbox behind a production name', portal(), { portalId: 4711, is: 'production' }, true],
    ['production in another stage', portal(4711, 'STANDARD'), { portalId: 4711, is: 'production' }, false],
    ['an unknown kind of account', portal(4711, 'NEW_KIND'), { portalId: 4711, is: 'sandbox' }, false],
    ['an answer that says nothing', answer(200, {}), { is: 'sandbox' }, false],
    ['a redirect', answer(302), { is: 'sandbox' }, false],
  ])('refuses every write to %s', async (_name, said, account, productionStage) => {
    const { call, paths } = house({ answers: () => said, account, productionStage });
    expect(await call('write')).toMatchObject({
      kind: 'not_sent',
      error: { class: 'permission', code: 'account_mismatch' },
    });
    expect(await call('write')).toMatchObject({ kind: 'not_sent' });
    expect(paths()).not.toContain('/w');
  });

  it('lets the production stage write to production', async () => {
    const { call, paths } = house({
      answers: (request) => (request.path === '/w' ? answer(201) : portal(4711, 'STANDARD')),
      account: { portalId: 4711, is: 'production' },
      productionStage: true,
    });
    await call('write');
    expect(paths()).toContain('/w');
  });

  it.each<[string, HttpResult, string]>([
    ['lost', lost, 'transient'],
    ['not reached', unreachable, 'transient'],
    ['failing', answer(503), 'transient'],
    ['limited', answer(429), 'rate'],
    ['refused', answer(401), 'auth'],
  ])('leaves the write unsent where its question is %s', async (_name, said, kind) => {
    const { call, paths } = house({ answers: () => said, credentials: { rejected: async () => 'broken' } });
    expect(await call('write')).toMatchObject({ kind: 'not_sent', error: { class: kind } });
    expect(paths()).not.toContain('/w');
  });
});

describe('the breaker', () => {
  it('opens after failures of the system and lets nothing out while it is open', async () => {
    const { call, sent } = house({ answers: () => lost });
    for (let i = 0; i < 3; i += 1) await call('read');
    expect(await call('read')).toMatchObject({
      kind: 'not_sent',
      error: { code: 'circuit_open', retryAfterMs: 30_000 },
    });
    expect(sent).toHaveLength(3);
  });

  it.each<[string, HttpResult]>([
    ['429', answer(429)],
    ['401', answer(401)],
    ['404', answer(404)],
    ['a lease that ended', { kind: 'not_sent', fault: { code: 'not_permitted', message: '' } }],
    ['an answer that was too large', { kind: 'lost', fault: { code: 'response_too_large', message: '' } }],
  ])('is never opened by %s', async (_name, said) => {
    const { call, sent } = house({ answers: () => said, credentials: { rejected: async () => 'broken' } });
    for (let i = 0; i < 6; i += 1) await call('read');
    expect(sent).toHaveLength(6);
  });

  it('tries with a read before the first write gets through again', async () => {
    let failing = true;
    const { call, paths, advance } = house({
      answers: (request) => (failing ? answer(500) : request.path === '/w' ? answer(201) : portal()),
    });
    for (let i = 0; i < 3; i += 1) await call('read');
    failing = false;
    advance(30_000);
    expect(await call('write', { deadlineMs: 2_000_000 })).toMatchObject({ kind: 'answer', answer: { status: 201 } });
    expect(paths().slice(3, 4)).toEqual(['/account-info/2026-09/details']);
  });

  it('keeps writes back where that read fails', async () => {
    const { call, paths, advance } = house({ answers: () => answer(500) });
    for (let i = 0; i < 3; i += 1) await call('read');
    advance(30_000);
    expect(await call('write', { deadlineMs: 2_000_000 })).toMatchObject({
      kind: 'not_sent',
      error: { code: 'circuit_open' },
    });
    expect(paths()).not.toContain('/w');
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
