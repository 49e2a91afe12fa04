import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { documentedLimits } from '../../infra/local/systems/slack/limits.ts';
import type { SlackOptions, SlackSimulator } from '../../infra/local/systems/slack/start.ts';
import { verify } from '../../shared/webhooks/verify.ts';
import { turn } from '../kit/answers.ts';
import { testClock } from '../kit/kernel.ts';
import { recordingServer } from '../kit/recording-server.ts';
import { callSlack, startTestSlack } from '../kit/slack-simulator.ts';

let slack: SlackSimulator;
afterEach(() => slack.close());
const open = async (options: Partial<SlackOptions> = {}) => {
  slack = await startTestSlack(options);
  return slack;
};
const post = (args: Record<string, string> = {}) =>
  callSlack(slack, 'chat.postMessage', { channel: 'C0SUPPORT', text: 'hi', ...args });

describe('the simulated workspace', () => {
  it('gives every message a later time than the one before, also within one millisecond', async () => {
    await open({ clock: testClock() });
    const times = [];
    for (let n = 0; n < 5; n += 1) times.push((await post()).body.ts);
    expect(times).toEqual([...new Set(times)].sort());
  });

  it('takes arguments as form, query and JSON, and warns of JSON without a charset', async () => {
    await open();
    const json = (type: string, body: string) =>
      fetch(`${slack.url}/api/chat.postMessage`, {
        method: 'POST',
        headers: { authorization: 'Bearer local-static-token', 'content-type': type },
        body,
      }).then((answer) => answer.json() as Promise<Record<string, unknown>>);
    const body = JSON.stringify({ channel: 'C0SUPPORT', text: 'hi', metadata: { event_type: 'a', event_payload: {} } });
    expect(await json('application/json; charset=utf-8', body)).toMatchObject({ ok: true });
    expect(await json('application/json', body)).toMatchObject({ ok: true, warning: 'missing_charset' });
    expect(await json('text/plain', body)).toEqual({ ok: false, error: 'invalid_post_type' });
    expect(await json('application/json; charset=utf-8', '[]')).toEqual({ ok: false, error: 'json_not_object' });
  });

  it.each([
    ['no text', { text: '' }, 'no_text'],
    ['text that is too long', { text: 'x'.repeat(40_001) }, 'msg_too_long'],
    ['a channel that is not there', { channel: 'C0NOBODY' }, 'channel_not_found'],
    ['a thread that is not there', { thread_ts: '1700000000.000100' }, 'thread_not_found'],
    ['metadata that is none', { metadata: '{"event_type":"a"}' }, 'invalid_metadata_format'],
    ['blocks that are none', { blocks: '{}' }, 'invalid_blocks_format'],
  ])('refuses %s inside a 200', async (_name, args, error) => {
    await open();
    const { status, body } = await post(args);
    expect([status, body]).toMatchObject([200, { ok: false, error }]);
  });

  it('says which scope is missing and which there are', async () => {
    await open({ tokens: { 'local-static-token': { kind: 'bot', scopes: ['users:read'] } } });
    expect((await post()).body).toMatchObject({ error: 'missing_scope', needed: 'chat:write', provided: 'users:read' });
    expect((await post()).headers.get('x-oauth-scopes')).toBe('users:read');
  });

  it('answers 429 with the seconds to wait above its documented limits', async () => {
    const clock = testClock();
    await open({ clock, limits: documentedLimits });
    const posts = [];
    for (let n = 0; n < 7; n += 1) posts.push((await post()).status);
    expect(posts).toEqual([200, 200, 200, 200, 200, 429, 429]);
    clock.advance(1000);
    expect((await post()).status).toBe(200);
    const lists = [];
    for (let n = 0; n < 21; n += 1) lists.push(await callSlack(slack, 'conversations.list'));
    expect([lists[20]?.status, lists[20]?.headers.get('retry-after')]).toEqual([429, '60']);
  });

  it('shows what hangs on a message only to who asks and may', async () => {
    await open();
    const metadata = JSON.stringify({ event_type: 'a', event_payload: { k: 'v' } });
    await post({ metadata });
    const history = (args: Record<string, string>) =>
      callSlack(slack, 'conversations.history', { channel: 'C0SUPPORT', ...args });
    expect((await history({})).body.messages[0].metadata).toEqual({ event_type: 'a' });
    expect((await history({ include_all_metadata: 'true' })).body.messages[0].metadata).toEqual(JSON.parse(metadata));
  });

  it('keeps a thread whose first message was deleted', async () => {
    await open();
    const { ts } = (await post()).body;
    await post({ thread_ts: ts, text: 'answer' });
    await callSlack(slack, 'chat.delete', { channel: 'C0SUPPORT', ts });
    const { messages } = (await callSlack(slack, 'conversations.replies', { channel: 'C0SUPPORT', ts })).body;
    expect(messages.map(({ subtype, text }: Record<string, string>) => subtype ?? text)).toEqual([
      'tombstone',
      'answer',
    ]);
  });

  it('refuses a cursor that is none of its own', async () => {
    await open();
    expect((await callSlack(slack, 'users.list', { cursor: 'zzz' })).body.error).toBe('invalid_cursor');
  });

  it('keeps what it holds over a restart', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'slack-'));
    await open({ stateDir });
    const { ts } = (await post()).body;
    await slack.close();
    await open({ stateDir });
    const { messages } = (await callSlack(slack, 'conversations.history', { channel: 'C0SUPPORT' })).body;
    expect([messages[0].ts, slack.effects.effects().length]).toEqual([ts, 1]);
  });

  it('seeds the same people under other spellings, and the same ones for the same seed', async () => {
    const texts = async () => {
      await open({ seeded: true, clock: testClock(), seed: 3 });
      return [...slack.workspace.messages.values()].flat().map(({ text }) => text);
    };
    const first = await texts();
    await slack.close();
    expect(await texts()).toEqual(first);
    expect([first.length > 500, first.some((text) => /mailto:/.test(text))]).toEqual([true, true]);
  });
});

describe('its events', () => {
  const secret = 'a signing secret';
  const told = async (options: Partial<SlackOptions>, answers: readonly number[]) => {
    const receiver = await recordingServer((n) => answers[n - 1] ?? 200);
    await open({ events: { url: receiver.url, secret, types: ['message'] }, retriesMs: [0, 0, 0], ...options });
    return receiver;
  };

  it('are signed so that the door accepts them, and sent again until they are acknowledged', async () => {
    const receiver = await told({}, [500, 503]);
    await post();
    const got = await receiver.received(3);
    expect(got.map(({ headers }) => headers['x-slack-retry-num'])).toEqual([undefined, '1', '2']);
    expect(new Set(got.map(({ body }) => JSON.parse(body).event_id)).size).toBe(1);
    for (const { headers, body } of got) {
      const input = { scheme: 'slack', secrets: secret, method: 'POST', url: receiver.url, headers, nowMs: Date.now() };
      expect(verify({ ...input, body: Buffer.from(body) })).toMatchObject({ ok: true });
      expect(verify({ ...input, body: Buffer.from(`${body} `) })).toMatchObject({ ok: false });
    }
    await receiver.close();
  });

  it('come twice under one id, or not at all, where they are told to', async () => {
    const receiver = await told({}, []);
    await turn(slack, '/_admin/drop-webhook');
    await post({ text: 'dropped' });
    await turn(slack, '/_admin/duplicate-webhook');
    await post({ text: 'doubled' });
    const got = (await receiver.received(2)).map(({ body }) => JSON.parse(body));
    expect(got.map(({ event, event_id }) => `${event.text} ${event_id === got[0].event_id}`)).toEqual([
      'doubled true',
      'doubled true',
    ]);
    await receiver.close();
  });

  it('tell a click as a signed form', async () => {
    const receiver = await told({}, []);
    const blocks = JSON.stringify([{ type: 'actions', elements: [] }]);
    const { ts } = (await post({ blocks })).body;
    await receiver.received(1);
    const click = { channel: 'C0SUPPORT', ts, user: 'U0ANNA', actionId: 'approve', value: 'v' };
    expect((await turn(slack, '/_admin/click', click)).body).toEqual({ status: 200 });
    const [, form] = await receiver.received(2);
    const payload = JSON.parse(new URLSearchParams(form?.body).get('payload') ?? '');
    expect([payload.type, payload.actions[0].value, form?.headers['content-type']]).toEqual([
      'block_actions',
      'v',
      'application/x-www-form-urlencoded',
    ]);
    await receiver.close();
  });
});
