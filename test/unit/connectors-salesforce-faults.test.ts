import { afterEach, beforeEach, expect, it } from 'vitest';
import { execute } from '../../shared/action/execute.ts';
import { salesforce } from '../../shared/connectors/salesforce/calls.ts';
import { operations } from '../../shared/connectors/salesforce/operations.ts';
import type { PlannedCall } from '../../shared/model/operation.ts';
import { callSalesforce, type SalesforceWorld, salesforceWorld } from '../kit/salesforce-simulator.ts';
import { claimOf, read, settle } from '../kit/system-world.ts';
import {
  type Faults,
  itIsNotSentAgain,
  itIsRunForEveryWrite,
  itTakesEffectOnce,
  writesUnderFaults,
} from '../kit/write-faults.ts';

let world: SalesforceWorld;
const post = async (type: string, fields: object): Promise<string> => {
  const { status, text, body } = await callSalesforce(world.simulator, 'POST', `sobjects/${type}`, fields);
  if (status !== 201) throw new Error(text);
  return body.id;
};

/** An open job with its rows uploaded. */
const jobWith = async (csv: string): Promise<string> => {
  const job = { object: 'Account', operation: 'upsert', externalIdFieldName: 'HubSpot_Id__c' };
  const { body } = await callSalesforce(world.simulator, 'POST', 'jobs/ingest', job);
  const headers = { authorization: 'Bearer local-static-token', 'content-type': 'text/csv' };
  const url = `${world.simulator.url}/services/data/v62.0/jobs/ingest/${body.id}/batches`;
  const { status } = await fetch(url, { method: 'PUT', headers, body: csv });
  if (status !== 201) throw new Error(`${status}`);
  return body.id;
};

type Plan = {
  readonly create: Record<string, string>;
  readonly change: Record<string, string | null>;
  readonly type: string;
};
const plans = {
  accounts: { type: 'Account', create: { Name: 'A', Phone: '1' }, change: { Name: 'B', Phone: null } },
  contacts: {
    type: 'Contact',
    create: { LastName: 'A', Email: 'a@b.example' },
    change: { LastName: 'B', Email: 'C@B.example' },
  },
  opportunities: {
    type: 'Opportunity',
    create: { Name: 'A', StageName: 'Prospecting', CloseDate: '2026-12-01' },
    change: { StageName: 'Closed Won' },
  },
  cases: { type: 'Case', create: { Subject: 'A' }, change: { Subject: ' B ', Status: 'Working' } },
  tasks: { type: 'Task', create: { Subject: 'A' }, change: { Description: 'a\r\nb' } },
} satisfies Record<string, Plan>;
type Group = keyof typeof plans;
const externalId = { field: 'HubSpot_Id__c', value: '1001' };

/** Every write, planned on records that were made for it. */
const writes: Readonly<Record<string, () => Promise<PlannedCall>>> = {
  ...Object.fromEntries(
    (Object.keys(plans) as Group[]).flatMap((group) => {
      const { type, create, change } = plans[group];
      const calls = salesforce[group];
      return [
        [`${group}.create`, async () => calls.create(create)],
        [`${group}.update`, async () => calls.update(await post(type, create), change)],
        [`${group}.upsert`, async () => calls.upsert(externalId, { ...create, ...change })],
        [
          `${group}.upsert of a record that exists`,
          async () => {
            await post(type, { ...create, HubSpot_Id__c: externalId.value });
            return calls.upsert(externalId, change);
          },
        ],
        [`${group}.delete`, async () => calls.delete(await post(type, create))],
      ] as const;
    }),
  ),
  'opportunities.open': async () =>
    salesforce.opportunities.open(plans.opportunities.create, await post('Contact', { LastName: 'A' })),
  'cases.comment': async () => salesforce.cases.comment(await post('Case', { Subject: 'A' }), 'said'),
  'jobs.close': async () => salesforce.jobs.close(await jobWith('Name,HubSpot_Id__c\n"A","77"\n')),
  'jobs.abort': async () => salesforce.jobs.abort(await jobWith('Name,HubSpot_Id__c\n"A","77"\n')),
  'tasks.append': async () => {
    const on = [{ object: 'contact' as const, id: await post('Contact', { LastName: 'A' }) }];
    return salesforce.tasks.append({ subject: 'Call', text: 'said', on, atMs: world.clock.now() });
  },
};

const faults: Faults = {
  'a failure before it': { kind: 'fail_before_commit' },
  'a server that is unavailable': { kind: 'server_error', status: 503 },
  'a connection that ends before it': { kind: 'reset' },
  'a maintenance page instead of it': { kind: 'html_error' },
  'the limit of the day': { kind: 'rate_limited', policyName: 'DAILY' },
  'a failure after it': { kind: 'server_error', afterCommit: true },
  'an answer that is lost': { kind: 'commit_then_lose_response' },
  'a maintenance page after it': { kind: 'html_error', afterCommit: true },
};

beforeEach(async () => {
  world = await salesforceWorld();
});
afterEach(() => world.close());

const writing = writesUnderFaults({
  world: () => world,
  plans: writes,
  isWrite: (name) => ({
    method: /\.(delete)/.test(name) ? 'DELETE' : /\.(update|upsert|close|abort)/.test(name) ? 'PATCH' : 'POST',
  }),
});
const { meet, applied } = writing;

/** A record and its link are made together. */
const made = (name: string) => (name === 'opportunities.open' ? 2 : 1);

/** Nothing finds these again, and without the closing of the job they change no record. */
const unproven: Readonly<Record<string, () => Promise<PlannedCall>>> = {
  'jobs.create': async () => salesforce.jobs.create({ object: 'account', operation: 'update' }),
  'jobs.upload': async () => {
    const job = { object: 'Account', operation: 'update' };
    const { body } = await callSalesforce(world.simulator, 'POST', 'jobs/ingest', job);
    return salesforce.jobs.upload({ jobId: body.id, columns: ['Id', 'Name'], rows: [['001000000000001AAA', 'A']] });
  },
};

it.each(Object.keys(unproven))('%s whose answer was lost is sent once and goes to a person', async (name) => {
  const call = await unproven[name]?.();
  if (!call) throw new Error(name);
  const request = await claimOf(world, call);
  world.simulator.effects.clear();
  const method = name.endsWith('upload') ? 'PUT' : 'POST';
  world.simulator.addFault({ kind: 'commit_then_lose_response', match: { method } });
  await execute(world.kernel, request);
  const sent = () => world.simulator.effects.requests().filter((one) => one.method === method).length;
  expect([(await settle(world, request.identity.key)).state, sent(), applied()]).toEqual(['NEEDS_HUMAN', 1, 0]);
});

itIsRunForEveryWrite(operations.values(), [...Object.keys(writes), ...Object.keys(unproven)]);
itTakesEffectOnce(writing, faults, made);
itIsNotSentAgain(writing, made);

it('a create of which the external id field is gone is never made again: a person decides', async () => {
  const { key } = await meet('contacts.create', { kind: 'commit_then_lose_response' });
  const renamed = { type: 'Contact', from: 'Plumbline_Ref__c', to: 'Other__c' };
  await callSalesforce(world.simulator, 'POST', '/_admin/rename-field', renamed);
  expect([(await settle(world, key)).state, applied()]).toEqual(['NEEDS_HUMAN', 1]);
});

it.each(['accounts.update', 'accounts.upsert', 'accounts.upsert of a record that exists'])(
  '%s that somebody else overwrote before it could be proven goes to a person',
  async (name) => {
    const { key } = await meet(name, { kind: 'commit_then_lose_response' });
    const [row] = world.simulator.org.rows.Account.values();
    const touch = { type: 'Account', id: row?.id, fields: { Name: 'C' } };
    await callSalesforce(world.simulator, 'POST', '/_admin/touch', touch);
    expect([(await settle(world, key)).state, applied()]).toEqual(['NEEDS_HUMAN', 1]);
  },
);

it('an update on the condition of time overwrites no later change', async () => {
  const id = await post('Account', { Name: 'A' });
  const got = await read(world, salesforce.accounts.get(id));
  const unmodifiedSince = got.kind === 'ok' ? (got.data as { updatedAt: string }).updatedAt : '';
  world.clock.advance(2000);
  await callSalesforce(world.simulator, 'POST', '/_admin/touch', { type: 'Account', id, fields: { Phone: '9' } });
  world.simulator.effects.clear();
  const request = await claimOf(world, salesforce.accounts.update(id, { Name: 'B' }, { unmodifiedSince }));
  const { outcome } = await execute(world.kernel, request);
  expect([outcome, applied()]).toMatchObject([{ kind: 'failed', failure: { code: 'system_conflict' } }, 0]);
});

it('a locked row is tried again', async () => {
  const request = await claimOf(world, salesforce.contacts.create({ LastName: 'A' }));
  world.simulator.org.knobs.locks = 1;
  expect((await execute(world.kernel, request)).outcome.kind).toBe('queued');
  expect([(await settle(world, request.identity.key)).state, applied()]).toEqual(['SUCCEEDED', 1]);
});

it('a create whose first attempt is carried out late is found by its key and not made again', async () => {
  const request = await claimOf(world, salesforce.contacts.create({ LastName: 'A' }));
  world.simulator.org.knobs.locks = 1;
  await execute(world.kernel, request);
  const key = `act_${request.identity.key}_1`;
  await post('Contact', { LastName: 'A', Plumbline_Ref__c: key });
  expect([(await settle(world, request.identity.key)).state, applied()]).toEqual(['SUCCEEDED', 1]);
});

it('a duplicate of somebody else is a refusal that is not tried again', async () => {
  await post('Contact', { LastName: 'A', Email: 'a@b.example' });
  world.simulator.effects.clear();
  const request = await claimOf(world, salesforce.contacts.create({ LastName: 'B', Email: 'A@b.example' }));
  const { outcome } = await execute(world.kernel, request);
  expect(outcome).toMatchObject({
    kind: 'failed',
    failure: { code: 'system_duplicate', vendorCode: 'DUPLICATES_DETECTED' },
  });
  expect([(await settle(world, request.identity.key)).state, applied()]).toEqual(['FAILED', 0]);
});

it('an upsert of which the update is answered without a body is applied', async () => {
  world.simulator.org.knobs.upsertWithoutBody = true;
  await post('Contact', { LastName: 'A', HubSpot_Id__c: externalId.value });
  const request = await claimOf(world, salesforce.contacts.upsert(externalId, { LastName: 'B' }));
  expect((await execute(world.kernel, request)).outcome.kind).toBe('applied');
});

it('an external id of several records changes none of them', async () => {
  const twice = { field: 'Legacy_Id__c', value: 'L' };
  for (const LastName of ['A', 'B']) await post('Contact', { LastName, Legacy_Id__c: 'L' });
  world.simulator.effects.clear();
  await expect(claimOf(world, salesforce.contacts.upsert(twice, { LastName: 'C' }))).rejects.toThrow(
    'MULTIPLE_CHOICES',
  );
  expect(applied()).toBe(0);
});

it('twenty equal claims at once make one record', async () => {
  const request = await claimOf(world, salesforce.contacts.create({ LastName: 'A' }));
  await Promise.all(Array.from({ length: 20 }, () => execute(world.kernel, request)));
  expect([(await settle(world, request.identity.key)).state, applied()]).toEqual(['SUCCEEDED', 1]);
});
