import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startToolWorld, type ToolWorld } from '../kit/tool-world.ts';

let world: ToolWorld;
let deals: string[];

beforeAll(async () => {
  world = await startToolWorld();
  deals = [...world.local.hubspot.portal.objects.deals.values()]
    .filter(({ properties }) => properties['pipeline'] === 'default' && properties['dealstage'] === 'qualifiedtobuy')
    .map(({ id }) => id);
});
afterAll(() => world?.close());
beforeEach(() => world.clearFaults());

const reason = 'Maria Gomez signed and sent it back.';
const close = (deal_id: string, run: string) =>
  world.call('deal_update_stage', { deal_id, stage: 'closedwon', reason }, { run });
const dealWrites = async (id: string) =>
  (await world.effects()).filter((effect) => effect.object === 'deals' && effect.id === id).length;

type CaseRow = { case_id: string; kind: string; action_id: string; owner: string; reason: string };
const caseOf = (actionId: string | undefined) =>
  world.until(`a case of ${actionId} is open`, async () => {
    const { json } = await world.operator('ben', 'GET', '/v1/cases');
    return (json as { cases: CaseRow[] }).cases.find((row) => row.action_id === actionId);
  });
const resolve = (person: string, row: CaseRow, decision: string) =>
  world.operator(person, 'POST', `/v1/cases/${row.case_id}/resolution`, { decision, reason: 'Read the contract.' });
const polled = (actionId: string | undefined, ...wanted: string[]) =>
  world.until(
    `${actionId} answers ${wanted.join(' or ')}`,
    async () => {
      const told = await world.get(`/v1/actions/${actionId}`);
      return wanted.includes(told.body.status) && told;
    },
    20_000,
  );

describe('an action that needs approval', () => {
  it('waits, answers the same action to the same call, and is sent once a person approved it', async () => {
    const [deal = ''] = deals;
    const first = await close(deal, 'approved');
    const second = await close(deal, 'approved');
    expect([first.status, first.body.status, first.body.effect]).toEqual([202, 'pending_approval', 'none']);
    expect([second.body.status, second.body.action_id]).toEqual(['pending_approval', first.body.action_id]);
    expect(first.body.poll).toMatchObject({ tool: 'action_get', arguments: { action_id: first.body.action_id } });
    const row = await caseOf(first.body.action_id);
    expect([row.kind, row.owner, await dealWrites(deal)]).toEqual(['approval', 'revops-leads', 0]);
    expect((await resolve('ben', row, 'approve')).status).toBe(200);
    const { body } = await polled(first.body.action_id, 'applied');
    expect(body.data).toEqual({ deal: { id: deal, stage: { before: 'qualifiedtobuy', after: 'closedwon' } } });
    expect((await close(deal, 'approved')).body).toMatchObject({ status: 'replayed', still_in_effect: true });
    expect(await dealWrites(deal)).toBe(1);
  });

  it('cannot be approved by who answers for the agent, nor by an approver of another team', async () => {
    const [, deal = ''] = deals;
    const row = await caseOf((await close(deal, 'not-by-anna')).body.action_id);
    const answers = [await resolve('anna', row, 'approve'), await resolve('carla', row, 'approve')];
    expect(answers.map(({ status }) => status)).toEqual([403, 403]);
    expect((await resolve('eva', row, 'approve')).status).toBe(403);
    expect(await dealWrites(deal)).toBe(0);
  });

  it('is refused for good when a person rejects it', async () => {
    const [, , deal = ''] = deals;
    const { body } = await close(deal, 'rejected');
    expect((await resolve('ben', await caseOf(body.action_id), 'reject')).status).toBe(200);
    const told = await polled(body.action_id, 'refused');
    expect(told.body.error?.code).toBe('approval_rejected');
    expect((await close(deal, 'rejected')).body).toMatchObject({ status: 'refused', action_id: body.action_id });
    expect(await dealWrites(deal)).toBe(0);
  });

  it('expires when nobody decides in time, and cannot be approved afterwards', async () => {
    const [, , , deal = ''] = deals;
    const { body } = await close(deal, 'expired');
    const row = await caseOf(body.action_id);
    await world.age(5 * 3_600_000, ({ runId }) => runId === 'expired');
    await world.settle(body.action_id, 'EXPIRED');
    expect((await resolve('ben', row, 'approve')).status).toBe(409);
    expect((await polled(body.action_id, 'refused')).body.error?.code).toBe('approval_expired');
    expect(await dealWrites(deal)).toBe(0);
  });

  it('is not sent when a person changed the deal while it waited', async () => {
    const [, , , , deal = ''] = deals;
    const { body } = await close(deal, 'changed');
    const row = await caseOf(body.action_id);
    await world.touch('deals', deal, { dealstage: 'presentationscheduled' });
    await resolve('ben', row, 'approve');
    expect((await polled(body.action_id, 'failed', 'applied')).body.error?.code).toBe('target_changed');
    expect(await dealWrites(deal)).toBe(0);
  });
});

describe('two agents', () => {
  const support = { agent: 'support-assistant' };
  const note = { contact_id: '1101', text: 'Asked by both.' };

  it.each([
    ['in one run', { run: 'shared' }],
    ['without a run', {}],
  ])('with one intent %s are two actions and two effects', async (_how, options) => {
    const args = { ...note, text: `${note.text} ${JSON.stringify(options)}` };
    const one = await world.call('contact_append_note', args, options);
    const other = await world.call('contact_append_note', args, { ...options, ...support });
    expect([one.body.status, other.body.status]).toEqual(['applied', 'applied']);
    expect(one.body.action_id).not.toBe(other.body.action_id);
  });

  it('see nothing of each other, by any route', async () => {
    const { body } = await world.call('contact_append_note', { ...note, text: 'Mine.' }, { run: 'mine' });
    const id = body.action_id ?? '';
    await world.until('the run is on the ledger', async () => (await world.get('/v1/runs/mine')).status === 200);
    const foreign = [
      await world.get(`/v1/actions/${id}`, support.agent),
      await world.call('action_get', { action_id: id }, support),
      await world.get('/v1/runs/mine', support.agent),
    ];
    expect(foreign.map(({ status }) => status)).toEqual([404, 404, 404]);
    expect(foreign.some(({ text }) => text.includes('Mine.'))).toBe(false);
    expect((await world.get(`/v1/actions/${id}`)).body.status).toBe('applied');
  });

  it('cannot repeat each other, nor reach evidence or decisions with a key', async () => {
    const args = { ...note, text: 'Mine again.' };
    const { body } = await world.call('contact_append_note', args);
    const again = await world.call('contact_append_note', args, { ...support, body: { again: body.action_id } });
    expect([again.status, again.body.error?.code]).toEqual([422, 'again_not_matching']);
    expect((await world.get(`/v1/actions/${body.action_id}/evidence`, support.agent)).status).toBe(404);
    const key = { authorization: `Bearer ${world.local.agentKeys['sales-assistant']}` };
    const doors = await Promise.all(
      ['/v1/cases', `/v1/actions/${body.action_id}`, '/v1/control'].map(
        async (path) => (await fetch(`${world.local.urls.operators}${path}`, { headers: key })).status,
      ),
    );
    expect(doors).toEqual([401, 401, 401]);
  });

  it('use only their own tools', async () => {
    const { status, body } = await world.call(
      'deal_update_stage',
      { deal_id: deals[0], stage: 'closedwon', reason },
      support,
    );
    expect([status, body.status, body.error?.code]).toEqual([403, 'refused', 'permission_denied']);
  });
});

describe('a switch', () => {
  const control = (body: object) => world.operator('dev', 'PUT', '/v1/control', { reason: 'Drill.', ...body });
  const text = (n: number) => `While it is off, ${n}.`;
  const put = (n: number) => world.call('contact_append_note', { contact_id: '1102', text: text(n) });
  const puts = async () =>
    (await world.effects()).filter(({ properties }) => String(properties['hs_note_body']).startsWith('While')).length;

  it('stops every send of every process within 5 s, and what waits is held, not lost', async () => {
    await world.call('contact_append_note', { contact_id: '1102', text: 'Warm.' });
    await world.fault({
      match: { method: 'POST', path: '/crm/objects/2026-09/notes' },
      kind: 'html_error',
      status: 477,
    });
    const waiting = await put(0);
    expect(waiting.body.status).toBe('queued');
    expect((await control({ what: 'system', name: 'hubspot', off: true })).status).toBe(200);
    const atMs = Date.now();
    let n = 1;
    const refused = await world.until('five calls in a row are refused', async () => {
      const answers = await Promise.all(Array.from({ length: 5 }, () => put(n++)));
      return answers.every(({ body }) => body.status === 'refused') && answers;
    });
    expect(Date.now() - atMs).toBeLessThan(5000);
    expect(refused[0]?.body.error?.code).toBe('switched_off');
    expect(refused[0]?.status).toBe(503);
    await world.until('the 5 s are over', async () => Date.now() > atMs + 5000);
    const before = await puts();
    await world.age(3_700_000, ({ state }) => state === 'RETRYABLE');
    await world.settle(waiting.body.action_id, 'RETRYABLE');
    await put(n++);
    expect(await puts()).toBe(before);
    expect((await world.get(`/v1/actions/${waiting.body.action_id}`)).body.status).toBe('queued');
    await control({ what: 'system', name: 'hubspot', off: false });
    await world.until('the switch is seen', async () => (await put(999)).body.status === 'applied');
    await world.until('what waited is sent', async () => {
      await world.age(3_700_000, ({ state }) => state === 'RETRYABLE');
      await world.local.pollers.fire('tick');
      return (await world.record(waiting.body.action_id))?.state === 'SUCCEEDED';
    });
    expect((await world.effects()).filter(({ properties }) => properties['hs_note_body'] === text(0))).toHaveLength(1);
  });

  it('pauses one agent and lets the other work', async () => {
    await control({ what: 'agent', name: 'support-assistant', off: true });
    const write = (agent: string, n: number) =>
      world.call('contact_append_note', { contact_id: '1103', text: `Paused ${n}.` }, { agent });
    let n = 0;
    await world.until('it is refused', async () => (await write('support-assistant', n++)).body.status === 'refused');
    expect((await write('sales-assistant', n)).body.status).toBe('applied');
    await control({ what: 'agent', name: 'support-assistant', off: false });
  });
});
