import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { tools as index } from '../../config/tools/index.ts';
import { loadConfig } from '../../shared/config/load.ts';
import { hubspot } from '../../shared/connectors/hubspot/calls.ts';
import { catalogOf, makeCatalog } from '../../shared/tools/catalog.ts';
import { defineTool, type WriteToolSpec } from '../../shared/tools/define.ts';
import { lintTools } from '../../shared/tools/lint.ts';
import { checkTools, describeTools, loadTools } from '../../shared/tools/list.ts';
import { openApi } from '../../shared/tools/openapi.ts';
import { loadOperations } from '../../shared/tools/operations.ts';

const loaded = loadConfig(new URL('../../config', import.meta.url).pathname);
if (loaded.kind !== 'ok') throw new Error('the shipped configuration is not valid');
const { config } = loaded;
const configured = await loadTools(index);
const operationById = await loadOperations(config.systems);
const context = {
  policies: config.policies,
  operations: operationById,
  systems: Object.keys(config.systems),
  personal: ['amount'],
};

const input = z.strictObject({
  deal_id: z.string().regex(/^\d+$/).describe('HubSpot deal id to change'),
  amount: z.string().describe('the new amount in euro'),
});
type Spec = WriteToolSpec<typeof input>;

const good: Spec = {
  name: 'deal_set_amount',
  does: 'Sets the amount of one HubSpot deal.',
  useWhen: ['the customer agreed to another amount'],
  doNotUseWhen: ['you guess the amount'],
  input,
  effect: 'update',
  target: ({ deal_id }) => ['hubspot', 'deal', deal_id],
  identifiedBy: ['amount'],
  operation: ({ deal_id, amount }) => hubspot.deals.update(deal_id, { amount }),
  examples: [{ deal_id: '501', amount: '100' }],
};

const rules = (...specs: Spec[]) =>
  lintTools(
    specs.map((spec) => defineTool(spec)),
    context,
  ).map(({ rule }) => rule);

test('the shipped tools break no rule', () => {
  expect(lintTools(configured, context)).toEqual([]);
});

test('every tool file of config/tools is deployed', () => {
  const dir = new URL('../../config/tools/', import.meta.url).pathname;
  const files = readdirSync(dir).filter((file) => readFileSync(dir + file, 'utf8').includes('defineTool('));
  expect(files.sort()).toEqual(configured.map(({ name }) => `${name}.ts`).sort());
});

test('an entry of the index names its tool and every connector the tool plans calls of', async () => {
  const tool = defineTool(good);
  const load = async () => ({ default: tool });
  const broken = loadTools({ deal_set_amount: { through: [], load }, deal_amount_set: { through: ['hubspot'], load } });
  await expect(broken).rejects.toThrow(
    /deal_set_amount: add 'hubspot' to `through`[\s\S]*deal_amount_set: the tool is called deal_set_amount/,
  );
});

test('a call loads its own tool and the connectors of it, and nothing else', async () => {
  const asked: string[] = [];
  const entry = (name: string, connector: string) => ({
    through: [connector],
    load: async () => {
      asked.push(name);
      return { default: defineTool(good) };
    },
  });
  const catalog = catalogOf({
    index: { deal_set_amount: entry('deal_set_amount', 'hubspot'), other: entry('other', 'stripe') },
    connectors: async (names) => asked.push(...names),
  });
  expect((await catalog.find('deal_set_amount'))?.name).toBe('deal_set_amount');
  expect(await catalog.find('constructor')).toBeNull();
  expect(asked).toEqual(['deal_set_amount', 'hubspot']);
});

test('a sound tool breaks no rule', () => {
  expect(rules(good)).toEqual([]);
});

test.each<[string, string, Partial<Spec>]>([
  ['a name without a verb', 'E1', { name: 'deal_amount' }],
  ['a name with capitals', 'E1', { name: 'dealSetAmount' }],
  ['a description that is too long', 'E2', { does: `Sets ${'x'.repeat(1200)}.` }],
  ['no situation to use it in', 'E3', { useWhen: [] }],
  ['no situation not to use it in', 'E3', { doNotUseWhen: [] }],
  ['an alternative that does not exist', 'E3', { doNotUseWhen: ['it is open: use deal_close_now'] }],
  ['no example', 'E9', { examples: [] }],
  ['an example the input refuses', 'E9', { examples: [{ deal_id: 'x', amount: '1' }] }],
  ['an example with a credential', 'E10', { examples: [{ deal_id: '1', amount: `Bearer ${'a'.repeat(30)}` }] }],
  [
    'a personal value in the target, which stands on the ledger',
    'target',
    { target: ({ amount }) => ['hubspot', 'deal', `for-${amount}`] },
  ],
  ['a run occasion on an append', 'occasion', { effect: 'append', occasion: 'run' }],
  ['an effect milder than the operation', 'effect', { effect: 'append', occasion: 'window' }],
  [
    'a system that is not configured',
    'operation',
    { operation: ({ deal_id }) => ({ ...hubspot.deals.update(deal_id, {}), system: 'crm' }) },
  ],
  [
    'an operation that does not exist',
    'operation',
    { operation: () => ({ operation: 'hubspot.deals.explode', system: 'hubspot', input: {} }) },
  ],
  ['a read operation in a write tool', 'effect', { operation: ({ deal_id }) => hubspot.deals.get(deal_id) }],
])('%s is refused by rule %s', (_what, rule, change) => {
  expect(rules({ ...good, ...change })).toContain(rule);
});

test('two tools of one name are refused', () => {
  expect(rules(good, good)).toEqual(['E1', 'E1']);
});

test.each([
  ['an input without description', 'E4', z.strictObject({ deal_id: z.string() })],
  ['an open object', 'E5', z.looseObject({ deal_id: z.string().describe('HubSpot deal id') })],
  [
    'an open object inside',
    'E5',
    z.strictObject({
      deal_id: z
        .object({ a: z.string().describe('some inner text') })
        .loose()
        .describe('an inner object'),
    }),
  ],
  ['the reserved name again', 'E5', z.strictObject({ again: z.string().describe('the action to repeat') })],
  [
    'a default with a credential',
    'E10',
    z.strictObject({
      deal_id: z
        .string()
        .default(`Bearer ${'a'.repeat(30)}`)
        .describe('HubSpot deal id'),
    }),
  ],
])('%s is refused by rule %s', (_what, rule, schema) => {
  const spec = { ...good, input: schema, examples: [], identifiedBy: ['deal_id'] } as unknown as Spec;
  expect(rules(spec)).toContain(rule);
});

test('a gate on an operation that cannot read the live record is refused', () => {
  const gates = [{ name: 'g', says: 'it is open', needs: [], judge: () => ({ kind: 'pass' as const }) }];
  const change: Partial<Spec> = { gates, effect: 'update', operation: () => hubspot.deals.create({ dealname: 'x' }) };
  expect(rules({ ...good, ...change })).toContain('gates');
});

test('a deployment with broken tools does not start, and says all that is broken', () => {
  const broken = [defineTool({ ...good, name: 'amount', examples: [] })];
  expect(() => checkTools({ config, operations: operationById }, broken)).toThrow(/E1.*\n.*E9/s);
});

test('a write tool without identity does not compile', () => {
  const { target: _target, ...without } = good;
  // @ts-expect-error the target is missing
  defineTool(without);
  // @ts-expect-error `colour` is no input
  defineTool({ ...good, identifiedBy: ['colour'] });
  expect(true).toBe(true);
});

test.each([
  ['update', 'run', true],
  ['append', 'window', true],
  ['create', 'window', false],
  ['delete', 'window', false],
  ['send', 'window', false],
] as const)('an %s is by default of occasion %s', (effect, occasion, again) => {
  const tool = defineTool({ ...good, effect });
  expect(tool.kind === 'write' && [tool.occasion, tool.again]).toEqual([occasion, again]);
});

test.each(['event', 'ever', 'caller'] as const)('again is never offered for the occasion %s', (occasion) => {
  const tool = defineTool({ ...good, occasion, again: true });
  expect(tool.kind === 'write' && tool.again).toBe(false);
});

const catalog = makeCatalog(configured);
const described = describeTools({ config, operations: operationById }, configured);
const describe = (name: string) => described.filter((tool) => tool.name === name);

test('a description says the approval that policy demands', () => {
  const tool = describe('deal_update_stage').find(({ name }) => name === 'deal_update_stage');
  expect(tool?.description).toContain('stage closedwon or closedlost waits for revops-leads');
});

test('again stands in the schema of the tools that take it, and of no other', () => {
  const taking = described.filter((tool) => 'again' in (tool.input_schema.properties as object));
  const meant = configured.filter((tool) => tool.kind === 'write' && tool.again).map(({ name }) => name);
  expect(taking.map(({ name }) => name).sort()).toEqual([...meant].sort());
  expect(meant).toEqual(expect.arrayContaining(['contact_append_note', 'deal_update_stage']));
  expect(meant).not.toContain('deal_create');
});

test('an agent is shown its own tools only, sorted by name', async () => {
  const names = async (agent: string) =>
    (await catalog.visibleTo(config.agents[agent] as never)).map(({ name }) => name);
  expect(await names('support-assistant')).toEqual([
    'contact_append_note',
    'contact_find',
    'contact_get',
    'ticket_append_note',
    'ticket_create',
  ]);
});

test('the OpenAPI document has one path a tool with its description', () => {
  const tools = described;
  const document = openApi(tools, 'v1') as { paths: Record<string, { post?: { description: string } }> };
  for (const { name, description } of tools) {
    expect(document.paths[`/v1/tools/${name}/calls`]?.post?.description).toBe(description);
  }
});
