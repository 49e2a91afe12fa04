import { describe, expect, it } from 'vitest';
import { manifest } from '../../shared/connectors/slack/manifest.ts';
import type { HttpAnswer } from '../../shared/model/operation.ts';

const answer = (body: unknown, headers: Record<string, string> = {}): HttpAnswer => ({
  status: 200,
  headers,
  bodyText: JSON.stringify(body),
});

describe('the workspace', () => {
  const who = (url: string, more: object = {}) =>
    manifest.account.judge(answer({ ok: true, url, team_id: 'T1', user_id: 'U1', ...more }));

  it.each([
    ['https://acme-sandbox.slack.com/', 'sandbox'],
    ['https://acme-staging.slack.com/', 'sandbox'],
    ['https://acme-sandbox.enterprise.slack.com/', 'sandbox'],
    ['https://acme.slack.com/', 'production'],
    ['https://sandbox-toys.slack.com/', 'production'],
    ['https://sandboxes.slack.com/', 'production'],
  ])('at %s is %s', (url, is) => {
    expect(who(url)).toEqual({ identity: { teamId: 'T1' }, is });
  });

  it.each(['https://acme-sandbox.slack.com.evil.example/', 'http://x/', 'nonsense'])('at %s is nobody', (url) => {
    expect(who(url)).toBeNull();
  });

  it('inside an organisation names it', () => {
    expect(who('https://a.slack.com/', { enterprise_id: 'E1' })?.identity).toEqual({
      teamId: 'T1',
      enterpriseId: 'E1',
    });
  });
});

describe('the credential', () => {
  const judge = (body: object, headers: Record<string, string> = {}) =>
    manifest.credential?.judge(answer({ ok: true, user_id: 'U1', ...body }, headers));

  it('of a bot is a service account with the scopes that Slack says', () => {
    expect(judge({ bot_id: 'B1' }, { 'x-oauth-scopes': 'chat:write,users:read' })).toEqual({
      actsAs: 'U1',
      holder: 'service',
      scopes: ['chat:write', 'users:read'],
      expiresAtMs: null,
    });
  });

  it('without a bot is the one of a person, and tells no scopes where Slack tells none', () => {
    expect(judge({})).toMatchObject({ holder: 'person', scopes: null });
  });

  it('that is rotated ends when Slack says', () => {
    expect(judge({ expires_in: 60 }, { date: 'Tue, 03 Mar 2026 10:00:00 GMT' })?.expiresAtMs).toBe(
      Date.parse('2026-03-03T10:01:00Z'),
    );
  });

  it('that is refused is nobody', () => {
    expect(manifest.credential?.judge(answer({ ok: false, error: 'invalid_auth' }))).toBeNull();
  });
});
