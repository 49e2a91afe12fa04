import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FunctionName, functions } from '../../infra/functions.ts';
import { grantsOf } from '../../infra/grants.ts';
import type { Arns } from '../../infra/statements.ts';
import { tableEnv, tables } from '../../shared/aws/tables.ts';
import { startToolWorld, type ToolWorld } from '../kit/tool-world.ts';

let world: ToolWorld;
beforeAll(async () => {
  world = await startToolWorld();
});
afterAll(() => world.close());

const arns: Arns = {
  table: (name) => `table/${name}`,
  stream: (name) => `stream/${name}`,
  payloads: 'payloads',
  key: 'key',
  queue: (name) => `queue/${name}`,
  refreshFunction: 'refresh',
  secret: (name) => `secret/${name}`,
  viaService: (service) => service,
};

/** What IAM calls the right to an API operation, where it is another name. */
const rights: Readonly<Record<string, string>> = {
  'dynamodb:TransactWriteItems': 'dynamodb:PutItem',
  'sqs:SendMessageBatch': 'sqs:SendMessage',
  'lambda:Invoke': 'lambda:InvokeFunction',
  's3:ListObjectsV2': 's3:ListBucket',
};

/** Whether the role of a function allows one counted call, such as `dynamodb:PutItem:<table>`. */
function isGranted(name: FunctionName, counted: string): boolean {
  const [service = '', operation = '', physical] = counted.split(':');
  const action = rights[`${service}:${operation}`] ?? `${service}:${operation}`;
  const places = world.local.plan.functions.map(({ environment }) => environment);
  const table = tables.find((spec) => places.some((place) => place[tableEnv[spec.name]] === physical))?.name;
  return grantsOf(name, arns, world.local.config).some(
    ({ actions, resources }) =>
      actions.includes(action) &&
      (physical === undefined || resources.some((resource) => resource.split('/')[1] === table)),
  );
}

it('no function asks AWS for anything that its role does not grant, on a way through the whole house', async () => {
  const { call, operator, touch, until, local } = world;
  await call('contact_find', { email: 'nobody@example.invalid' });
  const note = { contact_id: '1001', text: 'Asked through the whole house.' };
  const context = { prompt: 'p', model_output: 'm' };
  const { body } = await call('contact_append_note', note, { body: { context } });
  await call('contact_append_note', note);
  const deal = await touch('deals', null, { dealname: 'Granted', dealstage: 'contractsent', pipeline: 'default' });
  await call('deal_update_stage', { deal_id: deal, stage: 'closedwon', reason: 'They signed it today.' }, { run: 'r' });
  const waiting = await until('the approval is a case', async () => {
    const { json } = await operator('ben', 'GET', '/v1/cases');
    return (json as { cases: { case_id: string; action_id: string | null }[] }).cases.find((one) => one.action_id);
  });
  await operator('ben', 'POST', `/v1/cases/${waiting.case_id}/resolution`, {
    decision: 'approve',
    reason: 'It is signed.',
  });
  await world.fault({
    kind: 'commit_then_lose_response',
    match: { method: 'POST', path: '/crm/objects/2026-09/notes' },
  });
  await call('contact_append_note', { contact_id: '1002', text: 'Its answer is lost.' });
  await local.pool('token-refresh').invoke({ system: 'hubspot-oauth', seenVersion: 0 });
  for (const path of [
    `/v1/actions/${body.action_id}/evidence`,
    '/v1/health',
    '/v1/control',
    '/v1/runs?workflow=none',
  ]) {
    for (const person of ['dev', 'eva']) await operator(person, 'GET', path);
  }
  await until('every function was asked', async () => {
    for (const name of ['tick', 'file-drop', 'source-keeper']) await local.pollers.fire(name);
    const asked = functions.filter(({ name }) => local.awsCalls()[name] !== undefined);
    return asked.length >= 10;
  });
  const strange = functions.flatMap(({ name }) =>
    Object.keys(local.awsCalls()[name] ?? {})
      .filter((counted) => !isGranted(name, counted))
      .map((counted) => `${name} ${counted}`),
  );
  expect(strange).toEqual([]);
});
