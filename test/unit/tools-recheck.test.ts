import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Recheck } from '../../shared/action/resume.ts';
import { plannedCallOf } from '../../shared/model/action.ts';
import { parseActionId } from '../../shared/model/ids.ts';
import type { Json } from '../../shared/model/json.ts';
import { makeProbeFor, makeRecheck } from '../../shared/tools/recheck.ts';
import { type AgentWorld, agentWorld } from '../kit/agent-world.ts';

let world: AgentWorld;
let deal: string;
let waiting: Parameters<Recheck>[0];
let recheck: Recheck;

beforeEach(async () => {
  world = await agentWorld();
  deal = await world.create('deals', { dealname: 'Acme', dealstage: 'contractsent', pipeline: 'default' });
  const args = { deal_id: deal, stage: 'closedwon', reason: 'Maria signed the contract today.' };
  const { body } = await world.call('deal_update_stage', args, { run: 'r1' });
  const record = await world.store.get(parseActionId(body.action_id ?? '')?.key ?? '');
  if (record?.state !== 'AWAITING_APPROVAL' || record.approval === null)
    throw new Error('it does not wait for approval');
  const decision = { by: 'person:ben@acme.example', atMs: 1, reason: 'signed' };
  const approved = { ...record, approval: { ...record.approval, decision } };
  const [call, before] = [
    plannedCallOf(record, await load(record.intent)),
    record.before && (await load(record.before)),
  ];
  waiting = { record: approved, call, before };
  recheck = makeRecheck({ ...world.deps, clock: world.deps.kernel.clock });
});
afterEach(() => world.close());

async function load(stored: { inline: Json } | { object: string }): Promise<Json> {
  if ('inline' in stored) return stored.inline;
  const bytes = await world.payloads.get(stored.object);
  return JSON.parse(new TextDecoder().decode(bytes ?? new Uint8Array())) as Json;
}

async function withConfig(change: (config: AgentWorld['deps']['config']) => object): Promise<string> {
  const config = { ...world.deps.config, ...change(world.deps.config) } as never;
  const verdict = await makeRecheck({ ...world.deps, config, clock: world.deps.kernel.clock })(waiting);
  return verdict.kind === 'refuse' ? verdict.failure.code : verdict.kind;
}

test('an approved action whose record stands as it was goes', async () => {
  expect(await recheck(waiting)).toEqual({ kind: 'go' });
});

test('an action that policy asks approval for by now does not go without it', async () => {
  const { record } = waiting;
  const verdict = await recheck({ ...waiting, record: { ...record, approval: null } });
  expect(verdict).toMatchObject({ kind: 'approval', by: 'revops-leads', rule: 'approvals[0]' });
});

test('an undecided approval is no approval', async () => {
  const { record } = waiting;
  const approval = record.approval && { ...record.approval, decision: null };
  expect((await recheck({ ...waiting, record: { ...record, approval } })).kind).toBe('approval');
});

test('a written field that changed while it waited stops it', async () => {
  await world.patch('deals', deal, { dealstage: 'presentationscheduled' });
  expect((await recheck(waiting)).kind).toBe('target_changed');
});

test('a record that left the scope while it waited is refused', async () => {
  await world.patch('deals', deal, { pipeline: 'renewals', dealstage: 'renewal_due' });
  expect(await recheck(waiting)).toMatchObject({ kind: 'refuse', failure: { code: 'out_of_scope' } });
});

test('a switch only holds it', async () => {
  const control = await world.control.read();
  const off = { by: 'person:dev', atMs: 0, reason: 'drill', untilMs: null };
  if (control) await world.control.write({ ...control, version: 2, agentsPaused: { 'sales-assistant': off } }, 1);
  world.deps.control.forget();
  expect((await recheck(waiting)).kind).toBe('hold');
});

test('a system that cannot be asked only holds it', async () => {
  world.wire.send = async () => ({ kind: 'lost', error: { class: 'transient', code: 'timeout', message: 'late' } });
  expect((await recheck(waiting)).kind).toBe('hold');
});

test('an agent that lost the tool while it waited is refused', async () => {
  const lost = await withConfig(({ agents }) => ({
    agents: { 'sales-assistant': { ...agents['sales-assistant'], tools: ['deal_*'] } },
  }));
  expect(lost).toBe('permission_denied');
});

test('an agent that does not exist any more is refused', async () => {
  expect(await withConfig(() => ({ agents: {} }))).toBe('permission_denied');
});

test('a rollout that was taken back while it waited is refused', async () => {
  const rolledBack = await withConfig(({ policies }) => ({
    policies: { ...policies, rollout: { deal_update_stage: { stage: 'off' } } },
  }));
  expect(rolledBack).toBe('rollout_excluded');
});

test('a gate that the frozen inputs do not pass any more is refused', async () => {
  await world.patch('deals', deal, { dealstage: 'closedlost' });
  expect(await recheck(waiting)).toMatchObject({ kind: 'refuse', failure: { code: 'gate_refused' } });
});

test('an operation that declares no read-back has none', () => {
  const probeFor = makeProbeFor({ ...world.deps, systems: world.deps.config.systems });
  const operation = (id: string) => probeFor({ operation: id }) !== null;
  expect([operation('hubspot.deals.update'), operation('hubspot.deals.get'), operation('hubspot.nothing')]).toEqual([
    true,
    false,
    false,
  ]);
});
