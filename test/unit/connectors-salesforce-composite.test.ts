import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { salesforce } from '../../shared/connectors/salesforce/calls.ts';
import { operationById } from '../../shared/connectors/salesforce/operations.ts';
import type { HttpAnswer, PlannedCall, RequestSpec, WriteOperation } from '../../shared/model/operation.ts';
import { callSalesforce, type SalesforceWorld, salesforceWorld } from '../kit/salesforce-simulator.ts';
import { exchange, read, write } from '../kit/system-world.ts';

let world: SalesforceWorld;
beforeEach(async () => {
  world = await salesforceWorld();
});
afterEach(() => world.close());

const invalid = expect.objectContaining({ code: 'invalid_input' });
const context = { apiVersion: '62.0', providerKey: 'act_k_1' };
const request = (call: PlannedCall) => operationById(call.operation)?.request(context, call.input);
const made = async (type: string, fields: object): Promise<string> => {
  const { status, text, body } = await callSalesforce(world.simulator, 'POST', `sobjects/${type}`, fields);
  if (status !== 201) throw new Error(text);
  return body.id;
};
const composite = (rows: readonly object[], status = 200): HttpAnswer => ({
  status,
  headers: {},
  bodyText: JSON.stringify({ compositeResponse: rows }),
});
const row = (n: number, httpStatusCode: number, body: unknown) => ({
  referenceId: `item${n}`,
  httpStatusCode,
  httpHeaders: {},
  body,
});

describe('an account with what belongs to it', () => {
  const overview = (id: string, limit = 3) => salesforce.accounts.overview(id, { limit });

  it('is read in one request, what is closed left out and what is cut named', async () => {
    const AccountId = await made('Account', { Name: 'A' });
    for (let n = 0; n < 4; n += 1) await made('Contact', { LastName: `C${n}`, AccountId });
    const opportunity = { Name: 'O', CloseDate: '2030-01-01', AccountId };
    await made('Opportunity', { ...opportunity, StageName: 'Prospecting' });
    await made('Opportunity', { ...opportunity, StageName: 'Closed Won' });
    await made('Case', { Subject: 'S', AccountId });
    world.simulator.effects.clear();
    const verdict = await read(world, overview(AccountId));
    expect(verdict).toMatchObject({
      kind: 'ok',
      data: {
        ...{ id: AccountId, properties: { Name: 'A' } },
        contacts: { results: [{}, {}, {}], more: true },
        opportunities: { results: [{ properties: { StageName: 'Prospecting' } }], more: false },
        cases: { results: [{ properties: { Subject: 'S' } }], more: false },
      },
    });
    expect(world.simulator.effects.requests()).toHaveLength(1);
  });

  it('is not found where the account is not, and an error where any part cannot be read', async () => {
    expect(await read(world, overview('001000000000009AAA'))).toMatchObject({ error: { class: 'not_found' } });
    const account = { attributes: { type: 'Account' }, Id: '001000000000001AAA' };
    const names = ['Name', 'Type', 'Industry', 'Phone', 'Website', 'BillingCity', 'BillingCountry', 'OwnerId'];
    const whole = { ...account, ...Object.fromEntries(names.map((name) => [name, null])) };
    const empty = { totalSize: 0, done: true, records: [] };
    const lists = [1, 2, 3].map((n) => row(n, 200, empty));
    const call = overview('001000000000001AAA');
    const judged = (given: HttpAnswer) => operationById(call.operation)?.judge(given, call.input);
    expect(judged(composite([row(0, 200, whole), ...lists]))).toMatchObject({ kind: 'ok' });
    const expired = [{ errorCode: 'QUERY_TIMEOUT', message: 'm' }];
    for (const [rows, kind] of [
      [[row(0, 200, whole), ...lists.slice(1)], 'transient'],
      [[row(0, 200, whole), ...lists, row(1, 200, empty)], 'transient'],
      [[row(0, 200, whole), row(1, 400, expired), ...lists.slice(1)], 'transient'],
      [[row(0, 200, whole), row(1, 200, { ...empty, totalSize: 5 }), ...lists.slice(1)], 'transient'],
      [[row(0, 200, account), ...lists], 'schema'],
    ] as const) {
      expect(judged(composite(rows))).toMatchObject({ kind: 'error', error: { class: kind } });
    }
    expect(judged(composite([], 503))).toMatchObject({ kind: 'error', error: { class: 'transient' } });
  });
});

describe('an opportunity with its contact', () => {
  const properties = { Name: 'O', StageName: 'Prospecting', CloseDate: '2030-01-01' };
  const operation = () => operationById('salesforce.opportunities.open') as unknown as WriteOperation;

  it('is made as a whole or not at all', async () => {
    const contact = await made('Contact', { LastName: 'A' });
    world.simulator.effects.clear();
    const good = await write(world, salesforce.opportunities.open(properties, contact), 'act_open_1');
    expect(good).toMatchObject({
      kind: 'applied',
      created: true,
      records: [['salesforce', 'opportunity', expect.any(String)]],
    });
    expect(world.simulator.effects.effects().map(({ object }) => object)).toEqual([
      'Opportunity',
      'OpportunityContactRole',
    ]);
    const [role] = world.simulator.org.rows.OpportunityContactRole.values();
    expect(role?.values).toMatchObject({ ContactId: contact, IsPrimary: true });
    world.simulator.effects.clear();
    const noContact = await write(world, salesforce.opportunities.open(properties, '003000000000009AAA'), 'act_open_2');
    const noStage = await write(
      world,
      salesforce.opportunities.open({ Name: 'O', CloseDate: '2030-01-01' }, contact),
      'act_open_3',
    );
    expect([noContact, noStage]).toMatchObject([
      { kind: 'not_applied', error: { code: 'INVALID_CROSS_REFERENCE_KEY' } },
      { kind: 'not_applied', error: { code: 'REQUIRED_FIELD_MISSING' } },
    ]);
    expect(world.simulator.effects.effects()).toEqual([]);
  });

  it.each([
    ['nothing for one half', [row(0, 201, { id: '006000000000001AAA', success: true })]],
    [
      'that one half was made',
      [
        row(0, 201, { id: '006000000000001AAA', success: true }),
        row(1, 400, [{ errorCode: 'STRING_TOO_LONG', message: 'm' }]),
      ],
    ],
    ['that both were halted', [0, 1].map((n) => row(n, 400, [{ errorCode: 'PROCESSING_HALTED', message: 'm' }]))],
    [
      'that one half failed and not why',
      [
        row(0, 500, [{ errorCode: 'UNKNOWN_EXCEPTION', message: 'm' }]),
        row(1, 400, [{ errorCode: 'PROCESSING_HALTED', message: 'm' }]),
      ],
    ],
    [
      'that one half may have failed and the other was refused',
      [
        row(0, 500, [{ errorCode: 'UNKNOWN_EXCEPTION', message: 'm' }]),
        row(1, 400, [{ errorCode: 'STRING_TOO_LONG', message: 'm' }]),
      ],
    ],
    ['the halves without ids', [row(0, 201, {}), row(1, 201, {})]],
  ])('is unknown where Salesforce says %s', (_name, rows) => {
    expect(operation().judge(composite(rows), { properties, contactId: 'x' })).toMatchObject({ kind: 'unknown' });
  });

  it('is sent to no contact that is none, and with no value that reads as a reference', () => {
    const contact = '003000000000001AAA';
    expect(request(salesforce.opportunities.open(properties, contact))).toMatchObject({
      method: 'POST',
      path: '/services/data/v62.0/composite',
      body: {
        json: {
          allOrNone: true,
          compositeRequest: [{ referenceId: 'item0' }, { body: { OpportunityId: '@{item0.id}' } }],
        },
      },
    });
    for (const name of ['@{item0.id}', 'a @{item1.success} b', '@{x}']) {
      expect(() => request(salesforce.opportunities.open({ ...properties, Name: name }, contact))).toThrow(invalid);
    }
    for (const id of ['', '..', '@{item0.id}']) {
      expect(() => request(salesforce.opportunities.open(properties, id))).toThrow(invalid);
    }
  });
});

describe('a comment on a case', () => {
  const operation = () => operationById('salesforce.cases.comment') as unknown as WriteOperation;
  const probe = async (id: string, key: string) => {
    const spec = operation().probe?.request({ ...context, providerKey: key }, { id, text: 'a' }) as RequestSpec;
    return operation().probe?.judge(await exchange(world, spec, 'read'), { id, text: 'a' }, null, key).kind;
  };

  it('is internal, and found by its last line among others', async () => {
    const id = await made('Case', { Subject: 'S' });
    const said = await write(world, salesforce.cases.comment(id, 'First.\nSecond.  '), 'act_c_1');
    expect(said).toMatchObject({ kind: 'applied', records: [['salesforce', 'case', id]] });
    const [row] = world.simulator.org.rows.CaseComment.values();
    expect(row?.values).toMatchObject({ CommentBody: 'First.\nSecond.\n\nRef: act_c_1', IsPublished: false });
    expect([await probe(id, 'act_c_1'), await probe(id, 'act_c_11'), await probe(id, 'c_1')]).toEqual([
      'equal',
      'absent',
      'absent',
    ]);
  });

  it('that may stand behind more comments than are looked at is never taken for absent', async () => {
    const id = await made('Case', { Subject: 'S' });
    for (let n = 0; n < 200; n += 1) await made('CaseComment', { ParentId: id, CommentBody: `${n}` });
    expect(await probe(id, 'act_c_1')).toBe('inconclusive');
  });

  it('is proven by no answer that is cut short or something else', () => {
    for (const body of [{ records: [] }, { done: false, records: [] }, { done: true, records: [{ Id: 'x' }] }, []]) {
      const given: HttpAnswer = { status: 200, headers: {}, bodyText: JSON.stringify(body) };
      expect(operation().probe?.judge(given, { id: '500000000000001AAA', text: 'a' }, null, 'k').kind).toBe(
        'inconclusive',
      );
    }
  });

  it('is not sent where it is too long or its case is none', () => {
    expect(() => request(salesforce.cases.comment('500000000000001AAA', 'x'.repeat(3990)))).toThrow(invalid);
    expect(() => request(salesforce.cases.comment("' OR Id != '", 'x'))).toThrow(invalid);
  });
});
