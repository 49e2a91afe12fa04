import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nextPage } from '../../shared/connectors/github/client.ts';
import { githubFailure } from '../../shared/connectors/github/errors.ts';
import { endpointKeeper } from '../../shared/connectors/github/keep.ts';
import { manifest } from '../../shared/connectors/github/manifest.ts';
import { listDeliveries, operationById } from '../../shared/connectors/github/operations.ts';
import type { PlannedCall } from '../../shared/model/operation.ts';
import { githubSender, githubWorld } from '../kit/github-simulator.ts';
import { answer, house } from '../kit/sender-house.ts';
import { exchange, read } from '../kit/system-world.ts';

const at = { system: 'github', params: { repository: 'acme/widgets' } };
const { deliveries } = endpointKeeper;

let world: Awaited<ReturnType<typeof githubWorld>>;
beforeEach(async () => {
  world = await githubWorld();
});
afterEach(() => world.close());

const hooks = (params: Record<string, string> = at.params, after?: string): PlannedCall => {
  const call = endpointKeeper.list({ ...at, params }, after);
  if (!call) throw new Error('nothing to list');
  return call;
};
const attempts = (after?: string): PlannedCall => {
  if (!deliveries) throw new Error('no deliveries');
  return deliveries.list(at, '500000001', after);
};
const answered = (status: number, body: unknown, headers: Record<string, string> = {}) => ({
  ...{ status, headers, bodyText: typeof body === 'string' ? body : JSON.stringify(body) },
});
const ask = async (token: string | null, path: string, init: RequestInit = {}) => {
  const headers = { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...init.headers };
  const answer = await fetch(`${world.simulator.url}${path}`, { ...init, headers });
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, unknown> };
};
const mine = 'local-static-token';

describe('webhooks of GitHub', () => {
  it('are listed to the last page, with their address and whether they are on, and never with a secret', async () => {
    const many = await githubWorld({ others: 150 });
    const first = await read(many, hooks());
    if (first.kind !== 'ok') throw new Error(first.error.code);
    const page = first.data as { results: object[]; after: string | null };
    expect([page.results.length, page.after, page.results[0]]).toEqual([
      ...[100, '2'],
      { id: '500000000', url: 'https://ci0.acme.example/hook', enabled: true },
    ]);
    const second = await read(many, hooks(at.params, '2'));
    expect(second).toMatchObject({ kind: 'ok', data: { after: null } });
    expect(JSON.stringify(second)).not.toContain('*');
    await many.close();
  });

  it('of an organization stand under it', async () => {
    const org = await githubWorld({ holder: 'orgs/acme' });
    expect(await read(org, hooks({ organization: 'acme' }))).toMatchObject({ kind: 'ok' });
    expect(await read(org, hooks())).toMatchObject({ error: { class: 'not_found' } });
    await org.close();
  });

  it.each(['acme', 'acme/..', '../acme', 'acme/widgets/x', 'acme/wid gets', '/', 'acme/%2e%2e'])(
    'of what is no repository are not asked for: %s',
    (repository) => {
      const call = hooks({ repository });
      const operation = operationById(call.operation);
      expect(() => operation?.request({ apiVersion: '2022-11-28', providerKey: '' }, call.input)).toThrow(
        /no repository/,
      );
    },
  );
});

describe('deliveries of GitHub', () => {
  it('keep ids that no double holds apart', async () => {
    world.simulator.webhooks.target({ url: 'http://127.0.0.1:9/', secret: 's' });
    for (const name of ['a', 'b', 'c']) world.simulator.happen('push', { name });
    const page = await read(world, attempts());
    if (page.kind !== 'ok') throw new Error(page.error.code);
    const ids = (page.data as { results: { id: string }[] }).results.map(({ id }) => id);
    expect(ids).toEqual(['9007199254740995', '9007199254740994', '9007199254740993']);
    const spec = deliveries?.again({ apiVersion: '2022-11-28', at, endpoint: '500000001', delivery: ids[1] ?? '' });
    expect(spec?.path).toBe('/repos/acme/widgets/hooks/500000001/deliveries/9007199254740994/attempts');
  });

  it('count as arrived by the status of the answer, and a page with one that cannot be read is none', () => {
    const row = {
      id: 1,
      guid: 'g',
      delivered_at: '2026-11-20T10:00:00Z',
      redelivery: false,
      status: 'OK',
      status_code: 200,
    };
    const judge = (rows: readonly object[]) =>
      listDeliveries.judge(answered(200, rows), { holder: { repository: 'acme/widgets' }, hook: '1' });
    const oks = [200, 202, 204, 301, 401, 503, 0].map((status_code) => {
      const page = judge([{ ...row, status_code }]);
      return page.kind === 'ok' && (page.data as { results: { ok: boolean }[] }).results[0]?.ok;
    });
    expect(oks).toEqual([true, true, true, false, false, false, false]);
    for (const change of [{ id: 'x'.repeat(3) && null }, { guid: '' }, { delivered_at: 'soon' }, { redelivery: 1 }]) {
      expect(judge([row, { ...row, ...change }])).toMatchObject({ error: { code: 'unreadable_answer' } });
    }
    expect(
      listDeliveries.judge(answered(200, '<html>'), { holder: { organization: 'acme' }, hook: '1' }),
    ).toMatchObject({
      error: { class: 'transient' },
    });
  });

  it.each([
    'https://evil.example/repos/acme/widgets/hooks/1/deliveries?cursor=v1_2',
    'http://api.github.com/repos/acme/widgets/hooks/1/deliveries?cursor=v1_2',
    'https://api.github.com:444/repos/acme/widgets/hooks/1/deliveries?cursor=v1_2',
    'https://user:pass@api.github.com/repos/acme/widgets/hooks/1/deliveries?cursor=v1_2',
    'https://api.github.com.evil.example/repos/acme/widgets/hooks/1/deliveries?cursor=v1_2',
    'https://api.github.com/repos/acme/other/hooks/1/deliveries?cursor=v1_2',
    'https://api.github.com/repos/acme/widgets/hooks/1/deliveries',
    'https://api.github.com/repos/acme/widgets/hooks/1/deliveries?cursor=a&cursor=b',
    'https://api.github.com/repos/acme/widgets/hooks/1/deliveries?cursor=%0d%0ax',
    'not an address',
  ])('go on at no page but one of the same list: %s', (link) => {
    const path = '/repos/acme/widgets/hooks/1/deliveries';
    expect(nextPage(answered(200, [], { link: `<${link}>; rel="next"` }), path, 'cursor')).toBe('refused');
    const input = { holder: { repository: 'acme/widgets' }, hook: '1' };
    expect(listDeliveries.judge(answered(200, [], { link: `<${link}>; rel="next"` }), input)).toMatchObject({
      error: { code: 'next_page_refused' },
    });
  });

  it('go on where GitHub says so, also by the number of the repository', () => {
    const path = '/repos/acme/widgets/hooks/1/deliveries';
    const next = (address: string) => nextPage(answered(200, [], { link: `<${address}>; rel="next"` }), path, 'cursor');
    expect(next(`https://api.github.com${path}?per_page=100&cursor=v1_2`)).toEqual({ after: 'v1_2' });
    expect(next('https://api.github.com/repositories/9/hooks/1/deliveries?cursor=v1_2')).toEqual({ after: 'v1_2' });
    expect(nextPage(answered(200, [], { link: '<https://x.example>; rel="prev"' }), path, 'cursor')).toEqual({
      after: null,
    });
    expect(() =>
      listDeliveries.request(
        { apiVersion: '1', providerKey: '' },
        {
          ...{ holder: { repository: 'acme/widgets' }, hook: '1', after: 'v1\r\nx' },
        },
      ),
    ).toThrow(/next page/);
  });
});

describe('what GitHub says', () => {
  it('of its limits is how long to wait, by its own clock', () => {
    const primary = {
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': '1700000100',
      date: new Date(1_700_000_000_000).toUTCString(),
    };
    const waits = [
      githubFailure(answered(403, { message: 'API rate limit exceeded' }, primary)),
      githubFailure(answered(429, { message: 'm' }, { 'retry-after': '30' })),
      githubFailure(answered(403, { message: 'You have exceeded a secondary rate limit.' })),
    ].map(({ error }) => [error.class, error.code, error.retryAfterMs]);
    expect(waits).toEqual([
      ['rate', 'rate_limit', 100_000],
      ['rate', 'secondary_rate_limit', 30_000],
      ['rate', 'secondary_rate_limit', 60_000],
    ]);
  });

  it('of itself is who the token is; a login that says so is a sandbox, and any other is production', async () => {
    const spec = manifest.account.request('2022-11-28');
    const answer = await exchange(world, spec, 'read');
    expect(manifest.account.judge(answer)).toEqual({
      ...{ identity: { userId: 4711, login: 'acme-plumbline-sandbox' }, is: 'sandbox' },
    });
    expect(manifest.account.judge(answered(200, { id: 1, login: 'acme-bot' }))?.is).toBe('production');
    expect(manifest.account.judge(answered(403, { message: 'Resource not accessible by integration' }))).toBeNull();
    expect(manifest.headroom(answer)).toEqual([{ limit: 'hour', max: 5000, remaining: 4999 }]);
    const classic = {
      'x-oauth-scopes': 'admin:repo_hook, repo',
      'github-authentication-token-expiration': '2027-01-01 00:00:00 UTC',
    };
    const body = { id: 1, login: 'acme-bot' };
    expect(manifest.credential?.judge(answered(200, body, classic))).toEqual({
      ...{ actsAs: '1', holder: 'unknown', scopes: ['admin:repo_hook', 'repo'], expiresAtMs: Date.UTC(2027, 0, 1) },
    });
  });
});

describe('asking GitHub for a delivery again', () => {
  const spec = deliveries?.again({ apiVersion: '2022-11-28', at, endpoint: '1', delivery: '2' });
  const through = async (login: string, is: 'sandbox' | 'production', productionStage: boolean, id = 4711) => {
    const h = house({
      ...{ productionStage, account: { userId: 4711, is }, system: { connector: 'github', apiVersion: '2022-11-28' } },
      answers: ({ path }) => (path === '/user' ? answer(200, { id, login }) : answer(202)),
    });
    if (!spec) throw new Error('no request');
    const sent = await h.call('write', { spec });
    return [sent.kind, h.sent.filter(({ method }) => method === 'POST').length];
  };

  it('is a write: it goes to the account that is configured, and from a production stage alone to production', async () => {
    expect(await through('acme-bot', 'production', true)).toEqual(['answer', 1]);
    expect(await through('acme-bot', 'production', false)).toEqual(['not_sent', 0]);
    expect(await through('acme-bot', 'sandbox', false)).toEqual(['not_sent', 0]);
    expect(await through('acme-bot-sandbox', 'sandbox', false)).toEqual(['answer', 1]);
    expect(await through('acme-bot', 'production', true, 4712)).toEqual(['not_sent', 0]);
  });
});

describe('the simulated GitHub', () => {
  it('refuses a token it does not know, a version it does not have, and a request that is none of its own', async () => {
    const statuses = [
      await ask(null, '/user'),
      await ask('other', '/user'),
      await ask(mine, '/user', { headers: { 'x-github-api-version': '1999-01-01' } }),
      await ask(mine, '/repos/acme/other/hooks'),
      await ask(mine, '/repos/acme/widgets/hooks/1/deliveries'),
      await ask(mine, '/repos/acme/widgets/hooks/500000000/deliveries?cursor=v1_1'),
      await ask(mine, '/repos/acme/widgets/hooks/500000000/deliveries/1/attempts', { method: 'POST' }),
    ].map(({ status }) => status);
    expect(statuses).toEqual([401, 401, 400, 404, 404, 422, 404]);
  });

  it('lets a token that may only read ask for nothing again', async () => {
    const reading = await githubWorld({ tokens: { [mine]: { id: 1, login: 'reader', may: 'read' } } });
    reading.simulator.webhooks.target({ url: 'http://127.0.0.1:9/', secret: 's' });
    reading.simulator.happen('push', {});
    const spec = deliveries?.again({
      apiVersion: '2022-11-28',
      at,
      endpoint: '500000001',
      delivery: '9007199254740993',
    });
    if (!spec) throw new Error('no request');
    const sent = await githubSender(reading.simulator)({
      system: 'github',
      spec,
      purpose: 'write',
      deadlineMs: Date.now() + 5000,
    });
    if (sent.kind !== 'answer') throw new Error(sent.kind);
    expect(deliveries?.refusal(sent.answer)).toMatchObject({ class: 'permission', code: 'http_403' });
    expect(reading.simulator.hub.attempts.size).toBe(1);
    await reading.close();
  });

  it('counts the requests of an hour, and begins anew with the next', async () => {
    world.simulator.knobs.left = 1;
    expect((await ask(mine, '/user')).status).toBe(200);
    const refused = await ask(mine, '/user');
    expect([refused.status, refused.headers.get('x-ratelimit-remaining')]).toEqual([403, '0']);
    world.clock.advance(3_600_000);
    expect((await ask(mine, '/user')).status).toBe(200);
  });
});
