import { generateKeyPairSync, sign } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SalesforceOptions, SalesforceSimulator } from '../../infra/local/systems/salesforce/start.ts';
import { callSalesforce, startTestSalesforce } from '../kit/salesforce-simulator.ts';
import { manualClock } from '../kit/simulator.ts';

let org: SalesforceSimulator;
const start = async (options: Partial<SalesforceOptions> = {}) => {
  await org?.close();
  org = await startTestSalesforce(options);
};
const call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  callSalesforce(org, method, path, body, headers);
const refusal = async (answer: ReturnType<typeof call>) => {
  const { status, body } = await answer;
  return [status, body[0].errorCode];
};

beforeEach(() => start());
afterEach(() => org.close());

describe('access to the simulated Salesforce organization', () => {
  const form = { client_id: 'local-app', client_secret: 'local-app-secret' };
  const token = async (fields: Record<string, string>) => {
    const answer = await fetch(`${org.url}/services/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams(fields),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, string> };
  };
  const refresh = (refresh_token: string) => token({ grant_type: 'refresh_token', refresh_token, ...form });
  const limits = (bearer: string | undefined) =>
    call('GET', 'limits', undefined, { authorization: `Bearer ${bearer}` });

  it('answers a wrong session with a list, and counts calls in every answer', async () => {
    const { status, body, headers } = await limits('wrong');
    expect([status, body]).toEqual([401, [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }]]);
    expect(headers.get('sforce-limit-info')).toBe('api-usage=0/1000000');
  });

  it('gives sessions that end when they are not used, and tells no lifetime', async () => {
    const clock = manualClock();
    await start({ clock, app: { sessionMs: 1000 } });
    const { body } = await refresh('local-refresh-token-1');
    expect(body).not.toHaveProperty('expires_in');
    expect(body).toMatchObject({ instance_url: org.url, token_type: 'Bearer' });
    clock.advance(900);
    expect((await limits(body.access_token)).status).toBe(200);
    clock.advance(900);
    expect((await limits(body.access_token)).status).toBe(200);
    clock.advance(1001);
    expect((await limits(body.access_token)).status).toBe(401);
  });

  it('ends the old refresh token at once where it rotates', async () => {
    await start({ app: { rotates: true } });
    const { body } = await refresh('local-refresh-token-1');
    expect((await refresh('local-refresh-token-1')).body.error).toBe('invalid_grant');
    expect((await refresh(body.refresh_token ?? '')).status).toBe(200);
  });

  it('takes client credentials where a user is set for them', async () => {
    expect((await token({ grant_type: 'client_credentials', ...form })).status).toBe(200);
    await start({ app: { runAs: false } });
    expect((await token({ grant_type: 'client_credentials', ...form })).body.error_description).toBe(
      'no client credentials user enabled',
    );
  });

  it('takes an assertion that is signed, short-lived and about the known user', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await start({ app: { jwtPublicKey: publicKey.export({ type: 'spki', format: 'pem' }) as string } });
    const assert = (claims: object) => {
      const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const exp = Math.floor(Date.now() / 1000) + 180;
      const body = { iss: 'local-app', sub: 'service@example.com', aud: 'https://test.salesforce.com', exp, ...claims };
      const text = `${encode({ alg: 'RS256' })}.${encode(body)}`;
      const assertion = `${text}.${sign('RSA-SHA256', Buffer.from(text), privateKey).toString('base64url')}`;
      return token({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion });
    };
    expect((await assert({})).status).toBe(200);
    const wrong = [{ exp: 1 }, { exp: Date.now() }, { aud: 'x' }, { sub: 'x' }, { iss: 'x' }];
    for (const claims of wrong) expect((await assert(claims)).status).toBe(400);
  });

  it('takes an assertion once, under the one algorithm, and says no more of a broken one', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await start({ app: { jwtPublicKey: publicKey.export({ type: 'spki', format: 'pem' }) as string } });
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const exp = Math.floor(Date.now() / 1000) + 180;
    const claims = {
      iss: 'local-app',
      sub: 'service@example.com',
      aud: 'https://login.salesforce.com',
      exp,
      jti: 'one',
    };
    const ask = (alg: string, more: object) => {
      const text = `${encode({ alg })}.${encode({ ...claims, ...more })}`;
      const assertion = `${text}.${sign('RSA-SHA256', Buffer.from(text), privateKey).toString('base64url')}`;
      return token({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion });
    };
    const said = [
      await ask('RS256', {}),
      await ask('RS256', {}),
      await ask('none', { jti: 'two' }),
      await ask('RS256', { jti: 'three' }),
    ];
    expect(said.map(({ status, body }) => [status, body.error ?? 'token'])).toEqual([
      [200, 'token'],
      [400, 'invalid_grant'],
      [400, 'invalid_grant'],
      [200, 'token'],
    ]);
    const broken = await token({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: 'a.b.c' });
    expect([broken.status, broken.body.error]).toEqual([400, 'invalid_grant']);
  });

  it('says who a session is and that a person holds it, and lets only the app ask about tokens', async () => {
    const { body } = await token({ grant_type: 'client_credentials', ...form });
    const bearer = { authorization: `Bearer ${body.access_token}` };
    const user = async () => (await call('GET', '/services/oauth2/userinfo', undefined, bearer)).body;
    expect(await user()).toMatchObject({
      user_id: expect.stringMatching(/^005/),
      is_salesforce_integration_user: true,
    });
    await call('POST', '/_admin/integration-user', { on: false });
    expect((await user()).is_salesforce_integration_user).toBe(false);
    const ended = { authorization: 'Bearer ended' };
    expect((await call('GET', '/services/oauth2/userinfo', undefined, ended)).text).toBe('Bad_OAuth_Token');
    const introspect = async (fields: Record<string, string>) => {
      const answer = await fetch(`${org.url}/services/oauth2/introspect`, {
        method: 'POST',
        body: new URLSearchParams(fields),
      });
      return (await answer.json()) as Record<string, unknown>;
    };
    expect(await introspect({ token: body.access_token ?? '', ...form })).toMatchObject({ active: true, scope: 'api' });
    expect(await introspect({ token: 'ended', ...form })).toEqual({ active: false });
    expect(await introspect({ token: body.access_token ?? '' })).toMatchObject({ error: 'invalid_client_id' });
  });

  it('refuses calls above the limit of the day with 403', async () => {
    await start({ dailyCalls: 1 });
    await limits('local-static-token');
    expect(await refusal(limits('local-static-token'))).toEqual([403, 'REQUEST_LIMIT_EXCEEDED']);
  });

  it('refuses every session where it is told to', async () => {
    await call('POST', '/_admin/reject-sessions', {});
    expect((await limits('local-static-token')).status).toBe(401);
  });

  it('refuses writes to a locked row and to what the user may only read', async () => {
    await call('POST', '/_admin/lock', {});
    expect(await refusal(call('POST', 'sobjects/Account', { Name: 'a' }))).toEqual([400, 'UNABLE_TO_LOCK_ROW']);
    await call('POST', '/_admin/read-only', { type: 'Account' });
    expect(await refusal(call('POST', 'sobjects/Account', { Name: 'a' }))).toEqual([
      403,
      'INSUFFICIENT_ACCESS_OR_READONLY',
    ]);
  });
});
