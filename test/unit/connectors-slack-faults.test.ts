import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { execute } from '../../shared/action/execute.ts';
import { slack } from '../../shared/connectors/slack/calls.ts';
import { operations } from '../../shared/connectors/slack/operations.ts';
import type { PlannedCall } from '../../shared/model/operation.ts';
import { turn } from '../kit/answers.ts';
import { callSlack, type SlackWorld, slackWorld } from '../kit/slack-simulator.ts';
import { claimOf, settle } from '../kit/system-world.ts';
import { type Faults, itIsRunForEveryWrite, itTakesEffectOnce, writesUnderFaults } from '../kit/write-faults.ts';

let world: SlackWorld;
beforeEach(async () => {
  world = await slackWorld();
});
afterEach(() => world.close());

const channel = 'C0SUPPORT';

/** A message that an earlier action posted. */
async function posted(text: string, threadTs?: string): Promise<string> {
  const metadata = JSON.stringify({
    event_type: 'plumbline_action',
    event_payload: { plumbline_ref: 'act_earlier_1' },
  });
  const thread = threadTs === undefined ? {} : { thread_ts: threadTs };
  const { body } = await callSlack(world.simulator, 'chat.postMessage', { channel, text, metadata, ...thread });
  return body.ts;
}

/** Every write, planned on messages that were posted for it. */
const writes: Readonly<Record<string, (nowMs: number) => Promise<PlannedCall>>> = {
  'messages.post': async (at) => slack.messages.post({ channel, text: 'Done & <sent> 🚀 https://a.example/x' }, at),
  'messages.post in a thread': async (at) =>
    slack.messages.post({ channel, text: 'Answer', threadTs: await posted('Question') }, at),
  'messages.update': async () => slack.messages.update({ channel, ts: await posted('before') }, 'after <!channel> 👍'),
  'messages.update of a reply': async () => {
    const threadTs = await posted('Question');
    return slack.messages.update({ channel, threadTs, ts: await posted('before', threadTs) }, 'after');
  },
  'messages.delete': async () => slack.messages.delete({ channel, ts: await posted('to go') }),
  'messages.delete under a thread': async () => {
    const ts = await posted('to go');
    await posted('an answer', ts);
    return slack.messages.delete({ channel, ts });
  },
};

const faults: Faults = {
  'an internal error before the effect': { kind: 'fail_before_commit' },
  'a connection that ends before it': { kind: 'reset' },
  'a gateway page instead of it': { kind: 'html_error' },
  'a refusal by the rate limiter': { kind: 'rate_limited' },
  'a fatal error without an effect': { kind: 'server_error' },
  'a fatal error after the effect': { kind: 'server_error', afterCommit: true },
  'an answer that is lost after the effect': { kind: 'commit_then_lose_response' },
  'a gateway page after the effect': { kind: 'html_error', afterCommit: true },
  'a 503 before the effect': { kind: 'fail_before_commit', status: 503 },
};

const writing = writesUnderFaults({
  world: () => world,
  plans: Object.fromEntries(Object.entries(writes).map(([name, plan]) => [name, () => plan(world.clock.now())])),
  isWrite: () => ({ path: '^/api/chat\\.' }),
});
const { meet, applied } = writing;

itIsRunForEveryWrite(operations.values(), writing.names);
itTakesEffectOnce(writing, faults);

describe('a post of unknown outcome', () => {
  it('is settled by its key and never sent again', async () => {
    const { first, key } = await meet('messages.post', { kind: 'commit_then_lose_response' });
    expect(first.outcome.kind).toBe('unknown');
    const record = await settle(world, key);
    expect([record.state, record.attempts, applied()]).toEqual(['SUCCEEDED', 1, 1]);
  });

  it('waits for the settle time before its absence is believed', async () => {
    const { key } = await meet('messages.post', { kind: 'reset' });
    const before = world.clock.now();
    const record = await settle(world, key);
    expect([record.state, record.attempts]).toEqual(['SUCCEEDED', 2]);
    expect(world.clock.now() - before).toBeGreaterThan(60_000);
  });

  it('goes to a person where the token cannot see the key, although the text stands there', async () => {
    const { key } = await meet('messages.post', { kind: 'commit_then_lose_response' });
    const scopes = ['channels:history', 'channels:read', 'chat:write'];
    await turn(world.simulator, '/_admin/scopes', { token: 'local-static-token', scopes });
    const record = await settle(world, key);
    expect([record.state, applied()]).toEqual(['NEEDS_HUMAN', 1]);
  });

  it('is not taken for another one with the same text', async () => {
    await posted('Done & <sent> 🚀 https://a.example/x');
    const { key } = await meet('messages.post', { kind: 'reset' });
    expect([(await settle(world, key)).state, applied()]).toEqual(['SUCCEEDED', 1]);
  });

  it('that is lost among more messages than one page holds goes to a person', async () => {
    const { key } = await meet('messages.post', { kind: 'reset' });
    for (let n = 0; n < 1000; n += 1) {
      await turn(world.simulator, '/_admin/say', { channel, user: 'U0ANNA', text: `line ${n}` });
    }
    expect([(await settle(world, key)).state, applied()]).toEqual(['NEEDS_HUMAN', 0]);
  });
});

it('an update that a person overtook is left to a person', async () => {
  const ts = await posted('before');
  const request = await claimOf(world, slack.messages.update({ channel, ts }, 'after'));
  world.simulator.addFault({ kind: 'reset', match: { path: '^/api/chat\\.' } });
  await execute(world.kernel, request);
  await callSlack(world.simulator, 'chat.update', { channel, ts, text: 'something else' });
  expect((await settle(world, request.identity.key)).state).toBe('NEEDS_HUMAN');
});

it('an update that differs in no more than an emoji is not taken for done', async () => {
  const ts = await posted('ok 👎');
  const request = await claimOf(world, slack.messages.update({ channel, ts }, 'ok 👍'));
  world.simulator.effects.clear();
  world.simulator.addFault({ kind: 'reset', match: { path: '^/api/chat\\.' } });
  await execute(world.kernel, request);
  expect([(await settle(world, request.identity.key)).state, applied()]).toEqual(['SUCCEEDED', 1]);
});

it('twenty equal claims at once post one message', async () => {
  const request = await claimOf(world, slack.messages.post({ channel, text: 'once' }, world.clock.now()));
  await Promise.all(Array.from({ length: 20 }, () => execute(world.kernel, request)));
  expect([(await settle(world, request.identity.key)).state, applied()]).toEqual(['SUCCEEDED', 1]);
});

it.each([
  ['not_in_channel', 'system_permission'],
  ['channel_not_found', 'system_not_found'],
  ['msg_too_long', 'system_rejected'],
  ['token_revoked', 'credential_unavailable'],
  ['unknown_method', 'system_schema_changed'],
])('a post that is refused with %s is not tried again', async (error, code) => {
  await turn(world.simulator, '/_admin/answer', { method: 'chat.postMessage', error });
  const request = await claimOf(world, slack.messages.post({ channel, text: 'x' }, world.clock.now()));
  expect((await execute(world.kernel, request)).outcome).toMatchObject({
    kind: 'failed',
    failure: { code, vendorCode: error },
  });
  expect(applied()).toBe(0);
});
