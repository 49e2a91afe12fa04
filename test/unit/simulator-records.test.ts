import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HubSpotSimulator } from '../../infra/local/systems/hubspot/start.ts';
import { callHubSpot, startTestHubSpot } from '../kit/simulator.ts';

describe('records of the simulated HubSpot account', () => {
  let hubspot: HubSpotSimulator;
  const call = (method: string, path: string, body?: unknown) => callHubSpot(hubspot, method, path, body);
  const contacts = '/crm/objects/2026-09/contacts';

  beforeAll(async () => {
    hubspot = await startTestHubSpot({ seeded: true });
  });
  afterAll(() => hubspot.close());

  it('starts with the promised number of records', () => {
    const { objects } = hubspot.portal;
    expect([objects.contacts.size, objects.companies.size, objects.deals.size]).toEqual([1000, 200, 300]);
  });

  it('gives every address a reserved example domain', () => {
    const emails = [...hubspot.portal.objects.contacts.values()].flatMap(({ properties }) => properties.email ?? []);
    expect(emails.filter((email) => !/@(mail\.)?example\.(com|org|net)$/.test(email))).toEqual([]);
  });

  it('is messy: missing addresses, repeated people, dates that are none', () => {
    const all = [...hubspot.portal.objects.contacts.values()].map(({ properties }) => properties);
    const without = all.filter((one) => !one.email).length;
    const again = all.filter((one) => one.email?.includes('+')).length;
    const badDates = all.filter(
      (one) => one.imported_birthday && Number.isNaN(Date.parse(one.imported_birthday)),
    ).length;
    expect(Math.min(without, again, badDates)).toBeGreaterThan(20);
  });

  it('pages through every record exactly once', async () => {
    const ids: string[] = [];
    let after = '';
    do {
      const { body } = await call('GET', `${contacts}?limit=100&after=${after}`);
      ids.push(...body.results.map((one: { id: string }) => one.id));
      after = body.paging?.next.after ?? '';
    } while (after !== '');
    expect([ids.length, new Set(ids).size]).toEqual([1000, 1000]);
  });

  it('refuses a page above 100', async () => {
    expect((await call('GET', `${contacts}?limit=101`)).status).toBe(400);
  });

  it('names the record that already holds an address', async () => {
    const { body } = await call('POST', contacts, { properties: { email: 'Twice@Example.com' } });
    const second = await call('POST', contacts, { properties: { email: 'twice@example.com' } });
    expect([second.status, second.body.message]).toEqual([409, `Contact already exists. Existing ID: ${body.id}`]);
  });

  it.each([
    ['an unknown property', { shoe_size: '44' }, 'PROPERTY_DOESNT_EXIST'],
    ['a value outside the options', { lifecyclestage: 'friend' }, 'INVALID_OPTION'],
    ['an address that is none', { email: 'not an address' }, 'INVALID_EMAIL'],
    ['a read-only property', { hs_object_id: '7' }, 'READ_ONLY_VALUE'],
  ])('refuses %s and changes nothing', async (_what, properties, code) => {
    const before = hubspot.effects.effects().length;
    const { status, body } = await call('PATCH', `${contacts}/1001`, { properties });
    expect([status, body.category, body.errors[0].code]).toEqual([400, 'VALIDATION_ERROR', code]);
    expect(hubspot.effects.effects()).toHaveLength(before);
  });

  it.each([
    ['a number', { amount: 'much' }, 'INVALID_NUMBER'],
    ['a day', { contract_start: '2025-02-31' }, 'INVALID_LONG'],
    ['a stage of the pipeline', { pipeline: 'renewals', dealstage: 'closedwon' }, 'INVALID_OPTION'],
  ])('refuses what is not %s on a deal', async (_what, properties, code) => {
    const { status, body } = await call('PATCH', '/crm/objects/2026-09/deals/501', { properties });
    expect([status, body.errors[0].code]).toEqual([400, code]);
  });

  it('finds a record by a unique property and shows its associations in the same answer', async () => {
    const types = [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 214 }];
    const properties = { plumbline_ref: 'ref-1', hs_timestamp: '1700000000000', hs_note_body: 'Called.' };
    const note = await call('POST', '/crm/objects/2026-09/notes', {
      properties,
      associations: [{ to: { id: '501' }, types }],
    });
    const { body } = await call('GET', '/crm/objects/2026-09/notes/ref-1?idProperty=plumbline_ref&associations=deals');
    expect([body.id, body.associations.deals.results]).toEqual([note.body.id, [{ id: '501', type: 'note_to_deal' }]]);
  });

  it('hides an archived record from reads and lists, and shows it on request', async () => {
    const { body } = await call('POST', contacts, { properties: { firstname: 'Gone' } });
    expect((await call('DELETE', `${contacts}/${body.id}`)).status).toBe(204);
    expect((await call('GET', `${contacts}/${body.id}`)).body.category).toBe('OBJECT_NOT_FOUND');
    expect((await call('GET', `${contacts}/${body.id}?archived=true`)).body.archived).toBe(true);
  });

  it('counts each applied write once, with the key it carried', async () => {
    const inputs = [{ idProperty: 'plumbline_ref', id: 'ref-9', properties: { hs_timestamp: '1700000000000' } }];
    await call('POST', '/crm/objects/2026-09/notes/batch/upsert', { inputs });
    const { body } = await callHubSpot(hubspot, 'GET', '/_effects');
    const carried = body.effects.filter((effect: { key: string }) => effect.key === 'ref-9');
    expect(carried).toMatchObject([{ change: 'create', object: 'notes', method: 'POST' }]);
  });
});

describe('batches of the simulated HubSpot account', () => {
  let hubspot: HubSpotSimulator;
  const timestamp = '1700000000000';
  const inputs = [
    { idProperty: 'plumbline_ref', id: 'a', objectWriteTraceId: 't-a', properties: { hs_timestamp: timestamp } },
    {
      idProperty: 'plumbline_ref',
      id: 'b',
      objectWriteTraceId: 't-b',
      properties: { hs_timestamp: timestamp, nope: '1' },
    },
  ];
  const upsert = (version: string, items: unknown = inputs) =>
    callHubSpot(hubspot, 'POST', `/crm/${version}/notes/batch/upsert`, { inputs: items });

  beforeAll(async () => {
    hubspot = await startTestHubSpot();
  });
  afterAll(() => hubspot.close());

  it('says new once and not new after that', async () => {
    const first = await upsert('objects/2026-09', [{ ...inputs[0], id: 'c' }]);
    const second = await upsert('objects/2026-09', [{ ...inputs[0], id: 'c' }]);
    expect([first.body.results[0].new, second.body.results[0].new]).toEqual([true, false]);
  });

  it('puts errors of single items into a 200 from 2026-09 on, with the trace id of each', async () => {
    const { status, body } = await upsert('objects/2026-09');
    expect([status, body.numErrors, body.errors[0].context.objectWriteTraceId]).toEqual([200, 1, ['t-b']]);
    expect(body.results).toMatchObject([{ objectWriteTraceId: 't-a' }]);
  });

  it('says 207 for the same on v3', async () => {
    expect((await upsert('v3/objects')).status).toBe(207);
  });

  it('refuses more than 100 items', async () => {
    const many = Array.from({ length: 101 }, (_, n) => ({ ...inputs[0], id: `m${n}` }));
    expect((await upsert('objects/2026-09', many)).status).toBe(400);
  });

  it('enforces an administrator rule from 2026-09 on and not before', async () => {
    await callHubSpot(hubspot, 'POST', '/_admin/require-property', { type: 'companies', name: 'tax_number' });
    const body = { properties: { name: 'Rule Ltd' } };
    const old = await callHubSpot(hubspot, 'POST', '/crm/v3/objects/companies', body);
    const now = await callHubSpot(hubspot, 'POST', '/crm/objects/2026-09/companies', body);
    expect([old.status, now.status]).toEqual([201, 400]);
  });
});
