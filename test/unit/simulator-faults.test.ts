import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { FaultSpec } from '../../infra/local/systems/faults.ts';
import type { HubSpotSimulator } from '../../infra/local/systems/hubspot/start.ts';
import { callHubSpot, manualClock, startTestHubSpot } from '../kit/simulator.ts';

const contacts = '/crm/objects/2026-09/contacts';
const create = (hubspot: HubSpotSimulator, email = 'one@example.com') =>
  callHubSpot(hubspot, 'POST', contacts, { properties: { email } });

describe('faults of the simulated HubSpot account', () => {
  let hubspot: HubSpotSimulator;
  const withFault = async (fault: FaultSpec) => {
    hubspot = await startTestHubSpot();
    const { status } = await callHubSpot(hubspot, 'POST', '/_faults', fault);
    expect(status).toBe(201);
  };
  const applied = () => hubspot.effects.effects().length;
  afterEach(() => hubspot.close());

  it('fails before the write is applied', async () => {
    await withFault({ kind: 'fail_before_commit', match: { method: 'post' } });
    expect([(await create(hubspot)).status, applied()]).toEqual([500, 0]);
  });

  it('applies the write and loses the answer', async () => {
    await withFault({ kind: 'commit_then_lose_response', match: { path: contacts } });
    await expect(create(hubspot)).rejects.toThrow();
    expect(applied()).toBe(1);
  });

  it('closes the connection without applying the write', async () => {
    await withFault({ kind: 'reset' });
    await expect(create(hubspot)).rejects.toThrow();
    expect(applied()).toBe(0);
  });

  it('answers 5xx after the write where asked to', async () => {
    await withFault({ kind: 'server_error', status: 503, afterCommit: true });
    expect([(await create(hubspot)).status, applied()]).toEqual([503, 1]);
  });

  it('answers with a page of HTML', async () => {
    await withFault({ kind: 'html_error' });
    const { status, text } = await create(hubspot);
    expect([status, text.startsWith('<html>')]).toEqual([502, true]);
  });

  it('answers 429 in the words of the asked policy', async () => {
    await withFault({ kind: 'rate_limited', policyName: 'DAILY' });
    const { status, body } = await create(hubspot);
    expect([status, body.policyName, applied()]).toEqual([429, 'DAILY', 0]);
  });

  it('hits only the nth matching requests, as often as asked', async () => {
    await withFault({ kind: 'server_error', match: { method: 'GET', path: '^/crm/.*/contacts$', nth: 2 }, times: 2 });
    const statuses: number[] = [];
    for (let n = 0; n < 4; n += 1) statuses.push((await callHubSpot(hubspot, 'GET', contacts)).status);
    expect(statuses).toEqual([200, 500, 500, 200]);
  });

  it('holds an applied write until its time has come', async () => {
    const clock = manualClock();
    hubspot = await startTestHubSpot({ clock });
    hubspot.addFault({ kind: 'slow', ms: 3000, afterCommit: true });
    const answer = create(hubspot);
    while (applied() === 0) await new Promise(setImmediate);
    clock.advance(3000);
    expect((await answer).status).toBe(201);
  });

  it('forgets its faults on request', async () => {
    await withFault({ kind: 'server_error', times: 10 });
    await callHubSpot(hubspot, 'DELETE', '/_faults');
    expect((await create(hubspot)).status).toBe(201);
  });

  it('refuses a fault it does not know', async () => {
    hubspot = await startTestHubSpot();
    expect((await callHubSpot(hubspot, 'POST', '/_faults', { kind: 'earthquake' })).status).toBe(400);
  });
});

describe('persistence of the simulated HubSpot account', () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'plumbline-simulator-'));
  afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

  it('keeps applied writes, their effects and rotated grants over a restart', async () => {
    const first = await startTestHubSpot({ stateDir });
    const { body } = await create(first);
    const form = { grant_type: 'refresh_token', client_id: 'local-app', client_secret: 'local-app-secret' };
    const refresh = (hubspot: HubSpotSimulator) =>
      fetch(`${hubspot.url}/oauth/v3/token`, {
        method: 'POST',
        body: new URLSearchParams({ ...form, refresh_token: 'local-refresh-token-1' }),
      });
    await refresh(first);
    await first.close();
    const second = await startTestHubSpot({ stateDir });
    const kept = await callHubSpot(second, 'GET', `${contacts}/${body.id}`);
    const replay = await refresh(second);
    await second.close();
    expect([kept.status, second.effects.effects().length, replay.status]).toEqual([200, 1, 400]);
  });
});
