import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { tools } from '../../config/tools/index.ts';
import { sha256Hex } from '../../shared/model/ids.ts';
import { type Called, notesWith, startToolWorld, type ToolWorld } from '../kit/tool-world.ts';

let world: ToolWorld;
let deals: string[];
let tickets: string[];
let email: string;

beforeAll(async () => {
  world = await startToolWorld();
  const { objects } = world.local.hubspot.portal;
  const open = [...objects.deals.values()].filter(
    ({ properties }) => properties['pipeline'] === 'default' && properties['dealstage'] === 'qualifiedtobuy',
  );
  deals = open.map(({ id }) => id);
  tickets = [...objects.tickets.keys()];
  const emails = Map.groupBy(objects.contacts.values(), ({ properties }) => properties['email'] ?? '');
  email =
    [...emails].find(([text, held]) => /^[a-z0-9.]+@[a-z0-9.]+\.[a-z]+$/.test(text) && held.length === 1)?.[0] ?? '';
});
afterAll(() => world?.close());
beforeEach(() => world.clearFaults());

const reason = 'Maria Gomez confirmed it on the phone.';
const move = (deal_id: string, stage: string, run: string, body: object = {}) =>
  world.call('deal_update_stage', { deal_id, stage, reason }, { run, body });
const stageWrites = async (id: string) =>
  (await world.effects()).filter((effect) => effect.object === 'deals' && effect.id === id).length;
const statuses = (answers: readonly Called[]) => answers.map(({ body }) => body.status).sort();

const write = { status: 'applied', effect: 'applied', source: 'hubspot', live: true };
const read = { status: 'ok', effect: 'none', source: 'hubspot', live: true };
const everyTool: readonly [tool: string, args: () => object, envelope: object, agent?: string][] = [
  ['contact_find', () => ({ email }), { ...read, data: { contact: { email: expect.any(String) } } }],
  ['contact_get', () => ({ contact_id: '1001' }), { ...read, data: { contact: { id: '1001' } } }],
  ['contact_append_note', () => ({ contact_id: '1001', text: 'Each tool once.' }), write],
  [
    'contact_upsert',
    () => ({ email: 'new.person@example.com', firstname: 'Nia' }),
    { ...write, data: { contact: { email: 'new.person@example.com', firstname: 'Nia' } } },
  ],
  ['deal_get', () => ({ deal_id: deals[0] }), { ...read, data: { deal: { id: expect.any(String) } } }],
  ['deal_search', () => ({ words: 'Acme', limit: 2 }), { ...read, data: { shown: 2 } }],
  [
    'deal_create',
    () => ({ name: 'Acme: each tool once' }),
    { ...write, data: { deal: { name: 'Acme: each tool once' } } },
  ],
  [
    'deal_update_stage',
    () => ({ deal_id: deals[0], stage: 'contractsent', reason }),
    { ...write, data: { deal: { stage: { before: 'qualifiedtobuy', after: 'contractsent' } } } },
  ],
  [
    'ticket_create',
    () => ({ contact_id: '1001', subject: 'Each tool once', content: 'It is broken.' }),
    { ...write, data: { ticket: { subject: 'Each tool once' } } },
    'support-assistant',
  ],
  ['ticket_append_note', () => ({ ticket_id: tickets[0], text: 'Each tool once.' }), write],
];

describe('a tool call', () => {
  it.each(everyTool)('answers %s in the one envelope', async (tool, args, envelope, agent) => {
    const { status, body } = await world.call(tool, args(), { run: 'each-tool', ...(agent && { agent }) });
    expect(body).toMatchObject({ ...envelope, run_id: 'each-tool', call_id: expect.stringMatching(/^call_/) });
    expect(status).toBe(200);
    expect(Date.parse(String(body.fetched_at))).toBeGreaterThan(Date.now() - 60_000);
  });

  it('is tried here for every tool of HubSpot', () => {
    expect(everyTool.map(([name]) => name).sort()).toEqual(
      Object.keys(tools)
        .filter((name) => tools[name]?.through.join() === 'hubspot')
        .sort(),
    );
  });

  it('has one effect however often it is repeated, one after the other', async () => {
    const text = 'One after the other.';
    const answers = [];
    for (let i = 0; i < 5; i += 1) answers.push(await world.call('contact_append_note', { contact_id: '1002', text }));
    expect(statuses(answers)).toEqual(['applied', ...Array(4).fill('replayed')]);
    expect(notesWith(await world.effects(), text)).toHaveLength(1);
  });

  it('has one effect when it comes five times at once, and five answers name it', async () => {
    const text = 'Five at once.';
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => world.call('contact_append_note', { contact_id: '1003', text })),
    );
    expect(statuses(answers)).toEqual(['applied', ...Array(4).fill('replayed')]);
    expect(new Set(answers.map(({ body }) => JSON.stringify([body.action_id, body.data]))).size).toBe(1);
    expect(notesWith(await world.effects(), text)).toHaveLength(1);
  });

  it('appends the same once more with `again`, and only once for one `again`', async () => {
    const args = { contact_id: '1004', text: 'Reminded of the offer.' };
    const first = await world.call('contact_append_note', args);
    const again = { body: { again: first.body.action_id } };
    const more = [
      await world.call('contact_append_note', args, again),
      await world.call('contact_append_note', args, again),
    ];
    expect(more.map(({ body }) => body.status)).toEqual(['applied', 'replayed']);
    expect(more[0]?.body.action_id).toBe(first.body.action_id?.replace(/_1$/, '_2'));
    expect(notesWith(await world.effects(), args.text)).toHaveLength(2);
  });

  it('moves a deal A to B to A to B in one run when the last step says `again`', async () => {
    const [deal = ''] = deals.slice(1);
    const toB = await move(deal, 'contractsent', 'abab');
    await move(deal, 'qualifiedtobuy', 'abab');
    const unsaid = await move(deal, 'contractsent', 'abab');
    expect(unsaid.body).toMatchObject({ status: 'replayed', still_in_effect: false });
    expect(unsaid.body.next_step?.message).toContain(toB.body.action_id);
    expect(unsaid.body.data).toMatchObject({ now: { deal: { stage: 'qualifiedtobuy' } } });
    const said = await move(deal, 'contractsent', 'abab', { again: toB.body.action_id });
    expect(said.body).toMatchObject({ status: 'applied', data: { deal: { stage: { after: 'contractsent' } } } });
    expect(await stageWrites(deal)).toBe(3);
  });

  it('says that an update is no longer in effect after a person changed the record, and leaves it', async () => {
    const [deal = ''] = deals.slice(2);
    await move(deal, 'contractsent', 'edited');
    await world.touch('deals', deal, { dealstage: 'presentationscheduled' });
    const { body } = await move(deal, 'contractsent', 'edited');
    expect(body).toMatchObject({ status: 'replayed', still_in_effect: false });
    expect(await stageWrites(deal)).toBe(1);
  });

  it('is another action in another run', async () => {
    const [deal = ''] = deals.slice(3);
    const one = await move(deal, 'contractsent', 'run-one');
    const other = await move(deal, 'contractsent', 'run-two');
    expect(one.body.status).toBe('applied');
    expect(other.body.action_id).not.toBe(one.body.action_id);
  });

  it('is a replay that says `differs` when only the wording is another', async () => {
    const args = { contact_id: '1001', subject: 'Cannot sign in', content: 'Since Monday.' };
    const first = await world.call('ticket_create', args, { agent: 'support-assistant' });
    const reworded = { ...args, content: 'It started on Monday, they say.' };
    const second = await world.call('ticket_create', reworded, { agent: 'support-assistant' });
    expect(second.body).toMatchObject({ status: 'replayed', action_id: first.body.action_id });
    expect(second.body.warnings?.map(({ code }) => code)).toEqual(['differs']);
  });

  it('is the same whether its text is composed or decomposed Unicode', async () => {
    const text = 'Café in Malmö.';
    const nfd = await world.call('contact_append_note', { contact_id: '1005', text: text.normalize('NFD') });
    const nfc = await world.call('contact_append_note', { contact_id: '1005', text });
    expect([nfd.body.status, nfc.body.status, nfc.body.warnings]).toEqual(['applied', 'replayed', undefined]);
    expect(notesWith(await world.effects(), text)).toHaveLength(1);
  });
});

describe('the requests of a tool call to DynamoDB', () => {
  const counted = async (work: () => Promise<Called>) => {
    const of = () => world.local.awsCalls()['agent-door'] ?? {};
    const before = of();
    const { body } = await work();
    const made = Object.entries(of()).map(([operation, n]) => [operation, n - (before[operation] ?? 0)] as const);
    const on = (variable: string) =>
      made
        .filter(([operation]) => operation.endsWith(`:${world.tableName(variable)}`))
        .reduce((sum, [, n]) => sum + n, 0);
    return { status: body.status, actions: on('TABLE_ACTIONS'), ledger: on('TABLE_LEDGER') };
  };

  it('are two to the actions for a first write, one and a ledger entry for its replay', async () => {
    const note = () => world.call('contact_append_note', { contact_id: '1006', text: 'Counted.' });
    expect(await counted(note)).toEqual({ status: 'applied', actions: 2, ledger: 0 });
    expect(await counted(note)).toEqual({ status: 'replayed', actions: 1, ledger: 1 });
  });

  it('are two for an update whose live record is read first, and two for `again`', async () => {
    const [deal = ''] = deals.slice(4);
    let id: string | undefined;
    const first = async () => {
      const called = await move(deal, 'contractsent', 'counted');
      id = called.body.action_id;
      return called;
    };
    expect(await counted(first)).toEqual({ status: 'applied', actions: 2, ledger: 0 });
    await move(deal, 'qualifiedtobuy', 'counted');
    const again = () => move(deal, 'contractsent', 'counted', { again: id });
    expect(await counted(again)).toEqual({ status: 'applied', actions: 2, ledger: 0 });
  });

  it('are one ledger entry for a read', async () => {
    const get = () => world.call('contact_get', { contact_id: '1001' });
    expect(await counted(get)).toEqual({ status: 'ok', actions: 0, ledger: 1 });
  });
});

type Exhibit = { hash: string; intact: boolean; text: string };
type Evidence = {
  calls: { call_id: string; status: string; context: Exhibit | null; model_output: Exhibit | null; answer: Exhibit }[];
  entries: { kind: string }[];
};

describe('the evidence of an action', () => {
  const evidence = (id: string | undefined, calls: number) =>
    world.until('the stream has written the evidence', async () => {
      const { status, json } = await world.operator('eva', 'GET', `/v1/actions/${id}/evidence`);
      return status === 200 && (json as Evidence).calls.length === calls && (json as Evidence);
    });
  const asked = {
    context: { prompt: 'Keep the notes up to date. ✓', model_output: { tool_call: 'contact_append_note', n: 1.5 } },
  };

  it('gives context, model output and the exact answer of each call, byte for byte', async () => {
    const args = { contact_id: '1007', text: 'Kept as evidence.' };
    const calls = [
      await world.call('contact_append_note', args, { run: 'evidence', body: asked }),
      await world.call('contact_append_note', args, { run: 'evidence', body: asked }),
    ];
    const told = await evidence(calls[0]?.body.action_id, 2);
    const byId = new Map(told.calls.map((call) => [call.call_id, call]));
    for (const { text, body } of calls) {
      const call = byId.get(body.call_id);
      expect(call?.answer).toEqual({ hash: sha256Hex(text), intact: true, text });
      expect(JSON.parse(call?.context?.text ?? '{}')).toMatchObject({ prompt: { prompt: asked.context.prompt } });
      expect(JSON.parse(call?.model_output?.text ?? 'null')).toEqual(asked.context.model_output);
    }
  });

  it('marks a write without context, in the evidence and in its run', async () => {
    const { body } = await world.call('contact_append_note', { contact_id: '1008', text: 'Bare.' }, { run: 'bare' });
    const told = await evidence(body.action_id, 1);
    expect(told.calls[0]).toMatchObject({ context: null, model_output: null });
    const run = await world.operator('anna', 'GET', '/v1/runs/bare');
    expect(run.json).toMatchObject({ runs: [{ without_context: 1, calls: 1, actions: 1 }] });
  });

  it('is for auditors alone, and that one was read is on the ledger', async () => {
    const { body } = await world.call('contact_append_note', { contact_id: '1009', text: 'Who reads it.' });
    await evidence(body.action_id, 1);
    const others = await Promise.all(
      ['anna', 'ben', 'carla', 'dev'].map((person) =>
        world.operator(person, 'GET', `/v1/actions/${body.action_id}/evidence`),
      ),
    );
    expect(others.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
    const reads = (await world.entries()).filter(
      (entry) => entry.kind === 'operation' && entry.actionId === body.action_id,
    );
    expect(reads.map((entry) => 'by' in entry && entry.by)).toContain('person:eva@acme.example');
  });

  it('is found by run, and by workflow and period', async () => {
    const context = { prompt: 'Close the month.', workflow: 'month-close', period: '2026-11' };
    await world.call('contact_append_note', { contact_id: '1010', text: 'Month.' }, { run: 'mc-1', body: { context } });
    await world.call('contact_get', { contact_id: '1010' }, { run: 'mc-2', body: { context } });
    const found = await world.until('both runs are on the ledger', async () => {
      const { json } = await world.operator('anna', 'GET', '/v1/runs?workflow=month-close&period=2026-11');
      const { runs = [] } = (json ?? {}) as { runs?: { run_id: string; succeeded: string[]; records: string[] }[] };
      return runs.some(({ succeeded }) => succeeded.length === 1) && runs.length === 2 && runs;
    });
    expect(found.map(({ run_id }) => run_id).sort()).toEqual(['mc-1', 'mc-2']);
    expect(found.find(({ run_id }) => run_id === 'mc-1')?.records).toEqual([expect.stringMatching(/^hubspot\/note\//)]);
  });
});

describe('the ledger', () => {
  it('has exactly one entry of every answered call', async () => {
    const answers = [
      await world.call('contact_append_note', { contact_id: '1011', text: 'Entry.' }, { run: 'entries' }),
      await world.call('contact_append_note', { contact_id: '1011', text: 'Entry.' }, { run: 'entries' }),
      await world.call('contact_get', { contact_id: '1011' }, { run: 'entries' }),
      await world.call('contact_get', { contact_id: 11 }, { run: 'entries' }),
    ];
    const ids = answers.map(({ body }) => body.call_id).sort();
    const entries = await world.until('four entries are there', async () => {
      const all = await world.entries();
      const calls = all.filter((entry) => entry.kind === 'call' && entry.runId === 'entries');
      return calls.length >= 4 && calls;
    });
    expect(entries.map(({ entryId }) => entryId).sort()).toEqual(ids);
  });
});
