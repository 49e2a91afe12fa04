import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { executeMany, type ManyDeps } from '../../shared/action/many.ts';
import { collectionRequest } from '../../shared/connectors/salesforce/batch.ts';
import { salesforce } from '../../shared/connectors/salesforce/calls.ts';
import { operationById } from '../../shared/connectors/salesforce/operations.ts';
import type { BatchForm, PlannedCall, WriteOperation } from '../../shared/model/operation.ts';
import { makeBatching } from '../../shared/tools/batch.ts';
import { kindsOf, settleAll } from '../kit/batching.ts';
import { type SalesforceWorld, salesforceWorld } from '../kit/salesforce-simulator.ts';
import { claimOf, write } from '../kit/system-world.ts';

let world: SalesforceWorld;
let serial = 0;
const next = () => {
  serial += 1;
  return serial;
};
beforeAll(async () => {
  world = await salesforceWorld();
});
afterAll(() => world.close());
beforeEach(() => {
  world.simulator.effects.clear();
});

const collections = '/services/data/v62.0/composite/sobjects';
const many = (): ManyDeps => ({ ...world.kernel, batching: makeBatching(world.system) });
const requestsOf = (calls: readonly PlannedCall[]) => Promise.all(calls.map((call) => claimOf(world, call, next())));
const writes = () => world.simulator.effects.requests().filter(({ method }) => method !== 'GET');
const people = (count: number) =>
  Array.from({ length: count }, () => salesforce.contacts.create({ LastName: `N${next()}` }));
const bad = () => salesforce.contacts.create({ FirstName: 'without a last name' });
const applied = () => world.simulator.effects.effects().map(({ key }) => key);

async function made(): Promise<string> {
  const verdict = await write(world, salesforce.contacts.create({ LastName: 'Old' }), `act_made_${next()}`);
  return verdict.kind === 'applied' ? (verdict.records[0]?.[2] ?? '') : '';
}

describe('actions on Salesforce', () => {
  it('share collections of 200, and one that is refused fails alone', async () => {
    const requests = await requestsOf([...people(150), bad(), ...people(100)]);
    const kinds = await kindsOf(executeMany(many(), requests));
    expect([kinds.filter((kind) => kind === 'applied').length, kinds[150]]).toEqual([250, 'failed']);
    expect(writes().map(({ path }) => path)).toEqual([collections, collections]);
    expect(new Set(applied()).size).toBe(250);
  });

  it('of every kind share a request with their like', async () => {
    const [one, two, gone] = [await made(), await made(), await made()];
    world.simulator.effects.clear();
    const external = (value: string) => ({ field: 'HubSpot_Id__c', value });
    const requests = await requestsOf([
      salesforce.contacts.update(one, { LastName: 'A' }),
      salesforce.contacts.upsert(external(`h${next()}`), { LastName: 'B' }),
      salesforce.contacts.delete(gone),
      salesforce.contacts.update(two, { LastName: 'C' }),
      salesforce.contacts.upsert(external(`h${next()}`), { LastName: 'D' }),
      salesforce.contacts.update(one, { FirstName: 'Another change of the same record' }),
      salesforce.contacts.update(two, { FirstName: 'E' }, { unmodifiedSince: '2999-01-01T00:00:00Z' }),
    ]);
    expect(await kindsOf(executeMany(many(), requests))).toEqual(Array(7).fill('applied'));
    expect(
      writes()
        .map(
          ({ method, path }) =>
            `${method} ${path.replace('/services/data/v62.0', '').replace(/[0-9A-Za-z]{18}/, 'id')}`,
        )
        .toSorted(),
    ).toEqual([
      'DELETE /sobjects/Contact/id',
      'PATCH /composite/sobjects',
      'PATCH /composite/sobjects/Contact/HubSpot_Id__c',
      'PATCH /sobjects/Contact/id',
      'PATCH /sobjects/Contact/id',
    ]);
  });

  it('are read back one by one where the answer is lost, and none is done twice', async () => {
    const requests = await requestsOf([...people(20), bad()]);
    world.simulator.addFault({ kind: 'commit_then_lose_response', match: { path: collections } });
    expect(new Set(await kindsOf(executeMany(many(), requests)))).toEqual(new Set(['unknown']));
    const keys = requests.map(({ identity }) => identity.key);
    const settled = await settleAll({ ...world, kernel: many() }, keys);
    expect(settled.map((record) => record?.state)).toEqual([...Array(20).fill('SUCCEEDED'), 'FAILED']);
    expect([applied().length, new Set(applied()).size]).toEqual([20, 20]);
  });

  it('that are all or nothing go again without the one that was refused', async () => {
    const operation = operationById('salesforce.contacts.create') as WriteOperation;
    const all: BatchForm = {
      ...(operation.batch as BatchForm),
      mode: 'all_or_none',
      request: (context, items) => {
        const collected = items.map(({ providerKey, input }) => {
          const { properties } = input as { properties: Readonly<Record<string, string>> };
          return { change: 'create', providerKey, properties } as const;
        });
        return collectionRequest(context, { object: 'contact', items: collected, allOrNone: true });
      },
    };
    const system = { ...world.system, operations: () => ({ ...operation, batch: all }) };
    const deps: ManyDeps = { ...world.kernel, batching: makeBatching(system) };
    const requests = await requestsOf([...people(3), bad()]);
    expect(await kindsOf(executeMany(deps, requests))).toEqual(['queued', 'queued', 'queued', 'failed']);
    expect(applied()).toEqual([]);
    const keys = requests.map(({ identity }) => identity.key);
    const settled = await settleAll({ ...world, system, kernel: deps }, keys);
    expect(settled.map((record) => record?.state)).toEqual(['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED', 'FAILED']);
    expect([applied().length, writes().length]).toEqual([3, 2]);
  });
});
