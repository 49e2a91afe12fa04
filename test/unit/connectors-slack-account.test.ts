import { afterEach, describe, expect, it } from 'vitest';
import type { SlackOptions, SlackSimulator } from '../../infra/local/systems/slack/start.ts';
import type { SystemConfig } from '../../shared/config/schema.ts';
import { loadConnector } from '../../shared/connectors/registry.ts';
import { makeSender } from '../../shared/connectors/send.ts';
import { slack as calls } from '../../shared/connectors/slack/calls.ts';
import { operationById } from '../../shared/connectors/slack/operations.ts';
import { httpClient } from '../../shared/http/client.ts';
import { systemClock as clock } from '../../shared/model/clock.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { breakerGuard } from '../../shared/resilience/breaker-guard.ts';
import { rateLimiter } from '../../shared/resilience/rate-limit.ts';
import { turn } from '../kit/answers.ts';
import { memoryResilienceStore } from '../kit/memory-resilience-store.ts';
import { slackConfig, startTestSlack } from '../kit/slack-simulator.ts';

let slack: SlackSimulator;
afterEach(() => slack.close());

type Given = {
  readonly account?: SystemConfig['account'];
  readonly auth?: SystemConfig['auth'];
  readonly production?: boolean;
  /** What `auth.test` or the post is answered first. */
  readonly answers?: Readonly<Record<string, string>>;
};

/** One message posted through the whole sender, twice; a refused token is followed by a newer one. */
async function post(options: Partial<SlackOptions>, given: Given = {}) {
  const tokens = { old: { kind: 'bot' as const }, newer: { kind: 'bot' as const } };
  slack = await startTestSlack({ tokens, ...options });
  for (const [method, error] of Object.entries(given.answers ?? {})) {
    await turn(slack, '/_admin/answer', { method, error });
  }
  const store = memoryResilienceStore();
  const http = httpClient({ clock, local: true });
  let version = 1;
  const send = makeSender({
    systems: {
      slack: { ...slackConfig, account: given.account ?? slackConfig.account, auth: given.auth ?? slackConfig.auth },
    },
    loadConnector,
    credentials: {
      authorize: async () => ({ headers: { authorization: `Bearer ${version === 1 ? 'old' : 'newer'}` }, version }),
      rejected: async () => {
        version += 1;
        return 'refreshed';
      },
    },
    http,
    breakers: breakerGuard({ store, clock, owner: 'test' }),
    rates: rateLimiter({ store, clock }),
    clock,
    log: silentLog,
    productionStage: given.production ?? false,
    localOrigins: { slack: slack.url },
  });
  const call = calls.messages.post({ channel: 'C0SUPPORT', text: 'hi' }, clock.now());
  const spec = operationById(call.operation)?.request({ apiVersion: 'v2', providerKey: 'act_k_1' }, call.input);
  if (!spec) throw new Error('no such operation');
  const deadlineMs = clock.now() + 5000;
  const first = await send({ system: 'slack', spec, purpose: 'write', deadlineMs });
  const second = await send({ system: 'slack', spec, purpose: 'write', deadlineMs });
  http.close();
  const asked = slack.effects.requests().map(({ path }) => path.replace('/api/', ''));
  return { first, second, asked, version, applied: slack.effects.effects().length };
}

describe('the workspace', () => {
  it('is asked once for a process, before its first message', async () => {
    const { asked, applied } = await post({});
    expect([asked, applied]).toEqual([['auth.test', 'chat.postMessage', 'chat.postMessage'], 2]);
  });

  it.each<[string, Partial<SlackOptions>, Given]>([
    ['another workspace', { teamId: 'T0OTHER' }, {}],
    ['a workspace that does not call itself a sandbox', { domain: 'acme' }, {}],
    [
      'a production workspace, whatever the configuration says',
      { domain: 'acme' },
      { account: { teamId: 'T0PLUMBLINE', is: 'production' } },
    ],
    [
      'another organisation',
      { enterpriseId: 'E0OTHER' },
      { account: { teamId: 'T0PLUMBLINE', enterpriseId: 'E0MINE', is: 'sandbox' } },
    ],
  ])('keeps messages from %s', async (_name, options, given) => {
    const { first, applied } = await post(options, given);
    expect(first).toMatchObject({ kind: 'not_sent', error: { code: 'account_mismatch' } });
    expect(applied).toBe(0);
  });

  it('that is production gets messages of a production stage that names it', async () => {
    const account = { teamId: 'T0PLUMBLINE', is: 'production' } as const;
    expect((await post({ domain: 'acme' }, { account, production: true })).applied).toBe(2);
  });

  it('that does not answer for itself is written to once it does', async () => {
    const { first, second, applied } = await post({}, { answers: { 'auth.test': 'internal_error' } });
    expect([first.kind, second.kind, applied]).toEqual(['not_sent', 'answer', 1]);
  });
});

describe('a token that is refused inside a 200', () => {
  it('is read again from its secret, and the same message sent once more', async () => {
    const { first, asked, version, applied } = await post({}, { answers: { 'chat.postMessage': 'token_revoked' } });
    expect([first.kind, version, applied]).toEqual(['answer', 2, 2]);
    expect(asked.slice(0, 4)).toEqual(['auth.test', 'chat.postMessage', 'auth.test', 'chat.postMessage']);
  });

  it.each([
    ['token_expired', 2],
    ['token_revoked', 1],
  ])('where tokens are rotated is refreshed after %s: version %i', async (error, expected) => {
    const auth = systemAuth();
    expect((await post({}, { auth, answers: { 'chat.postMessage': error } })).version).toBe(expected);
  });
});

function systemAuth(): SystemConfig['auth'] {
  const tokenUrl = '/api/oauth.v2.access';
  return { grant: 'refresh_token', secret: 's', tokenUrl, tokenLifetime: 43_200_000, refresh: 'ttl' };
}
