import { describe, expect, it } from 'vitest';
import type { HttpResult } from '../../shared/http/result.ts';
import { answer, house, lost, portal, unreachable } from '../kit/sender-house.ts';

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

  it('is asked again before a write is sent once more under a newer credential, which may lead elsewhere', async () => {
    let asked = 0;
    const { call, sent } = house({
      answers: ({ path, headers }) => {
        if (path === '/w') return headers.authorization === 'Bearer t1' ? answer(401) : answer(201);
        asked += 1;
        return portal(asked === 1 ? 4711 : 4712);
      },
    });
    expect(await call('write')).toMatchObject({ kind: 'not_sent', error: { code: 'account_mismatch' } });
    expect(sent.filter(({ path }) => path === '/w').map(({ headers }) => headers.authorization)).toEqual(['Bearer t1']);
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
    let up = true;
    const { call, paths, advance } = house({
      answers: ({ path }) => (path === '/w' || !up ? answer(500) : portal()),
    });
    for (let i = 0; i < 3; i += 1) await call('write');
    up = false;
    advance(30_000);
    expect(await call('write', { deadlineMs: 2_000_000 })).toMatchObject({
      kind: 'not_sent',
      error: { code: 'circuit_open' },
    });
    expect(paths().filter((path) => path === '/w')).toHaveLength(3);
  });

  it('of writes leaves reads alone', async () => {
    const { call } = house({ answers: ({ path }) => (path === '/w' ? answer(503) : portal()) });
    for (let i = 0; i < 3; i += 1) await call('write');
    expect(await call('write')).toMatchObject({ error: { code: 'circuit_open' } });
    expect(await call('read')).toMatchObject({ kind: 'answer', answer: { status: 200 } });
  });

  it('lets no question for the account through either while reads fail', async () => {
    const { call, sent } = house({ answers: () => lost });
    for (let i = 0; i < 3; i += 1) await call('read');
    expect(await call('write')).toMatchObject({ kind: 'not_sent', error: { code: 'circuit_open' } });
    expect(sent).toHaveLength(3);
  });
});

describe('a second try', () => {
  it('is made of a read that found the system failing', async () => {
    const { call, sent } = house({ answers: (_request, n) => (n === 1 ? answer(503) : answer(200)) });
    expect(await call('read')).toMatchObject({ kind: 'answer', answer: { status: 200 } });
    expect(sent).toHaveLength(2);
  });

  it('is the last one', async () => {
    const { call, sent } = house({ answers: () => answer(503) });
    expect(await call('read')).toMatchObject({ kind: 'answer', answer: { status: 503 } });
    expect(sent).toHaveLength(2);
  });

  it('is not made of a read that the system answered, whatever it said', async () => {
    const { call, sent } = house({ answers: () => answer(404) });
    await call('read');
    expect(sent).toHaveLength(1);
  });

  it('is not made of a write', async () => {
    const { call, paths } = house({ answers: ({ path }) => (path === '/w' ? lost : portal()) });
    await call('write');
    expect(paths().filter((path) => path === '/w')).toHaveLength(1);
  });

  it('is not made without time for it', async () => {
    const { call, sent } = house({ answers: () => answer(503) });
    await call('read', { deadlineMs: 1_002_000 });
    expect(sent).toHaveLength(1);
  });

  it('is not made where the budget for retries is used up', async () => {
    const { call, sent } = house({
      limits: [{ calls: 10, per: '10s' }],
      answers: ({ path }, n) => answer(path === '/r' && n % 3 === 0 ? 200 : 503),
    });
    for (let i = 0; i < 3; i += 1) await call('read');
    expect(sent.length).toBeLessThanOrEqual(4);
  });
});

describe('a system that takes no more calls', () => {
  const limited = (retryAfterS: number, status = 429): HttpResult => ({
    kind: 'answer',
    answer: { status, headers: { 'retry-after': String(retryAfterS) }, bodyText: '{}' },
    fetchedAtMs: 0,
  });

  it('is left alone until it takes calls again, by reads and writes alike', async () => {
    let taking = false;
    const { call, sent, advance } = house({
      answers: ({ path }) => (taking ? (path === '/r' ? answer(200) : portal()) : limited(30)),
    });
    await call('read');
    taking = true;
    expect(await call('read')).toMatchObject({
      kind: 'not_sent',
      error: { class: 'rate', code: 'rate_paused', retryAfterMs: 30_000 },
    });
    expect(await call('write')).toMatchObject({ kind: 'not_sent', error: { class: 'rate' } });
    expect(sent).toHaveLength(1);
    advance(30_000);
    expect(await call('read')).toMatchObject({ kind: 'answer' });
  });

  it('is waited for within the call where that is short', async () => {
    const { call, sent } = house({ answers: (_request, n) => (n === 1 ? limited(2) : answer(200)) });
    await call('read');
    expect(await call('read')).toMatchObject({ kind: 'answer', answer: { status: 200 } });
    expect(sent[1]?.deadlineMs).toBeLessThanOrEqual(1_020_000);
  });

  it('is not waited for without time for it', async () => {
    const { call, sent } = house({ answers: () => limited(2) });
    await call('read');
    expect(await call('read', { deadlineMs: 1_005_000 })).toMatchObject({ error: { code: 'rate_paused' } });
    expect(sent).toHaveLength(1);
  });

  it('pauses everybody for a minute at most where it names no time itself', async () => {
    const daily = answer(429, { status: 'error', message: 'm', policyName: 'DAILY' });
    const { call, advance } = house({ answers: (_request, n) => (n === 1 ? daily : answer(200)) });
    await call('read');
    expect(await call('read')).toMatchObject({ error: { code: 'rate_paused', retryAfterMs: 60_000 } });
    advance(60_000);
    expect(await call('read')).toMatchObject({ kind: 'answer', answer: { status: 200 } });
  });

  it('does not open the breaker', async () => {
    const { call, sent, advance } = house({ answers: () => limited(1) });
    for (let i = 0; i < 6; i += 1) {
      await call('read');
      advance(1000);
    }
    expect(sent).toHaveLength(6);
  });
});

describe('a write that waits', () => {
  it('is given a turn of its own, so that not all come back at once', async () => {
    const { call } = house({ answers: ({ path }) => (path === '/w' ? lost : portal()) });
    for (let i = 0; i < 3; i += 1) await call('write');
    const waits: (number | undefined)[] = [];
    for (let i = 0; i < 3; i += 1) {
      const result = await call('write');
      waits.push(result.kind === 'not_sent' ? result.error.retryAfterMs : undefined);
    }
    expect(waits).toEqual([30_000, 30_250, 30_500]);
  });
});
