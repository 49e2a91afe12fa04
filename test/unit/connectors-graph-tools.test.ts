import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tools as index } from '../../config/tools/index.ts';
import type { PlumblineConfig } from '../../shared/config/schema.ts';
import { manifest } from '../../shared/connectors/graph/manifest.ts';
import { operationById } from '../../shared/connectors/graph/operations.ts';
import { makeCatalog } from '../../shared/tools/catalog.ts';
import { lintTools } from '../../shared/tools/lint.ts';
import { loadTools } from '../../shared/tools/list.ts';
import { type AgentWorld, agentWorld, callTool, shippedConfig } from '../kit/agent-world.ts';
import { annaId, callGraph, type GraphWorld, graphWorld } from '../kit/graph-simulator.ts';

const tools = (await loadTools(index)).filter(({ name }) => index[name]?.through.includes('graph'));
const shipped = shippedConfig();

type Approvals = PlumblineConfig['policies']['approvals'];
/** The shipped configuration, in which the agent of the test keys is the one that works with mail. */
function configured(approvals: Approvals = [], records: Record<string, string> = {}): PlumblineConfig {
  const agent = shipped.agents['mail-assistant'];
  if (!agent) throw new Error('no such agent');
  const scoped = { ...agent, scope: { ...agent.scope, records } };
  const agents = { ...shipped.agents, 'support-assistant': scoped };
  return { ...shipped, agents, policies: { ...shipped.policies, approvals } };
}

let world: AgentWorld;
let tenant: GraphWorld;
async function open(config = configured()) {
  tenant = await graphWorld();
  world = await agentWorld(config);
}
const close = async () => {
  await world.close();
  await tenant.close();
};
const call = (tool: string, args: object, run = 'r1') => {
  const deps = { ...world.deps, catalog: makeCatalog(tools), operations: operationById, send: tenant.system.send };
  return callTool(deps, tool, args, { agent: 'support', run });
};
const admin = (name: string, body: unknown) => callGraph(tenant.simulator, 'POST', `/_admin/${name}`, body);
const arrived = async (subject: string, text: string) =>
  (await admin('receive', { to: annaId, from: 'maria@example.com', subject, text })).body.id as string;
const sentMails = () => tenant.simulator.effects.effects().filter(({ object }) => object === 'sent_mail');
const user_id = annaId;
const mail = { user_id, to: ['maria@example.com'], subject: 'Your delivery', text: 'On Friday.' };

describe('the Microsoft 365 tools', () => {
  it('break no rule', () => {
    const { policies, systems } = shipped;
    const personal = systems.graph?.personal ?? [];
    const context = { policies, operations: operationById, systems: Object.keys(systems), personal };
    expect(tools).toHaveLength(11);
    // E3 looks for the tools of other systems that a description names; the test of all tools has them.
    expect(lintTools(tools, context).filter(({ rule }) => rule !== 'E3')).toEqual([]);
  });

  it('need no permission that the configured system does not ask for, where writing includes reading', () => {
    const granted = new Set(shipped.systems.graph?.scopes);
    for (const scope of [...granted]) granted.add(scope.replace('ReadWrite', 'Read'));
    const used = tools.flatMap((tool) => {
      if (tool.kind === 'across') return [];
      return operationById(tool.operation(tool.examples[0] as never, { nowMs: 0 }).operation)?.scopes ?? [];
    });
    expect(used.filter((scope) => !granted.has(scope))).toEqual([]);
    expect(manifest.scopes).toEqual(expect.arrayContaining([...new Set(used)]));
  });
});

describe('an agent that works with mail', () => {
  beforeEach(() => open());
  afterEach(close);

  it('finds a colleague, a mail, its text and its conversation', async () => {
    const message_id = await arrived('Delivery late?', 'Where is it?');
    expect((await call('user_find', { email: 'ANNA@acme.example' })).body.data.user).toMatchObject({ id: annaId });
    expect((await call('user_find', { name: 'Anna' })).body.data.user).toMatchObject({ id: annaId });
    const found = await call('mail_search', { user_id, words: 'where is', from: 'maria@example.com' });
    expect(found.body.data).toMatchObject({ mails: [{ id: message_id, subject: 'Delivery late?' }], after: null });
    const read = (await call('mail_get', { user_id, message_id })).body.data.mail;
    expect(read).toMatchObject({ text: 'Where is it?\r\n', from: 'maria@example.com' });
    const thread = await call('mail_thread_get', { user_id, conversation_id: read.conversation_id });
    expect(thread.body.data.mails).toMatchObject([{ id: message_id }]);
    expect((await call('mail_search', { user_id })).body.error.code).toBe('invalid_input');
  });

  it('writes one draft and sends it once, however often it asks and in whatever run', async () => {
    const drafts = [await call('email_draft_create', mail), await call('email_draft_create', mail)];
    expect(drafts.map(({ body }) => body.status)).toEqual(['applied', 'replayed']);
    const { action_id: draft_action, data } = drafts[0]?.body ?? {};
    const args = { user_id, draft_id: data.draft.id, draft_action };
    expect(sentMails()).toEqual([]);
    const sends = [
      await call('email_send', args),
      await call('email_send', args),
      await call('email_send', args, 'r2'),
    ];
    expect(sends.map(({ body }) => body.status)).toEqual(['applied', 'replayed', 'replayed']);
    expect(sentMails()).toMatchObject([{ key: draft_action, properties: { subject: 'Your delivery' } }]);
  });

  it('answers in the conversation, and sends only what it wrote itself', async () => {
    const message_id = await arrived('Delivery late?', 'Where is it?');
    const reply = await call('email_reply_create', { user_id, message_id, text: 'On Friday.' });
    const draft_id = reply.body.data.draft.id;
    expect(reply.body.data.draft).toMatchObject({ subject: 'RE: Delivery late?' });
    const wrong = await call('email_send', { user_id, draft_id, draft_action: `act_${'0'.repeat(40)}_1` });
    expect([wrong.body.status, wrong.body.error.code]).toEqual(['failed', 'system_not_found']);
    const sent = await call('email_send', { user_id, draft_id, draft_action: reply.body.action_id });
    expect([sent.body.status, sentMails().length]).toEqual(['applied', 1]);
  });

  it('says that there is no such mailbox, and not that it is empty', async () => {
    await open();
    const nobody = { user_id: '00000000-0000-4000-8000-00000000000f', from: '2030-01-01T00:00:00Z' };
    const { body } = await call('calendar_list', { ...nobody, to: '2030-01-02T00:00:00Z' });
    expect(body).toMatchObject({ status: 'failed', error: { code: 'system_not_found' } });
  });

  it('keeps a calendar, and changes nothing that somebody changed since or that others are invited to', async () => {
    const span = { start: '2030-01-01T10:00:00Z', end: '2030-01-01T11:00:00Z' };
    const made = await call('calendar_event_create', { user_id, subject: 'Call', ...span });
    expect(made.body.status).toBe('applied');
    const list = async () =>
      (await call('calendar_list', { user_id, from: '2030-01-01T00:00:00Z', to: '2030-01-02T00:00:00Z' })).body.data
        .events;
    const [{ id: event_id, version }] = await list();
    const moved = { user_id, event_id, version, start: '2030-01-01T12:00:00Z', end: '2030-01-01T13:00:00Z' };
    expect((await call('calendar_event_update', moved)).body.data.event).toMatchObject({
      start: { before: span.start, after: moved.start },
    });
    const stale = await call('calendar_event_update', { user_id, event_id, version, subject: 'Late' });
    expect(stale.body.error.code).toBe('system_conflict');
    const meeting = { user_id, subject: 'Visit', attendees: ['maria@example.com'], ...span };
    expect((await call('calendar_meeting_invite', meeting)).body.status).toBe('applied');
    const visit = (await list()).find(({ subject }: { subject: string }) => subject === 'Visit');
    const change = { user_id, event_id: visit.id, version: visit.version, subject: 'No visit' };
    expect((await call('calendar_event_update', change)).body.error.code).toBe('gate_refused');
  });
});

it('an agent sees and touches only the mailboxes of its scope, through pages of lists too', async () => {
  const elsewhere = 'mailbox = bbbbbbbb-0000-4000-8000-000000000002';
  await open(configured([], { message: elsewhere, event: elsewhere }));
  for (let n = 0; n < 3; n += 1) await arrived(`Secret ${n}`, 'x');
  const search = await call('mail_search', { user_id, words: 'secret', limit: 2 });
  expect(search.body.data.mails).toEqual([]);
  const after = `/v1.0/users/${annaId}/messages?$top=10`;
  expect((await call('mail_search', { user_id, after })).body.data.mails).toEqual([]);
  expect((await call('email_draft_create', mail)).body.error.code).toBe('out_of_scope');
  const span = { start: '2030-01-01T10:00:00Z', end: '2030-01-01T11:00:00Z' };
  expect((await call('calendar_event_create', { user_id, subject: 'x', ...span })).body.error.code).toBe(
    'out_of_scope',
  );
  expect(tenant.simulator.effects.effects()).toEqual([]);
  await close();
});

it('an agent works in the mailbox of its scope, page by page', async () => {
  const mine = `mailbox = ${annaId}`;
  await open(configured([], { message: mine, event: mine }));
  for (let n = 0; n < 3; n += 1) await arrived(`Secret ${n}`, 'x');
  const first = (await call('mail_search', { user_id, words: 'secret', limit: 2 })).body.data;
  const second = (await call('mail_search', { user_id, after: first.after })).body.data;
  expect([first.mails.length, second.mails.length, second.after]).toEqual([2, 1, null]);
  const { body } = await call('email_draft_create', mail);
  const sent = await call('email_send', { user_id, draft_id: body.data.draft.id, draft_action: body.action_id });
  expect(sent.body.status).toBe('applied');
  await close();
});

it('a mail that needs an approval waits for it and is not sent', async () => {
  await open(configured([{ when: { tool: 'email_send' }, by: 'revops-leads', within: 3_600_000 }]));
  const draft = (await call('email_draft_create', mail)).body;
  const sent = await call('email_send', { user_id, draft_id: draft.data.draft.id, draft_action: draft.action_id });
  expect([sent.body.status, sentMails()]).toEqual(['pending_approval', []]);
  await close();
});

it('an agent that may not see addresses is shown none, also inside a text', async () => {
  const config = configured();
  const agent = config.agents['support-assistant'];
  if (!agent) throw new Error('no such agent');
  const blind = { ...agent, scope: { ...agent.scope, personal: ['body'] } };
  await open({ ...config, agents: { ...config.agents, 'support-assistant': blind } });
  const message_id = await arrived('S', 'write to eve@example.com');
  const text = JSON.stringify((await call('mail_get', { user_id, message_id })).body);
  expect(text).toContain('write to');
  expect(text).not.toMatch(/eve@|maria@|anna@/i);
  await close();
});
