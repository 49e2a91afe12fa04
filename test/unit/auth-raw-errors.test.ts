import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RefreshDeps, refresh } from '../../shared/auth/refresh.ts';
import { createCredentialSource } from '../../shared/auth/token-source.ts';
import type { AuthConfig } from '../../shared/config/schema.ts';
import type { SendResult } from '../../shared/connectors/sender.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { type AgentWorld, agentWorld } from '../kit/agent-world.ts';
import { house } from '../kit/sender-house.ts';
import { tokenWorld, type WorldGrant } from '../kit/token-world.ts';

let world: AgentWorld;
beforeAll(async () => {
  world = await agentWorld();
});
afterAll(() => world.close());

/** What an agent is told, by a read and by a write, where the way out answers like this. */
async function toldAgents(result: SendResult, n: number): Promise<readonly string[]> {
  world.wire.send = async () => result;
  const read = await world.call('contact_find', { email: 'maria@example.com' });
  const write = await world.call('contact_upsert', { email: `maria.${n}@example.com`, jobtitle: 'Buyer' });
  expect([read.body.error?.code, write.body.error?.code]).toEqual(Array(2).fill('credential_unavailable'));
  return [read.text, write.text];
}

const raw =
  /invalid_client|invalid_grant|grant_missing|grant_unreadable|secret_missing|secret_unreadable|token_for_other|refresh_outcome|AADSTS|INVALID_|EXPIRED_|Session expired|API [Kk]ey|sk_test/;

const answerOf =
  (status: number, body: object): RefreshDeps['post'] =>
  async () => ({ kind: 'answer', status, bodyText: JSON.stringify(body) });

const tokenFaults: readonly (readonly [string, RefreshDeps['post']])[] = [
  [
    'a refusal',
    answerOf(401, { error: 'invalid_client', error_description: 'AADSTS7000222: the secret sk_test expired' }),
  ],
  ['a token for another origin', answerOf(200, { access_token: 'a', instance_url: 'https://evil.example' })],
  ['nothing in the secret', answerOf(200, {})],
];
const grants: readonly WorldGrant[] = ['refresh_token', 'client_credentials', 'jwt_bearer'];
const refreshed = grants.flatMap((grant) => tokenFaults.map(([what, post]) => [grant, what, post] as const));

let n = 0;

test.each(refreshed)('an agent sees no credential error in raw form: %s, %s', async (grant, what, post) => {
  const tokens = tokenWorld({ grant });
  const secrets = what === 'nothing in the secret' ? { ...tokens.secrets, get: async () => null } : tokens.secrets;
  const deps = { ...tokens.process(), secrets, post };
  const credentials = createCredentialSource({
    systems: { hubspot: { auth: { grant, refresh: 'both' } } },
    ...{ tokens: tokens.tokens, secrets, clock: tokens.clock, log: silentLog },
    invoker: { refresh: (input) => refresh(deps, input) },
  });
  const result = await house({ credentials }).call('read');
  expect(result).toMatchObject({ kind: 'not_sent', error: { class: 'auth' } });
  n += 1;
  for (const text of await toldAgents(result, n)) expect(text).not.toMatch(raw);
});

const statics: readonly AuthConfig[] = [
  { grant: 'bearer', secret: 's' },
  { grant: 'api_key', secret: 's', header: 'X-Key' },
  { grant: 'api_key', secret: 's', query: 'key' },
  { grant: 'basic', secret: 's' },
  {
    ...{ grant: 'hmac', secret: 's', header: 'X-S', signed: '{body}', keyIdHeader: 'X-Id' },
    ...{ algorithm: 'sha256', encoding: 'hex', timestamp: 'seconds' },
  },
];
const unusable = statics.flatMap((auth) => [null, ' ', 'sk_test two words'].map((value) => [auth, value] as const));

test.each(unusable)('an agent sees no credential error in raw form: %j with %j in its secret', async (auth, value) => {
  const credentials = createCredentialSource({
    systems: { hubspot: { auth: auth as Exclude<AuthConfig, { refresh: string }> } },
    secrets: { get: async () => (value === null ? null : { value, versionId: 'v1' }) },
    tokens: { get: async () => null },
    invoker: { refresh: async () => ({ kind: 'busy' }) },
    clock: { now: () => 0, sleep: async () => undefined },
    log: silentLog,
  });
  const result = await house({ credentials }).call('read');
  // A signing key may be any text; with an id it needs its colon, and so does a pair of user and password.
  expect(result).toMatchObject({ kind: 'not_sent', error: { class: 'auth' } });
  n += 1;
  for (const text of await toldAgents(result, n)) expect(text).not.toMatch(raw);
});

test.each([
  { category: 'INVALID_AUTHENTICATION', message: 'The API key sk_test_4242 provided is invalid.' },
  { category: 'EXPIRED_AUTHENTICATION', message: 'The OAuth token used to make this call expired.' },
])('an agent does not see what the system said of the credential: %j', async (body) => {
  const answer = { status: 401, headers: {}, bodyText: JSON.stringify({ status: 'error', ...body }) };
  n += 1;
  const texts = await toldAgents({ kind: 'answer', answer, fetchedAtMs: 0 }, n);
  for (const text of texts) expect(text).not.toMatch(raw);
});
