import { expect, test } from 'vitest';
import { agentSchema, policiesSchema } from '../../shared/config/schema.ts';
import { approvalFor, mayDecide } from '../../shared/policy/approvals.ts';
import { decideWrite, type WriteQuestion } from '../../shared/policy/decide.ts';
import { allowedTransition } from '../../shared/policy/gates.ts';
import { isVisible } from '../../shared/policy/permission.ts';
import { maskPersonal } from '../../shared/policy/scope.ts';

const agent = (given: object) =>
  agentSchema.parse({ owner: 'revops', mode: 'write', tools: ['deal_update_stage'], ...given });
const policies = (given: object = {}) => policiesSchema.parse(given);
const gate = allowedTransition({
  field: 'stage',
  from: 'live',
  property: 'dealstage',
  allowed: { open: ['won', 'lost'], review: ['open'] },
});

function ask(given: Partial<WriteQuestion> = {}) {
  return decideWrite({
    agent: agent({}),
    policies: policies(),
    tool: { name: 'deal_update_stage', effect: 'update', gates: [gate] },
    input: { stage: 'won' },
    object: 'deal',
    fields: { dealstage: 'open', pipeline: 'sales' },
    exists: true,
    ...given,
  });
}

const codeOf = (verdict: ReturnType<typeof decideWrite>) =>
  verdict.kind === 'refuse' ? verdict.code : verdict.approval.kind;

test('an agent with an exact grant may write', () => {
  expect(codeOf(ask())).toBe('none');
});

test.each([
  ['a pattern never grants an update', { tools: ['deal_*'] }],
  ['mode read grants no write', { mode: 'read' }],
  ['mode append grants no update', { mode: 'append' }],
])('%s', (_what, given) => {
  expect(codeOf(ask({ agent: agent(given) }))).toBe('permission_denied');
});

test('a pattern grants reads and appends', () => {
  const patterned = agent({ tools: ['deal_*'] });
  const visible = (effect: 'read' | 'append' | 'create') => isVisible(patterned, { name: 'deal_x', effect });
  expect([visible('read'), visible('append'), visible('create')]).toEqual([true, true, false]);
});

test('mode suggest turns a write into a request for approval by the owner', () => {
  const verdict = ask({ agent: agent({ mode: 'suggest' }) });
  expect(verdict.kind === 'allow' && verdict.approval.kind === 'needed' && verdict.approval.by).toBe('revops');
});

test('a record outside scope is refused', () => {
  const scoped = agent({ scope: { records: { deal: 'pipeline = renewals' } } });
  expect(codeOf(ask({ agent: scoped }))).toBe('out_of_scope');
});

test.each(['pipeline = sales', 'pipeline != sales', 'pipeline in sales, other'])(
  'a record that does not say the scope field is outside `%s`',
  (deal) => {
    const scoped = agent({ scope: { records: { deal } } });
    expect(codeOf(ask({ agent: scoped, fields: { dealstage: 'open' } }))).toBe('out_of_scope');
  },
);

test('a move that the live stage does not allow is refused', () => {
  expect(codeOf(ask({ fields: { dealstage: 'review', pipeline: 'sales' } }))).toBe('gate_refused');
});

test('what the caller believes about the live stage does not count', () => {
  const input = { stage: 'won', dealstage: 'open', from: 'open' };
  expect(codeOf(ask({ input, fields: { dealstage: 'review', pipeline: 'sales' } }))).toBe('gate_refused');
});

test('a live record that does not say the gated field is refused', () => {
  expect(codeOf(ask({ fields: { pipeline: 'sales' } }))).toBe('gate_refused');
});

test('a gated write without a record is refused', () => {
  expect(codeOf(ask({ exists: false }))).toBe('gate_refused');
});

test.each(['off', 'shadow'] as const)('a tool rolled out %s is refused', (stage) => {
  expect(codeOf(ask({ policies: policies({ rollout: { deal_update_stage: { stage } } }) }))).toBe('rollout_excluded');
});

test('a partial rollout covers only records of its segment', () => {
  const partial = policies({ rollout: { deal_update_stage: { stage: 'partial', segment: 'pipeline = sales' } } });
  const renewal = { dealstage: 'open', pipeline: 'renewals' };
  expect([codeOf(ask({ policies: partial })), codeOf(ask({ policies: partial, fields: renewal }))]).toEqual([
    'none',
    'rollout_excluded',
  ]);
});

const approvals = policies({
  approvals: [{ when: { tool: 'deal_update_stage', stage: ['won', 'lost'] }, by: 'leads', within: '4h' }],
});

test('an approval rule holds where one of its listed inputs is given', () => {
  const subject = (stage: string) => ({ tool: 'deal_update_stage', effect: 'update' as const, input: { stage } });
  expect(approvalFor(approvals, subject('lost'), null).kind).toBe('needed');
  expect(approvalFor(approvals, subject('open'), null).kind).toBe('none');
});

test('an approval rule ignores letter case, so that spelling does not evade it', () => {
  const subject = { tool: 'deal_update_stage', effect: 'update' as const, input: { stage: 'WON' } };
  expect(approvalFor(approvals, subject, null).kind).toBe('needed');
});

const question = {
  person: { id: 'ben@acme.example', roles: ['approver'], teams: ['leads'] },
  by: 'leads',
  agent: { responsible: ['anna@acme.example'] },
  requestedBy: 'agent:sales',
};

test('an approver of the named team may decide', () => {
  expect(mayDecide(question)).toBe(true);
});

test.each([
  ['a person responsible for the agent', { agent: { responsible: ['ben@acme.example'] } }],
  ['a member of another team', { by: 'stewards' }],
  ['a person without the role', { person: { ...question.person, roles: ['operator', 'admin'] } }],
  ['the requester', { requestedBy: 'person:ben@acme.example' }],
])('%s may not decide', (_who, given) => {
  expect(mayDecide({ ...question, ...given })).toBe(false);
});

test('personal fields are masked at any depth unless the scope lists them', () => {
  const data = { deal: { email: 'a@b.example', Phone: '1', items: [{ phone: '2' }], name: 'x' } };
  const scoped = agent({ scope: { personal: ['email'] } });
  expect(maskPersonal(data, ['email', 'phone'], scoped)).toEqual({
    deal: { email: 'a@b.example', Phone: '[masked]', items: [{ phone: '[masked]' }], name: 'x' },
  });
});

test('e-mail addresses inside text are masked unless the scope lists e-mail', () => {
  expect(maskPersonal({ note: 'write to maria@example.com.' }, [], agent({}))).toEqual({ note: 'write to [masked]' });
});

test('an empty personal field stays visibly empty', () => {
  expect(maskPersonal({ phone: null }, ['phone'], agent({}))).toEqual({ phone: null });
});
