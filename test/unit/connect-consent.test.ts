import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { askConsent, type Consent, patienceMs } from '../../infra/connect/consent.ts';
import { systemRandom as random } from '../../shared/model/clock.ts';
import { manualClock } from '../kit/simulator.ts';

/** A consent under way: the page's address as the person sees it, and the one redirect it waits for. */
async function start(scopes: readonly string[] = ['a', 'b']) {
  const clock = manualClock();
  const shown = Promise.withResolvers<{ page: URL; redirect: string }>();
  const outcome: Promise<Consent> = askConsent(
    { random, clock },
    {
      ...{ authorizeUrl: 'https://provider.example/authorize?tenant=x', clientId: 'app', scopes, port: 0 },
      show: (page, redirect) => shown.resolve({ page: new URL(page), redirect }),
    },
  );
  const { page, redirect } = await shown.promise;
  const state = page.searchParams.get('state') ?? '';
  const back = (query: Record<string, string>) => fetch(`${redirect}?${new URLSearchParams(query)}`);
  return { clock, outcome, page, redirect, state, back };
}

/** A request with a Host of one's own, which fetch does not allow. */
function withHost(url: string, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request(url, { headers: { host } }, (answer) => resolve(answer.statusCode ?? 0))
      .once('error', reject)
      .end();
  });
}

describe('a consent', () => {
  it('is asked with a challenge of which only this process knows the verifier', async () => {
    const { page, redirect, state, back, outcome } = await start();
    await back({ code: 'c-1', state });
    const consent = await outcome;
    if (consent.kind !== 'agreed') throw new Error(consent.reason);
    expect(consent).toMatchObject({ code: 'c-1', redirectUri: redirect });
    expect(Object.fromEntries(page.searchParams)).toEqual({
      tenant: 'x',
      response_type: 'code',
      client_id: 'app',
      redirect_uri: redirect,
      state,
      scope: 'a b',
      code_challenge: createHash('sha256').update(consent.codeVerifier).digest('base64url'),
      code_challenge_method: 'S256',
    });
    expect([redirect.startsWith('http://127.0.0.1:'), consent.codeVerifier.length >= 43]).toEqual([true, true]);
  });

  it('takes no answer with another state, path, method or Host, and waits on', async () => {
    const { redirect, state, back, outcome } = await start();
    const good = `${redirect}?${new URLSearchParams({ code: 'stolen', state })}`;
    const port = new URL(redirect).port;
    expect([
      (await back({ code: 'c', state: 'guess' })).status,
      (await back({ code: 'c' })).status,
      (await fetch(good.replace('/callback', '/other'))).status,
      (await fetch(good, { method: 'POST' })).status,
      await withHost(good, `rebound.example:${port}`),
      await withHost(good, `localhost:${port}`),
      await withHost(good, '127.0.0.1:1'),
    ]).toEqual([400, 400, 404, 404, 403, 404, 404]);
    await back({ code: 'c-2', state });
    expect(await outcome).toMatchObject({ code: 'c-2' });
  });

  it('is taken once: the listener is gone afterwards', async () => {
    const { state, back, outcome } = await start();
    const first = await back({ code: 'c-1', state });
    await outcome;
    expect(first.status).toBe(200);
    await expect(back({ code: 'c-2', state })).rejects.toThrow();
  });

  it('shows a page that leads and loads nothing elsewhere: its address holds the code', async () => {
    const { state, back } = await start();
    const { headers } = await back({ code: 'c-1', state });
    expect([headers.get('referrer-policy'), headers.get('content-security-policy')]).toEqual([
      'no-referrer',
      "default-src 'none'",
    ]);
  });

  it.each([
    ['access_denied', 'access_denied'],
    ['<script>alert(1)</script>', 'no_code'],
  ])('that the person refuses is told with the provider’s code, where it is one: %s', async (error, reason) => {
    const { state, back, outcome } = await start();
    await back({ error, state });
    expect(await outcome).toEqual({ kind: 'refused', reason });
  });

  it('is over after its time', async () => {
    const { clock, outcome, back, state } = await start();
    clock.advance(patienceMs);
    expect(await outcome).toEqual({ kind: 'refused', reason: 'too_late' });
    await expect(back({ code: 'c', state })).rejects.toThrow();
  });

  it('asks for no scope where none is configured', async () => {
    const { page, clock } = await start([]);
    expect(page.searchParams.has('scope')).toBe(false);
    clock.advance(patienceMs);
  });
});
