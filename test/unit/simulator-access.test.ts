import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { HubSpotOptions, HubSpotSimulator } from '../../infra/local/systems/hubspot/start.ts';
import { callHubSpot, manualClock, startTestHubSpot } from '../kit/simulator.ts';

describe('access to the simulated HubSpot account', () => {
  let hubspot: HubSpotSimulator;
  const start = async (options: Partial<HubSpotOptions> = {}) => {
    hubspot = await startTestHubSpot(options);
  };
  const contacts = '/crm/objects/2026-09/contacts';
  const refreshForm = (refreshToken: string, secret = 'local-app-secret') =>
    new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: 'local-app',
      client_secret: secret,
      refresh_token: refreshToken,
    });
  const token = async (form: URLSearchParams, version = 'v3') => {
    const answer = await fetch(`${hubspot.url}/oauth/${version}/token`, { method: 'POST', body: form });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  const read = (accessToken: unknown) =>
    callHubSpot(hubspot, 'GET', contacts, undefined, { authorization: `Bearer ${String(accessToken)}` });
  afterEach(() => hubspot.close());

  it('refuses a request without a known token in HubSpot words', async () => {
    await start();
    const { status, body } = await read('unknown');
    expect([status, body.category, typeof body.correlationId]).toEqual([401, 'INVALID_AUTHENTICATION', 'string']);
  });

  it('lets an access token end after its time', async () => {
    const clock = manualClock();
    await start({ clock, oauth: { accessTokenMs: 1_800_000 } });
    const { body } = await token(refreshForm('local-refresh-token-1'));
    expect((await read(body.access_token)).status).toBe(200);
    clock.advance(1_800_000);
    expect((await read(body.access_token)).body.category).toBe('EXPIRED_AUTHENTICATION');
  });

  it('ends every expiring token on request and leaves static ones', async () => {
    await start();
    const { body } = await token(refreshForm('local-refresh-token-1'));
    await callHubSpot(hubspot, 'POST', '/_admin/expire-tokens');
    expect([(await read(body.access_token)).status, (await callHubSpot(hubspot, 'GET', contacts)).status]).toEqual([
      401, 200,
    ]);
  });

  it('revokes the whole family when a replaced refresh token comes back', async () => {
    await start();
    const first = await token(refreshForm('local-refresh-token-1'));
    const replay = await token(refreshForm('local-refresh-token-1'));
    const heir = await token(refreshForm(String(first.body.refresh_token)));
    expect([first.status, replay.status, heir.status, hubspot.oauth.counters().reuses]).toEqual([200, 400, 400, 1]);
  });

  it('accepts a replaced refresh token inside the grace window', async () => {
    await start({ oauth: { graceMs: 60_000 } });
    await token(refreshForm('local-refresh-token-1'));
    expect((await token(refreshForm('local-refresh-token-1'))).status).toBe(200);
  });

  it('names a bad refresh token in the status of v1', async () => {
    await start();
    expect((await token(refreshForm('wrong'), 'v1')).body.status).toBe('BAD_REFRESH_TOKEN');
  });

  it('refuses a wrong client secret without touching the refresh token', async () => {
    await start();
    expect((await token(refreshForm('local-refresh-token-1', 'wrong'))).status).toBe(400);
    expect((await token(refreshForm('local-refresh-token-1'))).status).toBe(200);
  });

  it('names the missing scope', async () => {
    await start();
    await callHubSpot(hubspot, 'POST', '/_admin/remove-scope', { scope: 'crm.objects.contacts.read' });
    const { status, body } = await callHubSpot(hubspot, 'GET', contacts);
    expect([status, body.category, body.errors[0].context.requiredGranularScopes]).toEqual([
      403,
      'MISSING_SCOPES',
      ['crm.objects.contacts.read'],
    ]);
  });

  it('limits calls in ten seconds and lets them through again after', async () => {
    const clock = manualClock();
    await start({ clock, limits: { tenSecondly: 2 } });
    const first = await callHubSpot(hubspot, 'GET', contacts);
    await callHubSpot(hubspot, 'GET', contacts);
    const third = await callHubSpot(hubspot, 'GET', contacts);
    clock.advance(10_000);
    const later = await callHubSpot(hubspot, 'GET', contacts);
    expect(first.headers.get('x-hubspot-ratelimit-remaining')).toBe('1');
    expect([third.status, third.body.policyName, later.status]).toEqual([429, 'TEN_SECONDLY_ROLLING', 200]);
  });

  it('answers only to a loopback Host', async () => {
    await start();
    const { port } = new URL(hubspot.url);
    const status = await new Promise((resolve, reject) => {
      const outgoing = request({ host: '127.0.0.1', port, path: '/_effects', headers: { host: 'rebound.example' } });
      outgoing
        .on('response', (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(403);
  });

  it('turns no knob for a web page', async () => {
    await start();
    const { status } = await callHubSpot(
      hubspot,
      'POST',
      '/_admin/expire-tokens',
      {},
      { origin: 'http://127.0.0.1:1' },
    );
    expect(status).toBe(403);
  });
});
