import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startToolWorld, type ToolWorld } from '../kit/tool-world.ts';

const agent = 'account-assistant';
let world: ToolWorld;
let url: string;

beforeAll(async () => {
  world = await startToolWorld();
  url = world.local.simulators.get('salesforce')?.url ?? '';
});
afterAll(() => world?.close());

const show = async (path: string) => (await (await fetch(`${url}${path}`)).json()) as Record<string, object[]>;
const turn = (knob: string, body: object = {}) =>
  fetch(`${url}/_admin/${knob}`, { method: 'POST', body: JSON.stringify(body) });
const ask = async (tool: string, args: object) => (await world.call(tool, args, { agent })).body;

/** The first account that has a contact, and that contact. */
async function customer(): Promise<{ readonly account: string; readonly contact: string }> {
  const { data } = await ask('account_find', { name: 'e' });
  const { accounts } = data as unknown as { accounts: { id: string }[] };
  for (const { id } of accounts) {
    const said = (await ask('account_get', { account_id: id })).data as unknown as { contacts: { id: string }[] };
    const [contact] = said.contacts;
    if (contact) return { account: id, contact: contact.id };
  }
  throw new Error('no account has a contact');
}

describe('an agent in Salesforce, in the local deployment', () => {
  it('finds a customer and sees names only as far as its scope goes', async () => {
    const { account } = await customer();
    const { status, data } = await ask('account_get', { account_id: account });
    expect([status, data]).toMatchObject(['ok', { account: { id: account } }]);
    const [contact] = (data as unknown as { contacts: { email: string | null; last_name: string }[] }).contacts;
    expect([contact?.last_name, contact?.email ?? '']).toEqual([expect.any(String), expect.not.stringMatching(/@/)]);
  });

  it('creates an opportunity with its contact once, however often it asks', async () => {
    const { account, contact } = await customer();
    const args = {
      account_id: account,
      contact_id: contact,
      name: 'Flow: pilot',
      close_date: '2030-01-31',
      amount: 100,
    };
    const before = (await show('/_effects')).effects?.length ?? 0;
    const statuses = [await ask('opportunity_create', args), await ask('opportunity_create', args)].map(
      ({ status }) => status,
    );
    const made = (await show('/_effects')).effects
      ?.slice(before)
      .map((effect) => (effect as { object: string }).object);
    expect([statuses, made]).toEqual([
      ['applied', 'replayed'],
      ['Opportunity', 'OpportunityContactRole'],
    ]);
  });

  it('goes on with a new session where the old one ended unsaid, and comments once', async () => {
    const { account } = await customer();
    const made = await ask('case_create', {
      account_id: account,
      subject: 'Flow: broken',
      description: 'It is broken.',
    });
    const { id } = (made.data as unknown as { case: { id: string } }).case;
    await turn('expire-tokens');
    const comment = { case_id: id, text: 'The customer called again.' };
    const statuses = [await ask('case_append_comment', comment), await ask('case_append_comment', comment)];
    expect(statuses.map(({ status }) => status)).toEqual(['applied', 'replayed']);
  });

  it('asks a person before an opportunity is closed, and refuses to reopen one', async () => {
    const search = (stage: string) => ask('opportunity_search', { stage, limit: 1 });
    const idOf = async (stage: string) =>
      ((await search(stage)).data as unknown as { opportunities: { id: string }[] }).opportunities[0]?.id ?? '';
    const reason = 'Maria Gomez confirmed it on the phone.';
    const [open, closed] = [await idOf('Qualification'), await idOf('Closed Lost')];
    const closing = await ask('opportunity_update_stage', { opportunity_id: open, stage: 'Closed Won', reason });
    const opening = await ask('opportunity_update_stage', { opportunity_id: closed, stage: 'Prospecting', reason });
    expect([closing.status, opening.status]).toEqual(['pending_approval', 'refused']);
  });

  it('is told once of what people change there, though Salesforce says it twice and is acknowledged twice', async () => {
    const { account } = await customer();
    const before = ((await show('/_webhooks')).deliveries ?? []).length;
    await turn('duplicate-webhook');
    await turn('touch', { type: 'Account', id: account, fields: { Name: 'Changed by a person' } });
    const told = await world.until('both deliveries', async () => {
      const { deliveries = [] } = await show('/_webhooks');
      return deliveries.length >= before + 2
        ? (deliveries.slice(before) as { ids: string[]; acknowledged: boolean }[])
        : null;
    });
    expect(told.map(({ acknowledged }) => acknowledged)).toEqual([true, true]);
    const mine = async () =>
      (await world.entries()).filter((one) => one.kind === 'event' && one.identity.includes(told[0]?.ids[0] ?? '-'));
    await world.until('the event', async () => (await mine()).length > 0);
    expect(await mine()).toMatchObject([{ type: 'account.outbound', outcome: expect.any(String) }]);
  });
});
