import { afterEach, beforeEach, expect, test } from 'vitest';
import { agentSchema } from '../../shared/config/schema.ts';
import { type AgentWorld, agentWorld, callEntries, shippedConfig } from '../kit/agent-world.ts';

let world: AgentWorld;
beforeEach(async () => {
  world = await agentWorld();
});
afterEach(() => world.close());

const text = new TextEncoder();
const post = (body: string | Uint8Array, headers: Record<string, string> = {}, tool = 'contact_find') =>
  world.request({
    method: 'POST',
    path: `/v1/tools/${tool}/calls`,
    headers: { authorization: 'Bearer sales', 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? text.encode(body) : body,
  });
const problem = (told: { text: string }) => JSON.parse(told.text) as Record<string, unknown>;

test.each([
  ['cut off', '{"arguments": {"email": ', /position 24 \(line 1, column 25\)/],
  ['wrong in the second line', '{"arguments":\n{email: 1}}', /line 2, column/],
  ['empty', '', /position 0/],
])('JSON that is %s answers 400 with the position', async (_what, body, place) => {
  const told = await post(body);
  expect([told.status, told.headers['content-type'], problem(told).code]).toEqual([
    400,
    'application/problem+json',
    'malformed_json',
  ]);
  expect(problem(told).detail).toMatch(place);
});

test('a body of 2 MB answers 413', async () => {
  const told = await post(JSON.stringify({ arguments: { email: 'x'.repeat(2_097_152) } }));
  expect([told.status, problem(told).code]).toEqual([413, 'body_too_large']);
});

test('a body nested without end is refused, not followed', async () => {
  expect((await post(`${'['.repeat(200_000)}`)).status).toBe(400);
});

test('a body that is not UTF-8 answers 400', async () => {
  expect((await post(new Uint8Array([0x7b, 0xff, 0x7d]))).status).toBe(400);
});

test.each(['text/plain', '', 'application/x-www-form-urlencoded'])('media type `%s` answers 415', async (type) => {
  const told = await post('{}', { 'content-type': type });
  expect([told.status, problem(told).code]).toEqual([415, 'unsupported_media_type']);
});

test('an unknown tool answers 404 as a problem, and its name is not on the ledger', async () => {
  const told = await post('{"arguments":{}}', {}, 'contact_destroy');
  expect([told.status, problem(told).code, problem(told).effect]).toEqual([404, 'unknown_tool', 'none']);
  expect(callEntries(world.ledger)).toMatchObject([{ code: 'unknown_tool', tool: null }]);
});

test('what is wrong around the arguments does not hide what is wrong in them', async () => {
  const told = await post(JSON.stringify({ arguments: { deal_id: 'x' }, colour: 'red' }), {}, 'deal_get');
  const { error } = JSON.parse(told.text) as { error: { errors: { path: string }[] } };
  expect(error.errors.map(({ path }) => path)).toEqual(['colour', 'deal_id']);
});

test('every wrong input is named at once with what is allowed', async () => {
  const args = { deal_id: 'x', stage: 'won', colour: 'red' };
  const { status, body } = await world.call('deal_update_stage', args);
  expect([status, body.status, body.error?.code]).toEqual([422, 'refused', 'invalid_input']);
  expect(body.error?.errors?.map(({ path }) => path).sort()).toEqual(['colour', 'deal_id', 'reason', 'stage']);
  expect(body.error?.errors?.find(({ path }) => path === 'stage')?.allowed).toContain('closedwon');
  expect(body.error?.errors?.find(({ path }) => path === 'colour')?.allowed).toBe('deal_id, stage, reason');
});

test.each([
  ['arguments that are a list', { arguments: [] }, 'arguments'],
  ['an unknown member of the body', { arguments: {}, dry_run: true }, 'dry_run'],
  ['a run id with spaces', { arguments: {}, context: { run_id: 'a b' } }, 'context.run_id'],
])('%s answers 422 with its path', async (_what, body, path) => {
  const told = await post(JSON.stringify(body));
  expect([told.status, told.body.error?.errors?.[0]?.path]).toEqual([422, path]);
});

test.each([
  ['too long', 'x'.repeat(5000)],
  ['not base64url', '{"a":1}'],
  ['not JSON', Buffer.from('nope').toString('base64url')],
])('a context header that is %s answers 422', async (_what, header) => {
  const { status, body } = await world.call(
    'contact_find',
    { email: 'a@b.example' },
    { headers: { 'x-agent-context': header } },
  );
  expect([status, body.error?.errors?.[0]?.path]).toEqual([422, 'X-Agent-Context']);
});

test('every refused body of a known agent has its one entry', async () => {
  await post('{');
  await post('{}', { 'content-type': 'text/plain' });
  await post('{"arguments":{"email":1}}');
  expect(callEntries(world.ledger)).toMatchObject([
    { code: 'malformed_json' },
    { code: 'unsupported_media_type' },
    { code: 'invalid_input' },
  ]);
});

const paths = ['/v1/tools', '/v1/tools/contact_find/calls', '/v1/actions/x', '/v1/runs/x', '/openapi.json'];

test.each(paths)('%s answers 401 to every credential that is none, and writes nothing', async (path) => {
  const method = path.endsWith('/calls') ? 'POST' : 'GET';
  const iamArn = 'arn:aws:iam::1:role/sales';
  const answers = await Promise.all([
    world.request({ method, path }),
    world.request({ method, path, headers: { authorization: 'Bearer wrong' } }),
    world.request({ method, path, headers: { authorization: 'Basic c2FsZXM6eA==' } }),
    world.request({ method, path, iamArn }),
    world.request({ method, path: `/iam${path}`, headers: { authorization: 'Bearer sales' } }),
    world.request({ method, path: `/iam${path}`, iamArn: 'arn:aws:iam::2:role/sales' }),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 401]);
  expect(world.ledger.entries).toEqual([]);
});

test('a SigV4 caller that the configuration names is that agent under /iam', async () => {
  const told = await world.request({ method: 'GET', path: '/iam/v1/tools', iamArn: 'arn:aws:iam::1:role/sales' });
  expect([told.status, told.text.includes('deal_update_stage')]).toEqual([200, true]);
});

test.each([
  ['/v1/tools', 'POST', 'GET'],
  ['/v1/tools/contact_find/calls', 'GET', 'POST'],
])('%s answers 405 to %s and says what is allowed', async (path, method, allow) => {
  const told = await world.request({ method, path, headers: { authorization: 'Bearer sales' } });
  expect([told.status, told.headers.allow]).toEqual([405, allow]);
});

test('a path that is none answers 404', async () => {
  const told = await world.get('/v1/cases');
  expect([told.status, problem(told).code]).toEqual([404, 'unknown_route']);
});

test('an agent lists its own tools and the built-in one, equal each time', async () => {
  const first = (await world.get('/v1/tools', 'support')).text;
  const names = (JSON.parse(first).tools as { name: string }[]).map(({ name }) => name);
  expect(names).toEqual([
    'contact_append_note',
    'contact_find',
    'contact_get',
    'ticket_append_note',
    'ticket_create',
    'action_get',
  ]);
  expect((await world.get('/v1/tools', 'support')).text).toBe(first);
});

test('the OpenAPI document shows an agent its own tools only', async () => {
  const { text: document } = await world.get('/openapi.json', 'support');
  expect([JSON.parse(document).openapi, document.includes('ticket_create'), document.includes('deal_create')]).toEqual([
    '3.1.0',
    true,
    false,
  ]);
});

async function salesNote() {
  const contact_id = await world.create('contacts', { email: 'maria@example.com' });
  return world.call('contact_append_note', { contact_id, text: 'Wants an offer.' }, { run: 'r1' });
}

test("another agent's action is the same 404 as one that never was, by both ways", async () => {
  const { body } = await salesNote();
  const id = body.action_id ?? '';
  const never = id.replace(/_[^_]+_/, `_${'0'.repeat(40)}_`);
  const answers = [
    await world.get(`/v1/actions/${id}`, 'support'),
    await world.get(`/v1/actions/${never}`, 'support'),
    await world.call('action_get', { action_id: id }, { agent: 'support' }),
  ];
  expect(answers.map(({ status, body: told }) => [status, told.error?.code])).toEqual(
    Array(3).fill([404, 'unknown_action']),
  );
});

test('an agent reads its own action by both ways', async () => {
  const { body } = await salesNote();
  const own = [
    await world.get(`/v1/actions/${body.action_id}`),
    await world.call('action_get', { action_id: body.action_id }),
  ];
  expect(own.map(({ status, body: told }) => [status, told.status, told.data])).toEqual(
    Array(2).fill([200, 'applied', body.data]),
  );
});

test("another agent's run of the same id is another run", async () => {
  await world.call('contact_find', { email: 'nobody@example.com' }, { run: 'shared' });
  expect([(await world.get('/v1/runs/shared')).status, (await world.get('/v1/runs/shared', 'support')).status]).toEqual(
    [200, 404],
  );
});

test('a lookup without a match answers no_match', async () => {
  const { status, body } = await world.call('contact_find', { email: 'nobody@example.com' });
  expect([status, body.status, body.error?.code]).toEqual([404, 'failed', 'no_match']);
});

test('a lookup with several matches answers several_matches and picks none', async () => {
  for (const email of ['a@example.com', 'b@example.com'])
    await world.create('contacts', { email, phone: '+1 202 555 0101' });
  const { status, body } = await world.call('contact_find', { phone: '+1 202 555 0101' });
  expect([status, body.error?.code, body.data]).toEqual([409, 'several_matches', undefined]);
});

test('a record without a required field opens a case instead of being guessed', async () => {
  const config = shippedConfig();
  await world.close();
  const agent = agentSchema.parse({ owner: 'revops', tools: ['deal_get'] });
  world = await agentWorld({ ...config, agents: { 'sales-assistant': agent } });
  const id = await world.create('deals', { dealname: 'Acme', dealstage: 'qualifiedtobuy', pipeline: 'default' });
  const plain = world.wire.send;
  world.wire.send = async (input) => {
    const result = await plain(input);
    if (result.kind !== 'answer') return result;
    return {
      ...result,
      answer: { ...result.answer, bodyText: result.answer.bodyText.replace('"qualifiedtobuy"', 'null') },
    };
  };
  const { body } = await world.call('deal_get', { deal_id: id });
  expect([body.error?.code, world.cases.cases.map(({ reason }) => reason)]).toEqual([
    'missing_required_field',
    ['lookup_missing_required_field'],
  ]);
});

test('a system that cannot be asked is said so, and nothing is invented', async () => {
  world.wire.send = async () => ({ kind: 'lost', error: { class: 'transient', code: 'timeout', message: 'late' } });
  const { status, body } = await world.call('contact_find', { email: 'maria@example.com' });
  expect([status, body.error?.code, body.error?.retryable, body.data]).toEqual([
    502,
    'system_unavailable',
    true,
    undefined,
  ]);
});

test('personal fields reach only the agents whose scope lists them', async () => {
  await world.create('contacts', { email: 'maria@example.com', phone: '+1 202 555 0101', firstname: 'Maria' });
  const find = async (agent: string) =>
    (await world.call('contact_find', { email: 'maria@example.com' }, { agent })).body.data;
  expect(await find('sales')).toMatchObject({
    contact: { email: 'maria@example.com', phone: '[masked]', firstname: 'Maria' },
  });
  expect(await find('support')).toMatchObject({ contact: { phone: '+1 202 555 0101' } });
});

test('a search shows only the records inside the scope of the agent', async () => {
  const own = await world.create('deals', { dealname: 'Acme new', dealstage: 'qualifiedtobuy', pipeline: 'default' });
  await world.create('deals', { dealname: 'Acme renewal', dealstage: 'renewal_due', pipeline: 'renewals' });
  const { body } = await world.call('deal_search', { words: 'Acme' });
  expect((body.data as { deals: { id: string }[] }).deals.map(({ id }) => id)).toEqual([own]);
});

test('reads are counted by records against the allowance of the agent', async () => {
  const config = shippedConfig();
  await world.close();
  const agent = agentSchema.parse({
    owner: 'revops',
    tools: ['contact_find'],
    budgets: { read: '2 records per hour' },
  });
  world = await agentWorld({ ...config, agents: { 'sales-assistant': agent } });
  await world.create('contacts', { email: 'maria@example.com' });
  const codes = [];
  for (let i = 0; i < 3; i += 1)
    codes.push((await world.call('contact_find', { email: 'maria@example.com' })).body.error?.code);
  expect(codes).toEqual([undefined, undefined, 'budget_exceeded']);
});
