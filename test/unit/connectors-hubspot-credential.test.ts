import { afterEach, describe, expect, it } from 'vitest';
import { manifest } from '../../shared/connectors/hubspot/manifest.ts';
import type { RequestSpec } from '../../shared/model/operation.ts';
import { startTestHubSpot, staticToken } from '../kit/simulator.ts';

const { credential } = manifest;
type Simulator = Awaited<ReturnType<typeof startTestHubSpot>>;
let hubspot: Simulator | null = null;
afterEach(async () => {
  await hubspot?.close();
  hubspot = null;
});

async function ask(token: string) {
  const spec: RequestSpec | undefined = credential?.request({ apiVersion: '2026-09', token });
  const answer = await fetch(`${hubspot?.url}${spec?.path}`, {
    method: spec?.method ?? '',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(spec?.body && 'json' in spec.body ? { body: JSON.stringify(spec.body.json) } : {}),
  });
  return credential?.judge({ status: answer.status, headers: {}, bodyText: await answer.text() });
}

describe('who a HubSpot token is', () => {
  it.each([staticToken, 'pat-na1-not-a-real-token'])(
    'is asked of HubSpot, for a token of either kind: %s',
    async (token) => {
      hubspot = await startTestHubSpot({
        staticTokens: [token],
        scopes: ['oauth', 'tickets', 'crm.objects.deals.read'],
      });
      expect(await ask(token)).toEqual({
        actsAs: '99001',
        holder: 'service',
        scopes: ['tickets', 'crm.objects.deals.read'],
        expiresAtMs: null,
      });
    },
  );

  it('misses a scope that was taken away', async () => {
    hubspot = await startTestHubSpot({ scopes: ['tickets', 'crm.objects.deals.read'] });
    hubspot.oauth.removeScope('tickets');
    expect((await ask(staticToken))?.scopes).toEqual(['crm.objects.deals.read']);
  });

  it('is a person where the token is a user’s, and a service account where it says so', () => {
    const of = (signed_access_token: object) =>
      credential?.judge({
        status: 200,
        headers: {},
        bodyText: JSON.stringify({ app_id: 1, scopes: [], signed_access_token }),
      })?.holder;
    expect([of({ isUserLevel: true }), of({ isUserLevel: true, isServiceAccount: true }), of({})]).toEqual([
      'person',
      'service',
      'service',
    ]);
  });

  it('is not told by an answer of another shape', () => {
    const judge = (status: number, bodyText: string) => credential?.judge({ status, headers: {}, bodyText });
    expect([judge(200, '{}'), judge(404, '{"app_id":1,"scopes":[]}'), judge(200, 'x')]).toEqual([null, null, null]);
  });
});
