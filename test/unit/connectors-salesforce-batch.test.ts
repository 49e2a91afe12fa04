import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type Collection,
  type CollectionItem,
  collectionRequest,
  collectionVerdicts,
} from '../../shared/connectors/salesforce/batch.ts';
import { salesforce } from '../../shared/connectors/salesforce/calls.ts';
import { compositeRequest, compositeVerdicts, type Subrequest } from '../../shared/connectors/salesforce/composite.ts';
import { operationById } from '../../shared/connectors/salesforce/operations.ts';
import type { HttpAnswer, PlannedCall, WriteVerdict } from '../../shared/model/operation.ts';
import { apiVersion, callSalesforce, type SalesforceWorld, salesforceWorld } from '../kit/salesforce-simulator.ts';
import { exchange, write } from '../kit/system-world.ts';

let world: SalesforceWorld;
let serial = 0;
const next = () => {
  serial += 1;
  return `act_batch_${serial}`;
};
beforeAll(async () => {
  world = await salesforceWorld();
});
afterAll(() => world.close());
beforeEach(() => world.simulator.effects.clear());

const create = (LastName: string | null, providerKey = next()): CollectionItem => ({
  change: 'create',
  providerKey,
  properties: { LastName },
});
const contacts = (items: readonly CollectionItem[], allOrNone = false): Collection => ({
  object: 'contact',
  items,
  allOrNone,
});
const sendAll = async (collection: Collection) =>
  collectionVerdicts(await exchange(world, collectionRequest({ apiVersion }, collection)), collection);
const said = (verdicts: readonly WriteVerdict[]) =>
  verdicts.map((verdict) => (verdict.kind === 'not_applied' ? verdict.error.class : verdict.kind));
const answer = (status: number, body: unknown): HttpAnswer => ({ status, headers: {}, bodyText: JSON.stringify(body) });
const invalid = expect.objectContaining({ code: 'invalid_input' });
const idOf = (verdict: WriteVerdict | undefined) =>
  verdict?.kind === 'applied' ? (verdict.records[0]?.[2] ?? '') : '';

describe('a collection of records', () => {
  it('gives each item a verdict and a key of its own', async () => {
    const items = [create('A'), create(null), create('B')];
    expect(said(await sendAll(contacts(items)))).toEqual(['applied', 'business', 'applied']);
    expect(world.simulator.effects.effects().map(({ key }) => key)).toEqual(
      [0, 2].map((at) => (items[at] as { providerKey: string }).providerKey),
    );
  });

  it('carried out as a whole or not at all leaves the others to be sent again', async () => {
    expect(said(await sendAll(contacts([create('A'), create(null)], true)))).toEqual(['transient', 'business']);
    expect(world.simulator.effects.effects()).toEqual([]);
  });

  it('names an item that was applied before as a duplicate, which its read-back then tells', async () => {
    const item = create('A');
    await sendAll(contacts([item]));
    expect(said(await sendAll(contacts([item, create('B')])))).toEqual(['duplicate', 'applied']);
  });

  it('updates and deletes by id', async () => {
    const [made] = await sendAll(contacts([create('A')]));
    const id = idOf(made);
    const update: CollectionItem = { change: 'update', id, properties: { LastName: 'B' } };
    expect(await sendAll(contacts([update]))).toMatchObject([
      { kind: 'applied', records: [['salesforce', 'contact', id]] },
    ]);
    expect(said(await sendAll(contacts([{ change: 'delete', id }])))).toEqual(['applied']);
    expect(said(await sendAll(contacts([{ change: 'delete', id }])))).toEqual(['not_found']);
  });

  it('of 200 is one request, and of 201 none', async () => {
    const items = Array.from({ length: 200 }, (_, n) => create(`N${n}`));
    const before = world.simulator.effects.requests().length;
    expect(new Set(said(await sendAll(contacts(items))))).toEqual(new Set(['applied']));
    expect([world.simulator.effects.requests().length - before, world.simulator.effects.effects().length]).toEqual([
      1, 200,
    ]);
    expect(() => collectionRequest({ apiVersion }, contacts([...items, create('one more')]))).toThrow(invalid);
  });

  it.each<[string, readonly CollectionItem[]]>([
    ['nothing', []],
    ['changes of two kinds', [create('A'), { change: 'delete', id: '003000000000001AAA' }]],
    ['something that is no id', [{ change: 'delete', id: '003,001' }]],
    ['the reference as a value', [{ change: 'create', providerKey: 'k', properties: { plumbline_ref__c: 'x' } }]],
  ])('of %s is refused', (_name, items) => {
    expect(() => collectionRequest({ apiVersion }, contacts(items))).toThrow(invalid);
  });

  it.each<[string, HttpAnswer, string]>([
    ['a failing server', answer(500, [{ errorCode: 'UNKNOWN_EXCEPTION', message: 'm' }]), 'unknown'],
    ['fewer results than records', answer(200, [{ id: '003000000000001AAA', success: true, errors: [] }]), 'unknown'],
    [
      'one record for two',
      answer(200, Array(2).fill({ id: '003000000000001AAA', success: true, errors: [] })),
      'unknown',
    ],
    ['something else', answer(200, { success: true }), 'unknown'],
    ['no session', answer(401, [{ errorCode: 'INVALID_SESSION_ID', message: 'm' }]), 'auth'],
    ['no more calls', answer(403, [{ errorCode: 'REQUEST_LIMIT_EXCEEDED', message: 'm' }]), 'rate'],
  ])('answered with %s is known of no item, or refused as a whole', (_name, given, kind) => {
    expect(said(collectionVerdicts(given, contacts([create('A'), create('B')])))).toEqual([kind, kind]);
  });

  it('is unknown where an item is answered about another record', () => {
    const update: CollectionItem = { change: 'update', id: '003000000000002AAA', properties: {} };
    const other = answer(200, [{ id: '003000000000001AAA', success: true, errors: [] }]);
    expect(said(collectionVerdicts(other, contacts([update])))).toEqual(['unknown']);
  });
});

describe('a composite of requests', () => {
  const part = (call: PlannedCall, providerKey = next()): Subrequest => {
    const operation = operationById(call.operation);
    if (operation?.kind !== 'write') throw new Error(call.operation);
    const spec = operation.request({ apiVersion, providerKey }, call.input);
    return { spec, judge: (given) => operation.judge(given, call.input) };
  };
  const sendParts = async (subrequests: readonly Subrequest[], allOrNone = false) =>
    compositeVerdicts(await exchange(world, compositeRequest({ apiVersion }, { subrequests, allOrNone })), subrequests);

  it('is judged by each operation for itself', async () => {
    const made = await write(world, salesforce.accounts.create({ Name: 'A' }), next());
    const id = idOf(made);
    const verdicts = await sendParts([
      part(salesforce.contacts.create({ LastName: 'A' })),
      part(salesforce.accounts.update(id, { Name: 'B' })),
      part(salesforce.contacts.create({})),
      part(salesforce.accounts.upsert({ field: 'HubSpot_Id__c', value: next() }, { Name: 'C' })),
      part(salesforce.accounts.update(id, { Name: 'D' }, { unmodifiedSince: '2020-01-01T00:00:00Z' })),
      part(salesforce.accounts.delete(id)),
    ]);
    expect(said(verdicts)).toEqual(['applied', 'applied', 'business', 'applied', 'conflict', 'applied']);
  });

  it('that is halted leaves the others to be sent again', async () => {
    const parts = [part(salesforce.contacts.create({ LastName: 'A' })), part(salesforce.contacts.create({}))];
    expect(said(await sendParts(parts, true))).toEqual(['transient', 'business']);
    expect(world.simulator.effects.effects()).toEqual([]);
  });

  it('holds the parameters of its requests', async () => {
    const only = { externalId: { field: 'HubSpot_Id__c', value: next() }, properties: { Name: 'A' }, updateOnly: true };
    const { externalId, properties, updateOnly } = only;
    expect(said(await sendParts([part(salesforce.accounts.upsert(externalId, properties, { updateOnly }))]))).toEqual([
      'not_found',
    ]);
  });

  it('takes 1 to 25 requests', () => {
    const one = part(salesforce.contacts.create({ LastName: 'A' }));
    for (const count of [0, 26]) {
      expect(() => compositeRequest({ apiVersion }, { subrequests: Array(count).fill(one), allOrNone: false })).toThrow(
        invalid,
      );
    }
  });

  it('knows nothing of a request that is not answered, or twice, or of all where it failed', async () => {
    const parts = [
      part(salesforce.contacts.create({ LastName: 'A' })),
      part(salesforce.contacts.create({ LastName: 'B' })),
    ];
    const row = (referenceId: string) => ({
      referenceId,
      httpStatusCode: 201,
      httpHeaders: {},
      body: { id: '003000000000001AAA', success: true },
    });
    const kinds = (given: HttpAnswer) => said(compositeVerdicts(given, parts));
    expect(kinds(answer(200, { compositeResponse: [row('item1')] }))).toEqual(['unknown', 'applied']);
    expect(kinds(answer(200, { compositeResponse: [row('item0'), row('item0'), row('item1')] }))).toEqual([
      'unknown',
      'applied',
    ]);
    expect(kinds(answer(502, '<html>'))).toEqual(['unknown', 'unknown']);
  });

  it('is found again item by item where its answer is lost', async () => {
    const keys = [next(), next()];
    const parts = keys.map((key) => part(salesforce.contacts.create({ LastName: 'A' }), key));
    world.simulator.addFault({ kind: 'commit_then_lose_response', match: { path: '^/services/data/v62.0/composite' } });
    await expect(sendParts(parts)).rejects.toThrow();
    for (const key of keys) {
      const { status } = await callSalesforce(world.simulator, 'GET', `sobjects/Contact/Plumbline_Ref__c/${key}`);
      expect(status).toBe(200);
    }
    expect(world.simulator.effects.effects().map(({ key }) => key)).toEqual(keys);
  });
});
