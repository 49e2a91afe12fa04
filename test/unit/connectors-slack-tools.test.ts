import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { tools as index } from '../../config/tools/index.ts';
import type { SlackSimulator } from '../../infra/local/systems/slack/start.ts';
import type { PlumblineConfig } from '../../shared/config/schema.ts';
import { operationById } from '../../shared/connectors/slack/operations.ts';
import { loadTools } from '../../shared/tools/list.ts';
import { type AgentWorld, agentWorld, callTool, shippedConfig } from '../kit/agent-world.ts';
import { turn } from '../kit/answers.ts';
import { callSlack, slackSender, startTestSlack } from '../kit/slack-simulator.ts';

const names = Object.keys(index).filter((name) => name.startsWith('slack_'));

/** The shipped configuration, with one agent that may use every Slack tool in one channel only. */
function configured(): PlumblineConfig {
  const config = shippedConfig();
  const agent = config.agents['desk-assistant'];
  if (!agent) throw new Error('no such agent');
  const scope = { ...agent.scope, records: { channel: 'name = support' } };
  return { ...config, agents: { ...config.agents, 'support-assistant': { ...agent, tools: names, scope } } };
}

let world: AgentWorld;
let slack: SlackSimulator;
beforeEach(async () => {
  slack = await startTestSlack();
  world = await agentWorld(configured());
});
afterEach(async () => {
  await world.close();
  await slack.close();
});

const call = (tool: string, args: object, run = 'r1') => {
  const deps = { ...world.deps, operations: operationById, send: slackSender(slack) };
  return callTool(deps, tool, args, { agent: 'support', run });
};
const post = (args: object = {}) =>
  call('slack_message_post', { channel_id: 'C0SUPPORT', text: 'The refund is done.', ...args });
const held = () => slack.workspace.messages.get('C0SUPPORT') ?? [];

describe('the Slack tools', () => {
  it('are seven, none of which takes blocks', async () => {
    const tools = (await loadTools(index)).filter(({ name }) => names.includes(name));
    expect(tools).toHaveLength(7);
    for (const tool of tools) expect(Object.keys(tool.input.shape)).not.toContain('blocks');
  });

  it('need no scope that the configured token is not given', async () => {
    const tools = (await loadTools(index)).filter(({ name }) => names.includes(name));
    const used = tools.flatMap((tool) => {
      if (!('operation' in tool)) throw new Error(tool.name);
      const planned = tool.operation(z.parse(tool.input, tool.examples[0]) as never, { nowMs: 0 });
      return operationById(planned.operation)?.scopes ?? [];
    });
    expect(used.length).toBeGreaterThan(7);
    const given = configured().systems.slack?.scopes ?? [];
    expect(used.filter((scope) => !given.includes(scope))).toEqual([]);
  });
});

describe('an agent in Slack', () => {
  it('posts once, however often it asks, and in another run too', async () => {
    const answers = [await post(), await post(), await post({ mention_user_ids: ['U0ANNA'] })];
    expect(answers.map(({ body }) => body.status)).toEqual(['applied', 'replayed', 'applied']);
    expect(held().map(({ text }) => text)).toEqual(['The refund is done.', '<@U0ANNA> The refund is done.']);
    expect(
      (await call('slack_message_post', { channel_id: 'C0SUPPORT', text: 'The refund is done.' }, 'r2')).body.status,
    ).toBe('replayed');
  });

  it('posts once where a repeat spells out what is taken without it', async () => {
    const answers = [await post(), await post({ mention_user_ids: [] })];
    expect(answers.map(({ body }) => body.status)).toEqual(['applied', 'replayed']);
    const more = [await post({ text: 'A', mention_user_ids: [] }), await post({ text: 'A' })];
    expect(more.map(({ body }) => body.status)).toEqual(['applied', 'replayed']);
    expect(held()).toHaveLength(2);
  });

  it('calls nobody with what it writes', async () => {
    await post({ text: '<!channel> @here <@U0ANNA> all of you' });
    expect(held()[0]?.text).toBe('&lt;!channel&gt; @here &lt;@U0ANNA&gt; all of you');
  });

  it('is refused arguments that no tool has, such as blocks', async () => {
    const { status } = await post({ blocks: [{ type: 'actions', elements: [] }] });
    expect([status, held().length]).toEqual([422, 0]);
  });

  it('answers in the thread, whichever message of it was named, once', async () => {
    const { ts } = (await callSlack(slack, 'chat.postMessage', { channel: 'C0SUPPORT', text: 'Where is my refund?' }))
      .body;
    const first = await call('slack_thread_reply', { message_id: `C0SUPPORT/${ts}`, text: 'On its way.' });
    const again = await call('slack_thread_reply', { message_id: first.body.data.message.id, text: 'On its way.' });
    expect([first.body.status, again.body.status]).toEqual(['applied', 'replayed']);
    const thread = await call('slack_thread_get', { message_id: first.body.data.message.id });
    expect(thread.body.data.messages.map(({ text }: { text: string }) => text)).toEqual([
      'Where is my refund?',
      'On its way.',
    ]);
  });

  it("corrects its own message, back and forth, and no one else's", async () => {
    const { message } = (await post()).body.data;
    const to = (text: string, run: string) => call('slack_message_update', { message_id: message.id, text }, run);
    const answers = [await to('Corrected.', 'r1'), await to('Corrected.', 'r1'), await to('The refund is done.', 'r2')];
    expect(answers.map(({ body }) => body.status)).toEqual(['applied', 'replayed', 'applied']);
    expect(answers[0]?.body.data.message.text).toEqual({ before: 'The refund is done.', after: 'Corrected.' });
    const said = await turn(slack, '/_admin/say', { channel: 'C0SUPPORT', user: 'U0ANNA', text: 'mine' });
    const foreign = await call('slack_message_update', { message_id: `C0SUPPORT/${said.body.ts}`, text: 'yours' });
    expect(foreign.body.error.code).toBe('system_permission');
    expect(held().map(({ text }) => text)).toEqual(['The refund is done.', 'mine']);
  });

  it('finds channels by a part of their name, and reads on page by page', async () => {
    const { body } = await call('slack_channel_find', { name: 'supp' });
    expect(body.data.channels).toMatchObject([{ id: 'C0SUPPORT', name: 'support', app_is_member: true }]);
    for (const text of ['one', 'two', 'three']) await post({ text });
    const first = await call('slack_messages_list', { channel_id: 'C0SUPPORT', limit: 2 });
    const rest = await call('slack_messages_list', { channel_id: 'C0SUPPORT', limit: 2, after: first.body.data.after });
    const texts = [...first.body.data.messages, ...rest.body.data.messages].map(({ text }) => text);
    expect([texts, rest.body.data.after]).toEqual([['three', 'two', 'one'], null]);
  });

  it('posts only where its scope reaches', async () => {
    const { body } = await post({ channel_id: 'C0GENERAL' });
    expect([body.status, slack.effects.effects().length]).toEqual(['refused', 0]);
  });

  it('finds a colleague without seeing more than it may', async () => {
    const { body } = await call('slack_user_find', { email: 'Anna@Acme.example' });
    expect(body.data.user).toMatchObject({ id: 'U0ANNA', name: 'Anna' });
    expect(JSON.stringify(body.data)).not.toContain('acme.example');
  });
});
