import { afterEach, beforeEach, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { hubspot } from '../../shared/connectors/hubspot/calls.ts';
import { PlumblineError } from '../../shared/model/errors.ts';
import { makeAttempt, type SystemDeps } from '../../shared/tools/attempt.ts';
import { makeCatalog } from '../../shared/tools/catalog.ts';
import { defineTool } from '../../shared/tools/define.ts';
import { type AgentWorld, agentWorld, shippedConfig } from '../kit/agent-world.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
let nowMs = 0;
let world: AgentWorld;
beforeEach(async () => {
  nowMs = Math.ceil(Date.now() / dayMs) * dayMs + hourMs / 2;
  const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  world = await agentWorld(shippedConfig(), { now: () => nowMs, sleep });
});
afterEach(() => world.close());

const down = () => new PlumblineError('down', { code: 'store_unavailable', retry: 'later', hint: '' });
const upsert = (run = 'r1') =>
  world.call('contact_upsert', { email: 'maria@example.com', firstname: 'Maria' }, { run });

/** Uses up what is left of a budget in the window that is open now. */
async function drain(budget: string, windowMs: number, atMost: number): Promise<void> {
  const windowStartMs = nowMs - (nowMs % windowMs);
  for (let used = 0; used < atMost; used += 1) {
    await world.deps.budgets.take({ budget, windowStartMs, windowMs, atMost, amount: 1, useId: null });
  }
}

test('a repeat of what is done pauses nobody where its budget is used up', async () => {
  expect((await upsert()).body.status).toBe('applied');
  nowMs += hourMs;
  await drain('policy/1/sales-assistant', hourMs, 100);
  const { body } = await upsert();
  expect([body.status, world.cases.cases]).toEqual(['replayed', []]);
  expect((await world.control.read())?.agentsPaused).toEqual({});
});

test('what is new pauses the agent where its budget is used up', async () => {
  await drain('policy/1/sales-assistant', hourMs, 100);
  expect((await upsert()).body.error?.code).toBe('budget_exceeded');
  expect(Object.keys((await world.control.read())?.agentsPaused ?? {})).toEqual(['sales-assistant']);
});

test('a fault after which something may have been done claims nothing about it', async () => {
  await upsert();
  world.ledger.failNext(down());
  const { status, text } = await upsert();
  expect([status, JSON.parse(text).effect]).toEqual([503, 'unknown']);
});

test('a write whose switches cannot be read right before it has not been sent, and is not in doubt', async () => {
  const sent: unknown[] = [];
  const deps = {
    ...world.deps,
    systems: world.deps.config.systems,
    send: async (input: unknown) => sent.push(input),
    control: { check: async () => Promise.reject(down()) },
  } as unknown as SystemDeps;
  const record = { tool: 'ticket_create', principal: 'agent:a', runId: null, attempts: 1 };
  const call = { operation: 'hubspot.tickets.create', system: 'hubspot', input: {} };
  const verdict = await makeAttempt(deps)({ record, call, mayWrite: () => true } as never);
  expect(verdict).toMatchObject({ kind: 'not_applied', error: { class: 'transient', code: 'switches_unreadable' } });
  expect(sent).toEqual([]);
});

/** A tool that also writes text which does not make the intent another one. */
const describedMove = defineTool({
  name: 'deal_update_stage',
  does: 'Moves a deal and describes it.',
  useWhen: ['a test needs it'],
  doNotUseWhen: ['no test needs it'],
  input: z.strictObject({ deal_id: z.string(), stage: z.string(), words: z.string() }),
  effect: 'update',
  target: ({ deal_id }) => ['hubspot', 'deal', deal_id],
  identifiedBy: ['stage'],
  occasion: 'window',
  windowHours: 1,
  operation: ({ deal_id, stage, words }) => hubspot.deals.update(deal_id, { dealstage: stage, description: words }),
  examples: [{ deal_id: '1', stage: 'contractsent', words: 'a' }],
});

const deal = () => world.create('deals', { dealname: 'Acme', dealstage: 'qualifiedtobuy', pipeline: 'default' });
const describe = async (deal_id: string, words: string) =>
  (await world.call('deal_update_stage', { deal_id, stage: 'contractsent', words })).body;

test('whether a repeat with other free text still stands is judged by what was sent, kept as an object or not', async () => {
  Object.assign(world.deps, { catalog: makeCatalog([describedMove]) });
  const id = await deal();
  const first = await describe(id, 'x'.repeat(1500));
  const second = await describe(id, 'Other words.');
  expect([first.status, second.status, second.still_in_effect]).toEqual(['applied', 'replayed', true]);
});

test('the same intent after its window is another use of a budget', async () => {
  const agent = { ...world.deps.config.agents['sales-assistant'], budgets: { update: { atMost: 1, windowMs: dayMs } } };
  const agents = { ...world.deps.config.agents, 'sales-assistant': agent };
  const config = { ...world.deps.config, agents };
  Object.assign(world.deps, { config, catalog: makeCatalog([describedMove]) });
  const id = await deal();
  const told = [await describe(id, 'a'), await describe(id, 'b')];
  nowMs += hourMs + 60_000;
  told.push(await describe(id, 'c'));
  expect(told.map(({ status, error }) => error?.code ?? status)).toEqual(['applied', 'replayed', 'budget_exceeded']);
});
