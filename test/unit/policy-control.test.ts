import { expect, test } from 'vitest';
import { agentSchema, policiesSchema } from '../../shared/config/schema.ts';
import { budgetsOf, takeBudgets } from '../../shared/policy/budgets.ts';
import {
  changeControl,
  ensureControl,
  initialControl,
  judgeControl,
  makeControlGate,
} from '../../shared/policy/control.ts';
import { memoryBudgetStore } from '../kit/memory-budget-store.ts';
import { memoryControlStore } from '../kit/memory-control-store.ts';

const question = { system: 'hubspot', tool: 'deal_create', agent: 'sales', runId: 'r1' };
const state = { by: 'person:dev', atMs: 0, reason: 'test', untilMs: null };

function clockAt(startMs: number) {
  let nowMs = startMs;
  return {
    now: () => nowMs,
    sleep: async () => undefined,
    tick: (ms: number) => {
      nowMs += ms;
    },
  };
}

test('a new deployment is switched on', () => {
  expect(judgeControl(initialControl('t'), 't', question, 0).kind).toBe('on');
});

test('a missing control item means off', () => {
  expect(judgeControl(null, 't', question, 0).kind).toBe('off');
});

test('a control item of another table means off', () => {
  expect(judgeControl(initialControl('t'), 't-restored', question, 0).kind).toBe('off');
});

test.each([
  ['all writes', { allOff: state }],
  ['the system', { systemsOff: { hubspot: state } }],
  ['the tool', { toolsOff: { deal_create: state } }],
  ['the agent', { agentsPaused: { sales: state } }],
  ['the run', { runsPaused: { r1: state } }],
])('a switch for %s stops the write', (_what, given) => {
  expect(judgeControl({ ...initialControl('t'), ...given }, 't', question, 0).kind).toBe('off');
});

test('a switch ends at its time', () => {
  const control = { ...initialControl('t'), allOff: { ...state, untilMs: 100 } };
  expect([judgeControl(control, 't', question, 99).kind, judgeControl(control, 't', question, 100).kind]).toEqual([
    'off',
    'on',
  ]);
});

test('many questions at once are one read, and none within 3 s', async () => {
  const store = memoryControlStore();
  const clock = clockAt(0);
  const gate = makeControlGate({ store, clock });
  await Promise.all(Array.from({ length: 50 }, () => gate.check(question)));
  clock.tick(3000);
  await gate.check(question);
  expect(store.reads()).toBe(1);
});

test('a switch thrown elsewhere is seen after 3 s', async () => {
  const store = memoryControlStore();
  const clock = clockAt(0);
  const gate = makeControlGate({ store, clock });
  await gate.check(question);
  await changeControl(store, 0, (control) => ({ ...control, allOff: state }));
  clock.tick(3001);
  expect((await gate.check(question)).kind).toBe('off');
});

test('a control item that cannot be read stops the write', async () => {
  const store = { ...memoryControlStore(), read: async () => Promise.reject(new Error('down')) };
  await expect(makeControlGate({ store, clock: clockAt(0) }).check(question)).rejects.toThrow('down');
});

test('the first control item is written once and never over another', async () => {
  const store = memoryControlStore('t', null);
  await ensureControl(store);
  await changeControl(store, 0, (control) => ({ ...control, allOff: state }));
  await ensureControl(store);
  expect((await store.read())?.allOff).toEqual(state);
});

test('two people who switch at once both take effect', async () => {
  const store = memoryControlStore('t');
  const pause = (agent: string) =>
    changeControl(store, 0, (control) => ({ ...control, agentsPaused: { ...control.agentsPaused, [agent]: state } }));
  await Promise.all([pause('a'), pause('b'), pause('c')]);
  expect(Object.keys((await store.read())?.agentsPaused ?? {}).sort()).toEqual(['a', 'b', 'c']);
});

test('switches whose time has passed leave the item', async () => {
  const store = memoryControlStore('t', { ...initialControl('t'), runsPaused: { old: { ...state, untilMs: 5 } } });
  await changeControl(store, 10, (control) => control);
  expect((await store.read())?.runsPaused).toEqual({});
});

const agent = agentSchema.parse({
  owner: 'revops',
  mode: 'write',
  tools: ['deal_update_stage'],
  budgets: { update: '2 per hour' },
});
const policies = policiesSchema.parse({
  budgets: [{ tool: 'deal_update_stage', stage: 'lost', atMost: '1 per hour' }],
});
const subject = (stage: string) => ({ tool: 'deal_update_stage', effect: 'update' as const, input: { stage } });

test('a call falls under its agent and under every rule that holds', () => {
  const names = (stage: string) => budgetsOf('sales', agent, policies, subject(stage)).map(({ name }) => name);
  expect([names('won'), names('lost')]).toEqual([['agent/sales/update'], ['agent/sales/update', 'policy/0/sales']]);
});

test('the use after the last one is refused with what is used', async () => {
  const deps = { store: memoryBudgetStore(), nowMs: 0 };
  const budgets = budgetsOf('sales', agent, policies, subject('lost'));
  await takeBudgets(deps, budgets, { amount: 1, useId: 'a' });
  const verdict = await takeBudgets(deps, budgets, { amount: 1, useId: 'b' });
  expect(verdict).toMatchObject({ kind: 'empty', used: 1, budget: { name: 'policy/0/sales', onEmpty: 'pause' } });
});

test('a repeat of the same use takes nothing', async () => {
  const deps = { store: memoryBudgetStore(), nowMs: 0 };
  const budgets = budgetsOf('sales', agent, policies, subject('lost'));
  const uses = ['a', 'a', 'a'].map((useId) => takeBudgets(deps, budgets, { amount: 1, useId }));
  expect((await Promise.all(uses)).map(({ kind }) => kind)).toEqual(['taken', 'taken', 'taken']);
});

test('the next window has its own allowance', async () => {
  const store = memoryBudgetStore();
  const budgets = budgetsOf('sales', agent, policies, subject('lost'));
  await takeBudgets({ store, nowMs: 0 }, budgets, { amount: 1, useId: 'a' });
  const next = await takeBudgets({ store, nowMs: 3_600_000 }, budgets, { amount: 1, useId: 'b' });
  expect(next.kind).toBe('taken');
});
