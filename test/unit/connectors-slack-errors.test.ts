import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classify, saysTokenExpired, slackFailure } from '../../shared/connectors/slack/errors.ts';
import { operations } from '../../shared/connectors/slack/operations.ts';
import type { HttpAnswer } from '../../shared/model/operation.ts';

const answer = (body: unknown, status = 200, headers: Record<string, string> = {}): HttpAnswer => ({
  status,
  headers: { 'x-slack-req-id': 'req1', ...headers },
  bodyText: typeof body === 'string' ? body : JSON.stringify(body),
});
const no = (error: string, more: object = {}) => answer({ ok: false, error, ...more });
const html = '<html><head><title>Server Error | Slack</title></head></html>';

describe('the error table', () => {
  it.each<[string, HttpAnswer, string, boolean]>([
    ['a token that nobody knows', no('invalid_auth'), 'auth', true],
    ['no token', no('not_authed'), 'auth', true],
    ['a revoked token', no('token_revoked'), 'auth', true],
    ['a token that has ended', no('token_expired'), 'auth', true],
    ['an account that was closed', no('account_inactive'), 'auth', true],
    ['a missing scope', no('missing_scope', { needed: 'chat:write', provided: 'users:read' }), 'permission', true],
    ['a channel the bot is not in', no('not_in_channel'), 'permission', true],
    ['a bot that searches', no('not_allowed_token_type'), 'permission', true],
    ['a workspace that restricts posting', no('restricted_action_read_only_channel'), 'permission', true],
    ["another app's message", no('cant_update_message'), 'permission', true],
    ['a channel that is not there', no('channel_not_found'), 'not_found', true],
    ['a message that is not there', no('message_not_found'), 'not_found', true],
    ['a person who is not there', no('users_not_found'), 'not_found', true],
    ['a text that is too long', no('msg_too_long'), 'business', true],
    ['no text', no('no_text'), 'business', true],
    ['an archived channel', no('is_archived'), 'business', true],
    ['a closed edit window', no('edit_window_closed'), 'business', true],
    ['blocks that are none', no('invalid_blocks'), 'business', true],
    ['an argument Slack does not know', no('invalid_arg_name'), 'schema', true],
    ['a method Slack does not know', no('unknown_method', { req_method: 'chat.sing' }), 'schema', true],
    ['a deprecated method', no('method_deprecated'), 'schema', true],
    ['a limit inside a 200', no('ratelimited'), 'rate', true],
    ['a limit of the workspace', no('message_limit_exceeded'), 'rate', true],
    ['a limit', answer({ ok: false, error: 'ratelimited' }, 429, { 'retry-after': '30' }), 'rate', true],
    ['a 429 of the edge', answer(html, 429), 'rate', true],
    ['a body that arrived cut off', no('request_timeout'), 'transient', true],
    ['a workspace that moves', no('team_added_to_org'), 'transient', true],
    ['an internal error', no('internal_error'), 'unknown_outcome', false],
    ['a fatal error', no('fatal_error'), 'unknown_outcome', false],
    ['a service that is not there', no('service_unavailable'), 'unknown_outcome', false],
    ['a code that nobody has seen', no('the_moon_is_full'), 'unknown_outcome', false],
    ['a refusal without a code', answer({ ok: false }), 'unknown_outcome', false],
    ['a 500', answer(html, 500), 'unknown_outcome', false],
    ['a gateway page', answer(html, 502), 'unknown_outcome', false],
    ['a redirect', answer('', 302), 'unknown_outcome', false],
    ['a success that cannot be read', answer(html), 'unknown_outcome', false],
    ['a 401 of something in between', answer('', 401), 'auth', true],
    ['a refusal by something in between', answer(html, 403), 'business', false],
  ])('takes %s for what it is', (_name, given, kind, notApplied) => {
    const failure = slackFailure(given);
    expect([failure.error.class, failure.notApplied]).toEqual([kind, notApplied]);
  });

  it('waits as long as it is told, and half a minute where it is not', () => {
    const told = answer({ ok: false, error: 'ratelimited' }, 429, { 'retry-after': '7' });
    expect([slackFailure(told).error.retryAfterMs, slackFailure(no('ratelimited')).error.retryAfterMs]).toEqual([
      7000, 30_000,
    ]);
  });

  it('names the scope that is missing, the scopes there are, and the request', () => {
    expect(slackFailure(no('missing_scope', { needed: 'chat:write', provided: 'users:read' })).error).toMatchObject({
      target: 'chat:write',
      message: 'missing_scope. The token lacks chat:write; it has users:read.',
      vendorRequestId: 'req1',
    });
  });

  it('caps what Slack says and lets no token through', () => {
    // Put together here, so that no text of this shape stands in a file.
    const token = ['xoxb', '1234567890', 'abcdefghijklmnop'].join('-');
    const said = no('invalid_arguments', { response_metadata: { messages: [`[ERROR] ${token} ${'x'.repeat(5000)}`] } });
    const { message } = slackFailure(said).error;
    expect([message.length, message.includes('abcdefgh')]).toEqual([300, false]);
  });

  it('never takes an answer of any other shape for proof', () => {
    const status = fc.constantFrom(200, 201, 204, 301, 400, 403, 404, 409, 500, 502, 503, 599);
    fc.assert(
      fc.property(status, fc.jsonValue(), (code, body) => {
        const text = JSON.stringify(body);
        if (/"(error|ok)"/.test(text)) return;
        expect(slackFailure(answer(text, code)).notApplied).toBe(false);
      }),
    );
  });

  it('lets only a token that has ended be asked for again', () => {
    expect([saysTokenExpired(no('token_expired')), saysTokenExpired(no('token_revoked'))]).toEqual([true, false]);
  });

  it('says nothing of an answer that succeeded', () => {
    expect([classify(answer({ ok: true })), classify(no('fatal_error'))?.class]).toEqual([null, 'unknown_outcome']);
  });
});

describe('a write', () => {
  const writes = [...operations.values()].filter((operation) => operation.kind === 'write');
  const input = { channel: 'C0A', ts: '1700000000.000100', text: 'x', askedAtMs: 0 };

  it.each(writes)('$id is unknown where Slack says that some of it may have succeeded', ({ judge }) => {
    for (const given of [
      no('internal_error'),
      no('fatal_error'),
      answer(html),
      answer({ ok: true }),
      answer('', 302),
    ]) {
      expect(judge(given, input)).toMatchObject({ kind: 'unknown', error: { class: 'unknown_outcome' } });
    }
  });

  it.each(writes)('$id is unknown where the answer is about another message', ({ judge }) => {
    const message = { type: 'message', ts: '1700000009.000100', text: 'x' };
    const other = { ok: true, channel: 'C0B', ts: message.ts, message };
    expect(judge(answer(other), input)).toMatchObject({ kind: 'unknown' });
  });

  it.each(writes)('$id is refused where Slack says so', ({ judge }) => {
    expect(judge(no('missing_scope'), input)).toMatchObject({ kind: 'not_applied', error: { class: 'permission' } });
  });
});
