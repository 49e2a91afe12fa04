import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startToolWorld, type ToolWorld } from '../kit/tool-world.ts';

const agent = 'mail-assistant';
let world: ToolWorld;
let url: string;
let user_id: string;

beforeAll(async () => {
  world = await startToolWorld();
  url = world.local.simulators.get('graph')?.url ?? '';
  const found = (await ask('user_find', { email: 'anna.example@acme.example' })).data as unknown as {
    user: { id: string };
  };
  user_id = found.user.id;
});
afterAll(() => world?.close());

const show = async (path: string) => (await (await fetch(`${url}${path}`)).json()) as Record<string, object[]>;
const turn = (knob: string, body: object = {}) =>
  fetch(`${url}/_admin/${knob}`, { method: 'POST', body: JSON.stringify(body) });
const ask = async (tool: string, args: object) => (await world.call(tool, args, { agent })).body;
const effects = async (object: string) =>
  ((await show('/_effects')).effects ?? []).filter((effect) => (effect as { object: string }).object === object);

describe('an agent in Microsoft 365, in the local deployment', () => {
  it('finds mails, and drafts an answer once with a new token where the old one ended', async () => {
    const { data } = await ask('mail_search', { user_id, words: 'please call me back', limit: 3 });
    const { mails } = data as unknown as { mails: { id: string }[] };
    const args = { user_id, message_id: mails[0]?.id, text: 'We call you on Friday.' };
    await turn('expire-tokens');
    const statuses = [await ask('email_reply_create', args), await ask('email_reply_create', args)];
    expect(statuses.map(({ status }) => status)).toEqual(['applied', 'replayed']);
    expect(await effects('message')).toHaveLength(1);
  });

  it('sends a draft at most once where the answer gets lost', async () => {
    const mail = { user_id, to: ['maria@example.com'], subject: 'Flow', text: 'Hello' };
    const made = await ask('email_draft_create', mail);
    const { draft } = made.data as unknown as { draft: { id: string } };
    const fault = {
      kind: 'commit_then_lose_response',
      match: { method: 'POST', path: '^/v1.0/users/[^/]+/messages/.*/send$' },
    };
    await fetch(`${url}/_faults`, { method: 'POST', body: JSON.stringify(fault) });
    const args = { user_id, draft_id: draft.id, draft_action: made.action_id };
    const first = await ask('email_send', args);
    const again = await ask('email_send', args);
    const sent = (await effects('sent_mail')).length;
    // With an approval in the way nothing goes out; without one it goes out once and is not known yet.
    expect([first.status === 'pending_approval' ? 0 : 1, first.action_id]).toEqual([sent, again.action_id]);
    expect(['unknown', 'pending_approval']).toContain(first.status);
  });

  it('is told of a mail that arrives, which is read again live', async () => {
    await turn('receive', { to: user_id, from: 'maria@example.com', subject: 'Flow: news', text: 'News.' });
    const entry = await world.until('the event is on the ledger', async () =>
      (await world.entries()).find((one) => one.kind === 'event' && JSON.stringify(one).includes('message.created')),
    );
    expect(JSON.stringify(entry)).toContain('"graph');
    expect(JSON.stringify(entry)).not.toContain('maria@example.com');
  });
});
