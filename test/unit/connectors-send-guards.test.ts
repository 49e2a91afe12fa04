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
