import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SalesforceOptions, SalesforceSimulator } from '../../infra/local/systems/salesforce/start.ts';
import { callSalesforce, startTestSalesforce } from '../kit/salesforce-simulator.ts';

let org: SalesforceSimulator;
const start = async (options: Partial<SalesforceOptions> = {}) => {
  await org?.close();
  org = await startTestSalesforce(options);
};
const call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  callSalesforce(org, method, path, body, headers);
const query = (q: string) => call('GET', `query?q=${encodeURIComponent(q)}`);
const made = async (type: string, body: object) => String((await call('POST', `sobjects/${type}`, body)).body.id);
const refusal = async (answer: ReturnType<typeof call>) => {
  const { status, body } = await answer;
  return [status, body[0].errorCode];
};

beforeEach(() => start());
afterEach(() => org.close());

describe('records of the simulated Salesforce organization', () => {
  it('are created with 201, read, changed with 204, deleted, and then said to be deleted', async () => {
    const { status, body } = await call('POST', 'sobjects/Contact', { LastName: ' Li ', Email: 'A@Example.com' });
    expect([status, body.success, body.id]).toEqual([201, true, expect.stringMatching(/^003[A-Za-z0-9]{15}$/)]);
    const at = `sobjects/Contact/${body.id}`;
    expect((await call('PATCH', at, { Phone: '1' })).status).toBe(204);
    expect((await call('GET', `${at}?fields=LastName,Email,Phone`)).body).toMatchObject({
      LastName: 'Li',
      Email: 'a@example.com',
      Phone: '1',
    });
    expect((await call('DELETE', at)).status).toBe(204);
    expect(await refusal(call('GET', at))).toEqual([404, 'ENTITY_IS_DELETED']);
    expect(org.effects.effects().map(({ change }) => change)).toEqual(['create', 'update', 'archive']);
  });

  it.each<[string, string, object, string]>([
    ['an unknown field', 'Contact', { LastName: 'a', Nope__c: 1 }, 'INVALID_FIELD'],
    ['a missing field', 'Contact', { FirstName: 'a' }, 'REQUIRED_FIELD_MISSING'],
    ['a read-only field', 'Case', { CaseNumber: '1' }, 'INVALID_FIELD_FOR_INSERT_UPDATE'],
    ['a value outside the picklist', 'Case', { Status: 'Nope' }, 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST'],
    ['an address that is none', 'Contact', { LastName: 'a', Email: 'nope' }, 'INVALID_EMAIL_ADDRESS'],
    ['text that is too long', 'Contact', { LastName: 'a'.repeat(81) }, 'STRING_TOO_LONG'],
    ['an id that is none', 'Contact', { LastName: 'a', AccountId: 'x' }, 'MALFORMED_ID'],
    [
      'a parent that is not there',
      'Contact',
      { LastName: 'a', AccountId: '001000000000001' },
      'INVALID_CROSS_REFERENCE_KEY',
    ],
    [
      'text for a number',
      'Opportunity',
      { Name: 'a', StageName: 'Prospecting', CloseDate: '2026-01-01', Amount: '1' },
      'JSON_PARSER_ERROR',
    ],
    [
      'a day that is none',
      'Opportunity',
      { Name: 'a', StageName: 'Prospecting', CloseDate: '2026-02-31' },
      'JSON_PARSER_ERROR',
    ],
    [
      'a value a rule forbids',
      'Opportunity',
      { Name: 'a', StageName: 'Prospecting', CloseDate: '2026-01-01', Amount: -1 },
      'FIELD_CUSTOM_VALIDATION_EXCEPTION',
    ],
  ])('refuse %s and change nothing', async (_what, type, body, code) => {
    expect(await refusal(call('POST', `sobjects/${type}`, body))).toEqual([400, code]);
    expect(org.effects.effects()).toEqual([]);
  });

  it('name the record that already has a unique value, and the one that looks the same', async () => {
    const id = await made('Contact', { LastName: 'a', Email: 'a@example.com', Plumbline_Ref__c: 'k' });
    const unique = await call('POST', 'sobjects/Contact', { LastName: 'b', Plumbline_Ref__c: 'k' });
    expect(unique.body[0]).toMatchObject({
      errorCode: 'DUPLICATE_VALUE',
      message: expect.stringContaining(id.slice(0, 15)),
    });
    const alike = { LastName: 'b', Email: 'A@example.com' };
    const rule = await call('POST', 'sobjects/Contact', alike);
    expect(rule.body[0].duplicateResult.matchResults[0].matchRecords[0].record.Id).toBe(id);
    const allowed = await call('POST', 'sobjects/Contact', alike, { 'sforce-duplicate-rule-header': 'allowSave=true' });
    expect(allowed.status).toBe(201);
  });

  it('are written on a condition of time', async () => {
    const at = `sobjects/Account/${await made('Account', { Name: 'a' })}`;
    const long = { 'if-unmodified-since': 'Wed, 01 Jan 2020 00:00:00 GMT' };
    expect((await call('PATCH', at, { Name: 'b' }, long)).status).toBe(412);
    expect((await call('PATCH', at, { Name: 'b' }, { 'if-unmodified-since': 'soon' })).status).toBe(400);
    expect(
      (await call('PATCH', at, { Name: 'b' }, { 'if-unmodified-since': new Date(Date.now() + 1000).toUTCString() }))
        .status,
    ).toBe(204);
  });

  it('are upserted by external id: 201, 200, 204 before version 46 or by the knob, 300 where several have it', async () => {
    const upsert = () => call('PATCH', 'sobjects/Contact/HubSpot_Id__c/7', { LastName: 'a' });
    expect([(await upsert()).body.created, (await upsert()).body.created]).toEqual([true, false]);
    await call('POST', '/_admin/upsert-without-body', {});
    expect((await upsert()).status).toBe(204);
    for (const LastName of ['b', 'c']) await made('Contact', { LastName, Legacy_Id__c: 'L' });
    const several = await call('PATCH', 'sobjects/Contact/Legacy_Id__c/L', { LastName: 'd' });
    expect([several.status, several.body.length]).toEqual([300, 2]);
    expect(await refusal(call('PATCH', 'sobjects/Contact/HubSpot_Id__c/8?updateOnly=true', { LastName: 'a' }))).toEqual(
      [404, 'NOT_FOUND'],
    );
    expect(
      await refusal(call('PATCH', 'sobjects/Contact/HubSpot_Id__c/8', { LastName: 'a', HubSpot_Id__c: '8' })),
    ).toEqual([400, 'INVALID_FIELD']);
    expect(await refusal(call('GET', 'sobjects/Contact/Email/x'))).toEqual([404, 'NOT_FOUND']);
  });

  it('are described, and not again where nothing changed', async () => {
    const { body, headers } = await call('GET', 'sobjects/Contact/describe');
    expect(body.fields.find(({ name }: { name: string }) => name === 'LastName')).toMatchObject({
      nillable: false,
      createable: true,
    });
    const since = { 'if-modified-since': headers.get('last-modified') ?? '' };
    expect((await call('GET', 'sobjects/Contact/describe', undefined, since)).status).toBe(304);
  });

  it('tell what was changed and deleted in a span', async () => {
    const [kept, gone] = [await made('Account', { Name: 'a' }), await made('Account', { Name: 'b' })];
    await call('DELETE', `sobjects/Account/${gone}`);
    const time = (ms: number) =>
      encodeURIComponent(new Date(Date.now() + ms).toISOString().replace(/\.\d+Z/, '+00:00'));
    const span = `start=${time(-600_000)}&end=${time(600_000)}`;
    expect((await call('GET', `sobjects/Account/updated?${span}`)).body.ids).toEqual([kept]);
    expect((await call('GET', `sobjects/Account/deleted?${span}`)).body.deletedRecords).toMatchObject([{ id: gone }]);
    expect((await call('GET', `sobjects/Account/updated?start=${time(-40 * 86_400_000)}&end=${time(0)}`)).status).toBe(
      400,
    );
  });
});

describe('queries of the simulated Salesforce organization', () => {
  it('filter, order, follow parents and compare text without case', async () => {
    const AccountId = await made('Account', { Name: 'Öresund AB' });
    for (const LastName of ['Zoë', "O'Neil", '100%']) await made('Contact', { LastName, AccountId });
    const names = async (where: string) =>
      (await query(`SELECT LastName, Account.Name FROM Contact WHERE ${where} ORDER BY LastName`)).body.records;
    expect(await names("LastName = 'o\\'neil'")).toMatchObject([
      { LastName: "O'Neil", Account: { Name: 'Öresund AB' } },
    ]);
    expect(await names("LastName LIKE '%\\%'")).toMatchObject([{ LastName: '100%' }]);
    expect(await names("Account.Name = 'öresund ab' AND (LastName = 'Zoë' OR LastName IN ('100%', 'x'))")).toHaveLength(
      2,
    );
  });

  it.each([
    ['SELECT Id FORM Contact', 'MALFORMED_QUERY'],
    ["SELECT Id FROM Contact WHERE Name = 'a' AND Phone = 'b' OR Title = 'c'", 'MALFORMED_QUERY'],
    ["SELECT Id FROM Contact WHERE Name = 'a'; DELETE", 'MALFORMED_QUERY'],
    ['SELECT Nope__c FROM Contact', 'INVALID_FIELD'],
    ["SELECT Id FROM Opportunity WHERE Amount = '1'", 'INVALID_FIELD'],
    ['SELECT Id FROM Nope', 'INVALID_TYPE'],
  ])('are refused where they are wrong: %s', async (text, code) => {
    expect(await refusal(query(text))).toEqual([400, code]);
  });

  it('go on page by page, each record once', async () => {
    await start({ seeded: true, batchSize: 100 });
    const ids: string[] = [];
    let answer = await query('SELECT Id FROM Contact ORDER BY Id');
    const total = answer.body.totalSize;
    for (;;) {
      ids.push(...answer.body.records.map(({ Id }: { Id: string }) => Id));
      if (answer.body.done) break;
      answer = await call('GET', answer.body.nextRecordsUrl);
    }
    expect([ids.length, new Set(ids).size]).toEqual([total, total]);
    expect(await refusal(call('GET', 'query/01gSm0000000001AAA-100'))).toEqual([400, 'INVALID_QUERY_LOCATOR']);
  });
});

describe('many changes in one request of the simulated Salesforce organization', () => {
  const contact = (LastName: string | null) => ({ attributes: { type: 'Contact' }, LastName });

  it('fail one by one, or all with one', async () => {
    const records = [contact('a'), contact(null), contact('b')];
    const some = await call('POST', 'composite/sobjects', { allOrNone: false, records });
    expect(some.body.map(({ success }: { success: boolean }) => success)).toEqual([true, false, true]);
    const none = await call('POST', 'composite/sobjects', { allOrNone: true, records });
    expect(none.body.map(({ errors }: { errors: { statusCode: string }[] }) => errors[0]?.statusCode)).toEqual([
      'ALL_OR_NONE_OPERATION_ROLLED_BACK',
      'REQUIRED_FIELD_MISSING',
      'ALL_OR_NONE_OPERATION_ROLLED_BACK',
    ]);
    expect(org.effects.effects()).toHaveLength(2);
    expect((await query('SELECT Id FROM Contact')).body.totalSize).toBe(2);
  });

  it('refer to each other in a composite, which answers 200 where they failed', async () => {
    const at = '/services/data/v62.0/sobjects';
    const compositeRequest = [
      { method: 'POST', url: `${at}/Account`, referenceId: 'account', body: { Name: 'a' } },
      {
        method: 'POST',
        url: `${at}/Contact`,
        referenceId: 'contact',
        body: { LastName: 'b', AccountId: '@{account.id}' },
      },
      { method: 'POST', url: `${at}/Contact`, referenceId: 'wrong', body: {} },
    ];
    const codes = async (allOrNone: boolean) => {
      const { status, body } = await call('POST', 'composite', { allOrNone, compositeRequest });
      return [
        status,
        ...body.compositeResponse.map(
          ({ httpStatusCode, body: inner }: { httpStatusCode: number; body: { errorCode: string }[] }) =>
            inner[0]?.errorCode ?? httpStatusCode,
        ),
      ];
    };
    expect(await codes(true)).toEqual([200, 'PROCESSING_HALTED', 'PROCESSING_HALTED', 'REQUIRED_FIELD_MISSING']);
    expect(org.effects.effects()).toEqual([]);
    expect(await codes(false)).toEqual([200, 201, 201, 'REQUIRED_FIELD_MISSING']);
    expect(org.effects.effects()).toHaveLength(2);
  });
});

describe('the seed and the state of the simulated Salesforce organization', () => {
  it('holds people of the HubSpot simulator, some twice and most without its id', async () => {
    await start({ seeded: true });
    const contacts = [...org.org.rows.Contact.values()].map(({ values }) => values);
    const emails = contacts.flatMap(({ Email }) => (Email ? [Email] : []));
    expect(contacts.length).toBeGreaterThan(500);
    expect(emails.length - new Set(emails).size).toBeGreaterThan(10);
    expect(emails.filter((email) => !/@(mail\.)?example\.(com|org|net)$/.test(String(email)))).toEqual([]);
    const linked = contacts.filter(({ HubSpot_Id__c }) => HubSpot_Id__c).length;
    expect([linked > 50, linked < contacts.length / 2]).toEqual([true, true]);
  });

  it('survives a restart with its effects', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'plumbline-salesforce-'));
    try {
      await start({ stateDir });
      const id = await made('Account', { Name: 'kept' });
      await start({ stateDir });
      expect((await call('GET', `sobjects/Account/${id}`)).body.Name).toBe('kept');
      expect(org.effects.effects()).toHaveLength(1);
      expect(await made('Account', { Name: 'new' })).not.toBe(id);
    } finally {
      rmSync(stateDir, { recursive: true, force: true });
    }
  });
});
