import { describe, expect, it } from 'vitest';
import { signatureHeaders } from '../../infra/local/systems/slack/events.ts';
import { webhookAdapter } from '../../shared/connectors/slack/webhook.ts';
import type { Json } from '../../shared/model/json.ts';
import { channelsOf } from '../../shared/webhooks/channels.ts';
import { doorNowMs, doorSecret, testDoor, urlEvent } from '../kit/webhook-door.ts';

const event = {
  type: 'message',
  channel: 'C0A',
  ts: '1700000000.000100',
  user: 'U0A',
  text: 'hello',
  channel_type: 'channel',
};
const callback = {
  token: 'x',
  team_id: 'T0PLUMBLINE',
  api_app_id: 'A0APP',
  event,
  type: 'event_callback',
  event_id: 'Ev0123ABC',
  event_time: 1_700_000_000,
};
const click = {
  type: 'block_actions',
  team: { id: 'T0PLUMBLINE' },
  user: { id: 'U0A' },
  trigger_id: '12.34.abc',
  container: { type: 'message', message_ts: '1700000000.000100', channel_id: 'C0A' },
  channel: { id: 'C0A' },
  actions: [{ action_id: 'approve', value: 'v' }],
};
const facts = { system: 'slack', channel: 'events', scheme: 'slack', bodyHash: 'h', signedId: null, receivedAtMs: 0 };
const withEvent = (changes: object): Json => ({ ...callback, event: { ...event, ...changes } }) as Json;
const identity = (item: object) => webhookAdapter.identity(item as Json, facts);
const read = (item: object) => webhookAdapter.reRead(item as Json, 'slack-eu');

describe('events', () => {
  it('are one a delivery, known by team and event id', () => {
    expect(webhookAdapter.split(callback)).toEqual([callback]);
    expect(identity(callback)).toBe('T0PLUMBLINE-Ev0123ABC');
    expect(webhookAdapter.account?.(callback)).toEqual({ teamId: 'T0PLUMBLINE' });
    expect(webhookAdapter.occurredAtMs(callback)).toBe(1_700_000_000_000);
  });

  it.each([{ team_id: undefined }, { team_id: '../T1' }, { event_id: undefined }, { event_id: 'Ev1/../x' }])(
    'without what identifies them have no identity: %j',
    (change) => {
      expect(identity({ ...callback, ...change })).toBeNull();
    },
  );

  it.each([
    ['a message', {}, 'message'],
    ['a message of this app itself', { app_id: 'A0APP', bot_id: 'B1' }, 'message.own'],
    ['a message of another app', { app_id: 'A0OTHER', bot_id: 'B2', subtype: 'bot_message' }, 'message.bot_message'],
    [
      'a changed message of this app itself',
      { subtype: 'message_changed', message: { ts: '1.1', app_id: 'A0APP' } },
      'message.message_changed.own',
    ],
    ['a mention', { type: 'app_mention' }, 'app_mention'],
    ['a type that is no word', { type: '../x' }, 'unknown'],
  ])('name %s', (_name, changes, type) => {
    expect(webhookAdapter.type(withEvent(changes))).toBe(type);
  });

  it.each([
    ['a message', {}, 'slack.messages.get', { channel: 'C0A', ts: '1700000000.000100' }],
    ['a reply', { thread_ts: '1600000000.000100' }, 'slack.messages.get', { threadTs: '1600000000.000100' }],
    [
      'a changed message',
      { ts: '1700000009.000100', subtype: 'message_changed', message: { ts: '1700000000.000100' } },
      'slack.messages.get',
      { ts: '1700000000.000100' },
    ],
    [
      'a deleted message',
      { ts: '1700000009.000100', deleted_ts: '1700000000.000100' },
      'slack.messages.get',
      { ts: '1700000000.000100' },
    ],
    [
      'a reaction',
      {
        type: 'reaction_added',
        channel: undefined,
        ts: undefined,
        item: { type: 'message', channel: 'C0A', ts: '1700000000.000100' },
      },
      'slack.messages.get',
      { ts: '1700000000.000100' },
    ],
    [
      'a new channel',
      { type: 'channel_created', ts: undefined, channel: { id: 'C0N' } },
      'slack.channels.get',
      { id: 'C0N' },
    ],
    [
      'a changed person',
      { type: 'user_change', ts: undefined, channel: undefined, user: { id: 'U0N' } },
      'slack.users.get',
      { id: 'U0N' },
    ],
  ])('about %s say what to read live', (_name, changes, operation, input) => {
    expect(read(withEvent(changes) as object)).toMatchObject({ operation, system: 'slack-eu', input });
  });

  it('about nothing that is known here are read again by nobody', () => {
    expect(
      read(withEvent({ type: 'emoji_changed', channel: undefined, ts: undefined, user: undefined }) as object),
    ).toBeNull();
    expect(read(withEvent({ channel: '../C', user: '<@U1>' }) as object)).toBeNull();
  });
});

describe('interactions', () => {
  it('are JSON inside a form; every click is one of its own, and its retry is not', () => {
    const [item] = webhookAdapter.split({ payload: JSON.stringify(click) }) ?? [];
    expect(item).toEqual(click);
    expect(identity(click)).toBe(identity({ ...click }));
    expect(identity({ ...click, trigger_id: '12.35.abc' })).not.toBe(identity(click));
    expect(webhookAdapter.type(click)).toBe('block_actions');
    expect(read(click)).toMatchObject({ input: { channel: 'C0A', ts: '1700000000.000100' } });
  });

  it.each(['{', '[]', '"x"'])('that are no JSON object are not taken: %s', (payload) => {
    expect(webhookAdapter.split({ payload })).toBeNull();
  });
});

describe('at the door', () => {
  const channels = channelsOf(
    {
      systems: {
        acme: {
          connector: 'slack',
          owner: 'o',
          webhooks: { slack: { scheme: 'slack', secret: 's', tolerance: 300_000, maxBodyBytes: 1_048_576 } },
        },
      },
    } as never,
    () => webhookAdapter,
  );
  const post = async (body: string, changes: Record<string, string> = {}, contentType = 'application/json') => {
    const door = testDoor({ channels });
    const headers = {
      ...signatureHeaders(doorSecret, body, Math.floor(doorNowMs / 1000)),
      'content-type': contentType,
      ...changes,
    };
    return { ...(await door.post(urlEvent('/acme/slack', body, headers))), sent: door.sent, calls: door.calls };
  };

  it('the question whether the address is ours is answered, and nothing is queued', async () => {
    const asked = await post(JSON.stringify({ type: 'url_verification', token: 'x', challenge: 'abc' }));
    expect([asked.statusCode, asked.body, asked.sent]).toEqual([200, 'abc', []]);
  });

  it('an event is queued under its own id, without the token in it', async () => {
    const { statusCode, sent } = await post(JSON.stringify(callback));
    expect([statusCode, sent.length, sent[0]?.type, sent[0]?.identity]).toEqual([
      200,
      1,
      'message',
      expect.stringContaining('Ev0123ABC'),
    ]);
    expect(JSON.stringify(sent)).not.toContain('"token":"x"');
  });

  it('a click is queued without the address that would answer it', async () => {
    const payload = JSON.stringify({ ...click, response_url: 'https://hooks.slack.com/actions/T0/1/abc' });
    const { sent } = await post(new URLSearchParams({ payload }).toString(), {}, 'application/x-www-form-urlencoded');
    expect([sent.length, sent[0]?.type, JSON.stringify(sent).includes('hooks.slack.com')]).toEqual([
      1,
      'block_actions',
      false,
    ]);
  });

  it.each([
    ['another signature', { 'x-slack-signature': `v0=${'0'.repeat(64)}` }],
    ['an old one', { 'x-slack-request-timestamp': String(Math.floor(doorNowMs / 1000) - 301) }],
  ])('%s is refused and nothing is called', async (_name, headers) => {
    const { statusCode, calls } = await post(JSON.stringify(callback), headers);
    expect([statusCode, calls.queue]).toEqual([401, 0]);
  });
});
