import { afterEach, beforeEach, expect, test } from 'vitest';
import { failureOf } from '../../shared/connectors/failure.ts';
import { operationEntry } from '../../shared/ledger/operations.ts';
import { maskPersonal } from '../../shared/policy/scope.ts';
import { type AgentWorld, agentWorld, callEntries } from '../kit/agent-world.ts';

let world: AgentWorld;
beforeEach(async () => {
  world = await agentWorld();
});
afterEach(() => world.close());

const key = `pl_key_${'0'.repeat(25)}_${'a'.repeat(52)}`;
const written = () =>
  JSON.stringify(world.ledger.entries) +
  [...world.payloads.objects.values()].map((bytes) => new TextDecoder().decode(bytes)).join();

test('a name that is no tool does not reach the ledger by a body that is refused', async () => {
  const { status } = await world.call('maria@example.com', {}, { body: { colour: 'red' } });
  expect(status).toBe(422);
  expect(callEntries(world.ledger)).toMatchObject([{ code: 'invalid_input', tool: null }]);
});

test('a credential given as run id is refused, not recorded, and opens a case', async () => {
  const { status } = await world.call('contact_find', { email: 'a@example.com' }, { run: key });
  expect(status).toBe(422);
  expect(written()).not.toContain(key);
  expect(world.cases.cases.map(({ reason }) => reason)).toEqual(['secret_in_input']);
});

test.each([
  ['run id in the header', { run: 'mail:maria@example.com' }],
  ['run id', { body: { context: { run_id: 'maria@example.com' } } }],
  ['workflow', { body: { context: { workflow: 'dunning of maria@example.com' } } }],
  ['period', { body: { context: { workflow: 'w', period: '+49 151 2345678' } } }],
])(
  'an address or number of a person as %s is refused, because it would stand on the ledger',
  async (_what, options) => {
    const { status } = await world.call('contact_find', { email: 'a@example.com' }, options);
    expect(status).toBe(422);
    expect(JSON.stringify(world.ledger.entries)).not.toMatch(/maria|2345678/);
  },
);

test('a credential given as the name of a member is redacted before it is kept', async () => {
  await world.call('contact_find', { email: 'a@example.com' }, { body: { context: { [key]: 'x' } } });
  expect(written()).not.toContain(key);
});

test('addresses and numbers of people in the text of a vendor are masked', () => {
  const message = 'Maria (maria@example.com, +49 151 2345678) exists already. Existing ID: 123456789012';
  expect(failureOf({ class: 'duplicate', code: 'CONFLICT', message }, 'hubspot').vendorText).toBe(
    'Maria ([masked], [masked]) exists already. Existing ID: 123456789012',
  );
});

test('an agent reads of its run that a person decided and which team was told, not who and where', async () => {
  const facts = { runId: 'r1', principal: 'agent:sales-assistant', actionId: `act_${'0'.repeat(40)}_1` };
  const notified = 'revops-leads mail:ben@acme.example';
  const notice = { entryId: 'n', atMs: 1, what: 'case_opened', by: 'service:plumbline', notified };
  await world.ledger.append(operationEntry({ ...notice, ...facts }));
  await world.ledger.append({
    ...operationEntry({ entryId: 't', atMs: 2, what: '', by: '', ...facts, principal: facts.principal }),
    ...{ kind: 'transition', state: 'RETRYABLE', epoch: 2, gen: 1, code: null, by: 'person:ben@acme.example' },
    ...{ beforeHash: null, afterHash: null },
  } as never);
  const { text } = await world.get('/v1/runs/r1');
  expect(text).not.toContain('acme.example');
  expect(JSON.parse(text)).toMatchObject({ notified: ['revops-leads'], lines: [{ decidedBy: 'person' }] });
});

test('masking a long word without a break does not take time by its square', () => {
  const word = 'a'.repeat(100_000);
  expect(maskPersonal({ note: `${word} a@b.example` }, [], { scope: { records: {}, personal: [] } })).toEqual({
    note: `${word} [masked]`,
  });
}, 3000);
