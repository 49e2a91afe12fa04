import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type GraphSimulator, startGraph } from '../../infra/local/systems/graph/start.ts';
import { annaId, callGraph, startTestGraph } from '../kit/graph-simulator.ts';
import { manualClock, startTestHubSpot } from '../kit/simulator.ts';

let tenant: GraphSimulator;
beforeEach(async () => {
  tenant = await startTestGraph();
});
afterEach(() => tenant.close());
const call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  callGraph(tenant, method, path, body, headers);
const mailbox = `users/${annaId}`;
const refusal = async (answer: ReturnType<typeof call>) => {
  const { status, body } = await answer;
  return [status, body.error.code];
};
const time = (dateTime: string) => ({ dateTime, timeZone: 'UTC' });

describe('the token endpoint of the simulated tenant', () => {
  const good = {
    ...{ grant_type: 'client_credentials', client_id: 'local-app', client_secret: 'local-app-secret' },
    scope: 'https://graph.microsoft.com/.default',
  };
  const token = async (fields: Record<string, string>, of = tenant.tenant.tenantId) => {
    const url = `${tenant.url}/${of}/oauth2/v2.0/token`;
    const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(fields) });
    // biome-ignore lint/suspicious/noExplicitAny: answers of several shapes
    return { status: answer.status, body: (await answer.json()) as any };
  };

  it('issues a token that ends, with what it may do inside', async () => {
    const { status, body } = await token(good);
    expect([status, body.token_type, body.expires_in, 'refresh_token' in body]).toEqual([200, 'Bearer', 3599, false]);
    const claims = JSON.parse(Buffer.from(body.access_token.split('.')[1], 'base64url').toString());
    expect(claims).toMatchObject({ tid: tenant.tenant.tenantId, idtyp: 'app', appid: 'local-app' });
    expect(claims.roles).toContain('Mail.Send');
  });

  it.each([
    [{ client_secret: 'wrong' }, 401, 'invalid_client', 7000215],
    [{ client_id: 'wrong' }, 400, 'unauthorized_client', 700016],
    [{ scope: 'Mail.Send' }, 400, 'invalid_scope', 1002012],
    [{ grant_type: 'password' }, 400, 'unsupported_grant_type', 70003],
  ])('refuses %j as AADSTS says', async (wrong, status, error, number) => {
    const answer = await token({ ...good, ...wrong } as Record<string, string>);
    expect([answer.status, answer.body.error, answer.body.error_codes]).toEqual([status, error, [number]]);
    expect(answer.body.error_description).toMatch(new RegExp(`^AADSTS${number}: `));
  });

  it('refuses another tenant, and a secret that has expired', async () => {
    expect((await token(good, 'another')).body.error_codes).toEqual([90002]);
    await call('POST', '/_admin/expire-secret', {});
    expect((await token(good)).body.error_codes).toEqual([7000222]);
  });
});

describe('the simulated mailbox', () => {
  it('gives a draft another id when it is sent, and both ids of a mail name it', async () => {
    const recipients = [{ emailAddress: { address: 'm@example.com' } }];
    const draft = (await call('POST', `${mailbox}/messages`, { subject: 'A', toRecipients: recipients })).body;
    const same = await call('GET', `${mailbox}/messages/${encodeURIComponent(draft.id)}`, undefined, {
      prefer: 'IdType="ImmutableId"',
    });
    expect([same.body.subject, same.body.id === draft.id]).toEqual(['A', false]);
    expect((await call('POST', `${mailbox}/messages/${encodeURIComponent(draft.id)}/send`)).status).toBe(202);
    expect(await refusal(call('GET', `${mailbox}/messages/${encodeURIComponent(draft.id)}`))).toEqual([
      404,
      'ErrorItemNotFound',
    ]);
    const sent = (await call('GET', `${mailbox}/mailFolders/sentitems/messages`)).body.value;
    expect(sent.map(({ subject, isDraft }: Record<string, unknown>) => [subject, isDraft])).toEqual([['A', false]]);
  });

  it.each([
    ['an unknown property', 'GET', `${mailbox}/messages?$select=subjct`, undefined, [400, 'BadRequest']],
    ['an unknown option', 'GET', `${mailbox}/messages?$foo=1`, undefined, [400, 'BadRequest']],
    [
      'a sort beside another filter',
      'GET',
      `${mailbox}/messages?$filter=isRead eq true&$orderby=receivedDateTime desc`,
      undefined,
      [400, 'InefficientFilter'],
    ],
    [
      'a search with a sort',
      'GET',
      `${mailbox}/messages?$search="a"&$orderby=subject`,
      undefined,
      [400, 'SearchWithOrderBy'],
    ],
    ['a page that is too large', 'GET', 'users?$top=1000', undefined, [400, 'Request_UnsupportedQuery']],
    [
      'a property that cannot be written',
      'POST',
      `${mailbox}/messages`,
      { conversationId: 'x' },
      [400, 'RequestBodyRead'],
    ],
    [
      'a recipient that is none',
      'POST',
      `${mailbox}/messages`,
      { toRecipients: [{ emailAddress: { address: 'x' } }] },
      [400, 'ErrorInvalidRecipients'],
    ],
    [
      'a send without recipients',
      'POST',
      `${mailbox}/sendMail`,
      { message: { subject: 'A' } },
      [400, 'ErrorInvalidRecipients'],
    ],
    ['an event without times', 'POST', `${mailbox}/events`, { subject: 'A' }, [400, 'ErrorPropertyValidationFailure']],
    [
      'an event that ends before it starts',
      'POST',
      `${mailbox}/events`,
      { start: time('2030-01-02T00:00:00'), end: time('2030-01-01T00:00:00') },
      [400, 'ErrorCalendarEndDateIsEarlierThanStartDate'],
    ],
    ['a path that is not there', 'GET', 'groups', undefined, [400, 'BadRequest']],
    ['another version', 'GET', '/beta/users', undefined, [400, 'BadRequest']],
    [
      'a subscription that is too long',
      'POST',
      'subscriptions',
      {
        resource: 'users',
        changeType: 'updated',
        notificationUrl: 'http://127.0.0.1:1',
        expirationDateTime: '2099-01-01T00:00:00Z',
      },
      [400, 'ValidationError'],
    ],
  ])('refuses %s', async (_what, method, path, body, expected) => {
    expect(await refusal(call(method, path, body))).toEqual(expected);
  });

  it('refuses a batch of more than 20, and one whose ids are not unique', async () => {
    const batch = (ids: readonly string[]) =>
      refusal(call('POST', '$batch', { requests: ids.map((id) => ({ id, method: 'GET', url: '/users' })) }));
    expect(await batch(Array.from({ length: 21 }, (_, n) => String(n)))).toEqual([400, 'MaximumValueExceeded']);
    expect(await batch(['a', 'A'])).toEqual([400, 'BadRequest']);
  });

  it('describes its types, without those that were taken away', async () => {
    const metadata = async () => (await fetch(`${tenant.url}/v1.0/$metadata`)).text();
    expect(await metadata()).toContain('<Property Name="conversationId" Type="Edm.String" />');
    await call('POST', '/_admin/remove-property', { type: 'message', name: 'conversationId' });
    expect(await metadata()).not.toContain('conversationId');
  });
});

it('answers every request with an id, echoes that of the client, and logs it once', async () => {
  const given = '9abbd3b9-4d2c-4a0b-8d3e-0c4a5a3c9a11';
  const { headers } = await call('GET', 'users', undefined, { 'client-request-id': given });
  expect([headers.get('client-request-id'), headers.get('request-id')]).toEqual([
    given,
    expect.stringMatching(/^[0-9a-f-]{36}$/),
  ]);
  expect(tenant.effects.requests()).toHaveLength(1);
});

it('takes no more than a mailbox takes in ten minutes', async () => {
  const clock = manualClock();
  const limited = await startTestGraph({ clock, perTenMinutes: 3 });
  const status = async () => (await callGraph(limited, 'GET', 'users')).status;
  expect([await status(), await status(), await status(), await status()]).toEqual([200, 200, 200, 429]);
  clock.advance(600_001);
  expect(await status()).toBe(200);
  await limited.close();
});

it('keeps mails, subscriptions and tokens over a restart', async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'plumbline-graph-'));
  const options = { port: 0, seed: 1, clock: manualClock(), stateDir };
  const first = await startGraph(options);
  const [user] = first.tenant.users.keys();
  await callGraph(first, 'POST', `users/${user}/messages`, { subject: 'Kept' });
  const before = [first.tenant.items.size, first.tenant.version, first.effects.effects().length];
  await first.close();
  const second = await startGraph(options);
  expect([second.tenant.items.size, second.tenant.version, second.effects.effects().length]).toEqual(before);
  await second.close();
});

it('is seeded alike for one seed, with customers of the other systems under other spellings', async () => {
  const clock = manualClock();
  const [one, other] = [await startGraph({ port: 0, seed: 3, clock }), await startGraph({ port: 0, seed: 3, clock })];
  const hubspot = await startTestHubSpot({ clock, seed: 3, seeded: true });
  const from = (simulator: GraphSimulator) =>
    [...simulator.tenant.items.values()].map(({ values }) => JSON.stringify(values.from ?? null));
  expect(from(one)).toEqual(from(other));
  const known = new Set(
    [...hubspot.portal.objects.contacts.values()].map(({ properties }) => properties.email?.toLowerCase()),
  );
  const senders = from(one).map((text) => /"address":"([^"]+)"/.exec(text)?.[1]?.toLowerCase());
  expect(senders.filter((address) => known.has(address)).length).toBeGreaterThan(50);
  expect(senders.filter((address) => address?.endsWith('@private.example')).length).toBeGreaterThan(10);
  for (const simulator of [one, other, hubspot]) await simulator.close();
});
