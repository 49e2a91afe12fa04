import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DynamoFault } from '../../infra/local/aws/dynamo-proxy.ts';
import type { FaultSpec } from '../../infra/local/systems/faults.ts';
import type { ActionRecord } from '../../shared/model/action.ts';
import { sha256Hex } from '../../shared/model/ids.ts';
import { type Called, notesWith, startToolWorld, type ToolWorld } from '../kit/tool-world.ts';

let world: ToolWorld;
let contact = 1300;
let late: Promise<Called>;
const lateText = 'Written after we gave up waiting.';
const notes = '/crm/objects/2026-09/notes';

beforeAll(async () => {
  world = await startToolWorld();
  await put(1300, 'Warm.');
  // Later than any request may take: HubSpot writes it when nobody listens any more. The answer is looked at in the end.
  await world.fault({ match: { method: 'POST', path: notes }, kind: 'slow', ms: 17_000 });
  late = put(1300, lateText);
  await world.until('it is on its way', async () => (await world.requests()).some(({ fault }) => fault === 'slow'));
});
afterAll(() => world?.close());

const put = (id: number, text: string) => world.call('contact_append_note', { contact_id: String(id), text });
const openDeals = () =>
  [...world.local.hubspot.portal.objects.deals.values()].filter(
    ({ properties }) => properties['pipeline'] === 'default' && properties['dealstage'] === 'qualifiedtobuy',
  );
const entryOf = async (callId: string) => (await world.entries()).find(({ entryId }) => entryId === callId);
const effectsOf = async (text: string) => notesWith(await world.effects(), text).length;

/** Lets the time pass that proof and retries need, until the action of an answered call is settled. */
async function recovered(contact_id: number, answeredAtMs: number): Promise<ActionRecord> {
  const mine = ({ target }: ActionRecord) => target[2] === String(contact_id);
  return world.until(
    'the action is settled',
    async () => {
      // Whoever claimed it before the answer has ended; a worker that claims it now keeps its lease.
      await world.age(40_000, (one) => mine(one) && one.state === 'STARTED' && one.updatedAtMs <= answeredAtMs);
      await world.age(3_700_000, (one) => mine(one) && (one.state === 'UNKNOWN' || one.state === 'RETRYABLE'));
      await world.local.pollers.fire('tick');
      const record = (await world.records()).find(mine);
      return record?.state === 'SUCCEEDED' && record;
    },
    20_000,
  );
}

describe('when HubSpot fails', () => {
  const cases: readonly [what: string, spec: FaultSpec, first: string, code: string][] = [
    ['commits and the answer is lost', { kind: 'commit_then_lose_response' }, 'unknown', 'outcome_unknown'],
    ['fails before it commits', { kind: 'fail_before_commit' }, 'unknown', 'outcome_unknown'],
    ['commits and says 500', { kind: 'server_error', afterCommit: true }, 'unknown', 'outcome_unknown'],
    [
      'hides the answer behind a page of a proxy',
      { kind: 'html_error', afterCommit: true },
      'unknown',
      'outcome_unknown',
    ],
    ['resets the connection', { kind: 'reset' }, 'unknown', 'outcome_unknown'],
    ['takes no more calls', { kind: 'rate_limited', policyName: 'SECONDLY' }, 'queued', ''],
  ];

  it.each(cases)('%s, one effect comes of it', async (what, spec, first, code) => {
    contact += 1;
    const text = `HubSpot ${what}.`;
    await world.fault({ match: { method: 'POST', path: notes }, ...spec });
    const { status, body } = await put(contact, text);
    expect([status, body.status, body.error?.code ?? '']).toEqual([202, first, code]);
    const again = await put(contact, text);
    expect([again.body.action_id, again.body.status === 'applied']).toEqual([body.action_id, false]);
    await recovered(contact, Date.now());
    expect((await world.get(`/v1/actions/${body.action_id}`)).body.status).toBe('applied');
    expect((await put(contact, text)).body).toMatchObject({ status: 'replayed', action_id: body.action_id });
    expect(await effectsOf(text)).toBe(1);
  });

  const updates: readonly [what: string, spec: FaultSpec, how: 'move' | 'upsert'][] = [
    ['commits an update and the answer is lost', { kind: 'commit_then_lose_response' }, 'move'],
    ['fails before an update', { kind: 'fail_before_commit' }, 'move'],
    ['commits an upsert and the answer is lost', { kind: 'commit_then_lose_response' }, 'upsert'],
    ['fails before an upsert', { kind: 'fail_before_commit' }, 'upsert'],
  ];

  it.each(updates)('%s, the record is read back and written once', async (what, spec, how) => {
    const email = `${what.replaceAll(' ', '.')}@example.com`;
    const deal_id = openDeals().at(updates.findIndex(([one]) => one === what) + 1)?.id ?? '';
    const path = how === 'move' ? '/crm/objects/2026-09/deals' : '/crm/objects/2026-09/contacts/batch/upsert';
    const args = how === 'move' ? { deal_id, stage: 'contractsent', reason: what } : { email, firstname: 'Ada' };
    const tool = how === 'move' ? 'deal_update_stage' : 'contact_upsert';
    await world.fault({ match: { method: how === 'move' ? 'PATCH' : 'POST', path }, ...spec });
    const { body } = await world.call(tool, args, { run: what.replaceAll(' ', '-') });
    expect([body.status, body.error?.code]).toEqual(['unknown', 'outcome_unknown']);
    await world.until('it is settled', async () => {
      await world.age(3_700_000, ({ state }) => state === 'UNKNOWN' || state === 'RETRYABLE');
      await world.local.pollers.fire('tick');
      return (await world.record(body.action_id))?.state === 'SUCCEEDED';
    });
    const effects = await world.effects();
    const own = effects.filter(({ id, properties }) =>
      how === 'move' ? id === deal_id : properties['email'] === email,
    );
    expect(own).toHaveLength(1);
    expect((await world.get(`/v1/actions/${body.action_id}`)).body.status).toBe('applied');
  });

  it('before the write, on the read of the live record, the call fails and claims nothing', async () => {
    const [deal] = openDeals();
    const args = { deal_id: deal?.id, stage: 'contractsent', reason: 'Maria said so on the phone.' };
    // Twice: a read that found the system failing is asked once more.
    await world.fault({ match: { method: 'GET', path: '/crm/objects/2026-09/deals' }, kind: 'server_error', times: 2 });
    const { status, body } = await world.call('deal_update_stage', args, { run: 'r' });
    expect([status, body.status, body.effect, body.error?.code, body.error?.retryable]).toEqual([
      502,
      'failed',
      'none',
      'system_unavailable',
      true,
    ]);
    expect(body.error?.next_step.message).toMatch(/^Nothing was changed\. Try again later/);
    expect((await world.records()).filter(({ target }) => target[2] === deal?.id)).toEqual([]);
    expect((await world.call('deal_update_stage', args, { run: 'r' })).body.status).toBe('applied');
  });
});

describe('when DynamoDB fails', () => {
  type Where = readonly [where: string, fault: (kind: DynamoFault['kind']) => DynamoFault];
  const on =
    (operation: string, variable: string, after = 0) =>
    (kind: DynamoFault['kind']): DynamoFault => ({
      kind,
      operation,
      caller: 'agent-door',
      bodyContains: world.tableName(variable),
      after,
    });
  const places: readonly Where[] = [
    ['at the claim', on('PutItem', 'TABLE_ACTIONS')],
    ['at the verdict', on('PutItem', 'TABLE_ACTIONS', 1)],
    ['at the budget', on('UpdateItem', 'TABLE_STATE')],
  ];

  it.each(places)('%s and the answer of one request is lost, the call is applied once', async (where, fault) => {
    contact += 1;
    const text = `Lost ${where}.`;
    world.local.standIns.dynamo.addFault(fault('lose_response'));
    const { body } = await put(contact, text);
    expect([body.status, await effectsOf(text)]).toEqual(['applied', 1]);
  });

  const outages = places.flatMap(([where, fault]) =>
    (['unavailable', 'lose_response', 'throttle'] as const)
      .filter((kind) => !(kind === 'lose_response' && where === 'at the verdict'))
      .map((kind) => [kind, where, fault] as const),
  );

  it('for long after the verdict was written, the answer is what is found to stand there', async () => {
    contact += 1;
    const text = 'Written, and nobody was told.';
    const lost = on('PutItem', 'TABLE_ACTIONS', 1)('lose_response');
    world.local.standIns.dynamo.addFault({ ...lost, times: 12 });
    const { body, text: told } = await put(contact, text);
    world.local.standIns.dynamo.clearFaults();
    expect([body.status, await effectsOf(text)]).toEqual(['applied', 1]);
    const entry = await world.until('the answer is on the ledger', async () => entryOf(body.call_id));
    expect(entry).toMatchObject({ status: 'applied', answerHash: sha256Hex(told) });
  });

  it.each(outages)(
    'for long (%s %s), no answer says that it is done, and it is done once',
    async (kind, where, fault) => {
      contact += 1;
      const text = `Out ${kind} ${where}.`;
      world.local.standIns.dynamo.addFault({ ...fault(kind), times: 12 });
      const { status, body, text: told } = await put(contact, text);
      world.local.standIns.dynamo.clearFaults();
      expect(['applied', 'replayed', 'queued']).not.toContain(body.status);
      expect([202, 503]).toContain(status);
      expect(body.effect).toBe('unknown');
      const callId = body.call_id ?? JSON.parse(told).instance;
      await world.until('the answer is on the ledger', async () => entryOf(callId));
      const answeredAtMs = Date.now();
      const claimed = (await world.records()).some(({ target }) => target[2] === String(contact));
      if (claimed) await recovered(contact, answeredAtMs);
      expect(['applied', 'replayed']).toContain((await put(contact, text)).body.status);
      expect(await effectsOf(text)).toBe(1);
    },
  );

  it.each([
    ['a replay', () => put(1300, 'Warm.'), 'replayed'],
    ['a read', () => world.call('contact_get', { contact_id: '1300' }), 'ok'],
  ])('at the entry of %s, nothing is answered that is not on the ledger', async (_what, call, normal) => {
    world.local.standIns.dynamo.addFault({ ...on('PutItem', 'TABLE_LEDGER')('unavailable'), times: 12 });
    const { status, text } = await call();
    world.local.standIns.dynamo.clearFaults();
    expect([status, JSON.parse(text).code]).toEqual([503, 'store_unavailable']);
    world.local.standIns.dynamo.addFault(on('PutItem', 'TABLE_LEDGER')('lose_response'));
    const { body } = await call();
    expect(body.status).toBe(normal);
    const entries = (await world.entries()).filter(({ entryId }) => entryId === body.call_id);
    expect(entries).toHaveLength(1);
  });
});

describe('when HubSpot writes after we gave up', () => {
  it('the answer is unknown, and the late effect is found and stays the only one', async () => {
    const { status, body } = await late;
    expect([status, body.status]).toEqual([202, 'unknown']);
    await world.until('HubSpot wrote it', async () => (await effectsOf(lateText)) > 0);
    await world.settle(body.action_id, 'UNKNOWN', 'SUCCEEDED');
    const record = await world.until('it is settled', async () => {
      await world.age(3_700_000, ({ state }) => state === 'UNKNOWN');
      await world.local.pollers.fire('tick');
      const found = await world.record(body.action_id);
      return found?.state === 'SUCCEEDED' && found;
    });
    expect([record.proof, await effectsOf(lateText)]).toEqual(['read_back', 1]);
  }, 40_000);
});

describe('the ledger, after all of it', () => {
  it('has the transitions of every action, each to its end and none twice', async () => {
    const records = await world.records();
    const entries = await world.until('the stream is through', async () => {
      const all = await world.entries();
      const ends = new Set(all.map(({ entryId }) => entryId));
      return records.every((one) => ends.has(`act_${one.key}_${one.gen}:${one.epoch}:${one.state}`)) && all;
    });
    const succeeded = entries.filter((entry) => entry.kind === 'transition' && entry.state === 'SUCCEEDED');
    expect(records.every(({ state }) => state === 'SUCCEEDED')).toBe(true);
    expect(succeeded.map(({ actionId }) => actionId).sort()).toEqual(
      records.map(({ key, gen }) => `act_${key}_${gen}`).sort(),
    );
  });
});
