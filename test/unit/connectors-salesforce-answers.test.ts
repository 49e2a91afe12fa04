import { describe, expect, it } from 'vitest';
import { judgeAccount } from '../../shared/connectors/account-check.ts';
import { originOf } from '../../shared/connectors/origin.ts';
import { salesforce } from '../../shared/connectors/salesforce/calls.ts';
import { longId } from '../../shared/connectors/salesforce/client.ts';
import { sameValue } from '../../shared/connectors/salesforce/compare.ts';
import { manifest } from '../../shared/connectors/salesforce/manifest.ts';
import { operationById } from '../../shared/connectors/salesforce/operations.ts';
import type { HttpAnswer, PlannedCall } from '../../shared/model/operation.ts';

const answer = (status: number, body: unknown): HttpAnswer => ({
  status,
  headers: {},
  bodyText: typeof body === 'string' ? body : JSON.stringify(body),
});
const judged = (call: PlannedCall, given: HttpAnswer) => operationById(call.operation)?.judge(given, call.input);
const id = '003000000000001AAA';
const record = {
  attributes: { type: 'Contact', url: '/x' },
  Id: id,
  Email: 'a@b.example',
  LastModifiedDate: '2026-01-01T00:00:00.000+0000',
};
const email = { fields: ['Email'] };
const page = (more: object) => answer(200, { totalSize: 1, done: true, records: [record], ...more });

describe('answers of Salesforce', () => {
  const query = salesforce.contacts.query(email);

  it('are pages that say where they go on', () => {
    expect(judged(query, page({}))).toMatchObject({ kind: 'ok', data: { total: 1, after: null, results: [{ id }] } });
    const nextRecordsUrl = '/services/data/v62.0/query/01g000000000001AAA-2000';
    expect(judged(query, page({ done: false, nextRecordsUrl, totalSize: 4000 }))).toMatchObject({
      data: { after: nextRecordsUrl },
    });
  });

  it('are said to be cut where there are more than were asked for, and whole where there are not', () => {
    const rows = (count: number) =>
      Array.from({ length: count }, (_, i) => ({ ...record, Id: `00300000000000${i}AAA` }));
    const asked = salesforce.contacts.query({ ...email, limit: 2 });
    const [, query] = operationById(asked.operation)
      ?.request({ apiVersion: '62.0', providerKey: '' }, asked.input)
      .query?.find(([name]) => name === 'q') ?? ['', ''];
    expect(query).toMatch(/ LIMIT 3$/);
    const answered = (count: number) => judged(asked, page({ totalSize: count, records: rows(count) }));
    expect(answered(2)).toMatchObject({ data: { total: 2, after: null } });
    expect(answered(2)).not.toMatchObject({ data: { more: true } });
    const cut = answered(3);
    expect(cut).toMatchObject({ kind: 'ok', data: { total: null, after: null, more: true } });
    expect(cut?.kind === 'ok' && (cut.data as { results: unknown[] }).results).toHaveLength(2);
  });

  it.each<[string, HttpAnswer]>([
    ['ends before its total', page({ totalSize: 2 })],
    ['goes on nowhere', page({ done: false })],
    [
      'goes on at another origin',
      page({ done: false, nextRecordsUrl: 'https://evil.example/services/data/v62.0/query/01g000000000001AAA-1' }),
    ],
    ['goes on somewhere else', page({ done: false, nextRecordsUrl: '/services/data/v62.0/sobjects/Contact' })],
    ['has a row of another object', page({ records: [{ ...record, attributes: { type: 'Account' } }] })],
    ['has a row without an id', page({ records: [{ ...record, Id: null }] })],
    ['is cut off', answer(200, '{"totalSize":1,"done":true,"records":[{')],
  ])('are an error where a page %s', (_name, given) => {
    expect(judged(query, given)).toMatchObject({ kind: 'error', error: { class: 'transient' } });
  });

  it('are a change of schema where a field is left out', () => {
    const renamed = page({ records: [{ ...record, Email: undefined, Email_Address__c: 'a@b.example' }] });
    expect(judged(query, renamed)).toMatchObject({ kind: 'error', error: { class: 'schema', target: 'Email' } });
  });

  it('carry the fields of a parent under its path, and none where there is no parent', () => {
    const fields = ['Owner.Name', 'Account.Owner.Name'];
    const Owner = { attributes: { type: 'User' }, Name: 'Ada' };
    const read = judged(
      salesforce.contacts.query({ fields }),
      page({ records: [{ ...record, Owner, Account: null }] }),
    );
    expect(read).toMatchObject({
      kind: 'ok',
      data: { results: [{ properties: { 'Owner.Name': 'Ada', Account: null } }] },
    });
  });

  it('to an upsert name the record, by its external id where there is no body', () => {
    const call = salesforce.contacts.upsert({ field: 'Ext__c', value: 'A' }, { LastName: 'Li' });
    const made = { id, success: true, errors: [], created: true };
    expect(judged(call, answer(201, made))).toMatchObject({
      kind: 'applied',
      created: true,
      records: [['salesforce', 'contact', id]],
    });
    expect(judged(call, answer(200, { ...made, created: false }))).toMatchObject({ kind: 'applied', created: false });
    expect(judged(call, answer(204, ''))).toMatchObject({
      kind: 'applied',
      created: false,
      records: [['salesforce', 'contact', 'Ext__c=A']],
    });
  });

  it('of a description tell what is required, and change their fingerprint with any field', () => {
    const field = {
      name: 'LastName',
      type: 'string',
      length: 80,
      createable: true,
      nillable: false,
      defaultedOnCreate: false,
    };
    const read = (fields: object[]) =>
      judged(salesforce.contacts.describe(), answer(200, { fields })) as unknown as { data: { fingerprint: string } };
    expect(read([field])).toMatchObject({ data: { fields: [{ name: 'LastName', required: true }] } });
    expect(read([field]).data.fingerprint).not.toBe(read([{ ...field, length: 40 }]).data.fingerprint);
    expect(judged(salesforce.contacts.describe('2026-01-01T00:00:00Z'), answer(304, ''))).toEqual({
      kind: 'ok',
      data: { unchanged: true },
    });
  });

  it('to changes without the time they cover are not read', () => {
    const call = salesforce.contacts.deleted({ from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z' });
    const deletedRecords = [{ id, deletedDate: '2026-01-01T10:00:00.000+0000' }];
    const covered = { latestDateCovered: '2026-01-02T00:00:00.000+0000' };
    expect(judged(call, answer(200, { deletedRecords, ...covered }))).toMatchObject({
      kind: 'ok',
      data: { deleted: [{ id }] },
    });
    expect(judged(call, answer(200, { deletedRecords }))).toMatchObject({ kind: 'error' });
    expect(judged(call, answer(200, { deletedRecords: [{}], ...covered }))).toMatchObject({ kind: 'error' });
  });

  it.each([
    ['Email', 'A@b.example', 'a@B.example', true],
    ['Name', 'A', 'a', false],
    ['Name', ' A ', 'A', true],
    ['Name', '', null, true],
    ['Description', 'a\r\nb', 'a\nb', true],
    ['Amount', 10, 10.5, false],
    ['Amount', 10, '10', false],
    ['AccountId', '001000000000001', '001000000000001AAA', true],
    ['Name', '001000000000001', '001000000000001AAA', false],
    ['Closed__c', '2026-01-01T10:00:00.000+0000', '2026-01-01T10:00:00Z', true],
    ['Closed__c', '2026-01-01T10:00:00.000+0000', '2026-01-01T11:00:00+01:00', true],
    ['Closed__c', '2026-01-01T10:00:00.000+0000', '2026-01-01T10:00:01Z', false],
    ['CloseDate', '2026-01-01', '2026-01-02', false],
  ])('hold %s %j and %j for the same: %s', (field, one, other, same) => {
    expect([sameValue(field, one, other), sameValue(field, other, one)]).toEqual([same, same]);
  });

  it.each([
    ['001000000000001', '001000000000001AAA'],
    ['001A0000006Vm9r', '001A0000006Vm9rIAC'],
    ['00Dxx0000001gER', '00Dxx0000001gEREAY'],
  ])('name %s and %s alike', (short, long) => {
    expect([longId(short), longId(long)]).toEqual([long, long]);
  });
});

describe('the credential', () => {
  const user = (more: object) => answer(200, { user_id: '005000000000001', ...more });
  const claims = (value: object) => `h.${Buffer.from(JSON.stringify(value)).toString('base64url')}.s`;

  it.each<[string, HttpAnswer, string, object | null]>([
    [
      'an integration user',
      user({ is_salesforce_integration_user: true }),
      'opaque',
      { holder: 'service', scopes: null, expiresAtMs: null },
    ],
    ['a person', user({ is_salesforce_integration_user: false }), 'opaque', { holder: 'person' }],
    ['somebody it does not say more of', user({}), '', { actsAs: '005000000000001AAA', holder: 'unknown' }],
    [
      'a token that says what it may do',
      user({}),
      claims({ scp: 'api  web', exp: 1_800_000_000 }),
      { scopes: ['api', 'web'], expiresAtMs: 1_800_000_000_000 },
    ],
    ['a token with dots that is no JWT', user({}), 'a.b.c', { scopes: null, expiresAtMs: null }],
    ['nobody', answer(200, {}), 'opaque', null],
    ['an ended session', answer(403, 'Bad_OAuth_Token'), 'opaque', null],
  ])('is known for %s', (_name, given, token, expected) => {
    const facts = manifest.credential?.judge(given, token) ?? null;
    if (expected === null) expect(facts).toBeNull();
    else expect(facts).toMatchObject(expected);
  });

  it('is asked for at the house of tokens, without the token in the address', () => {
    expect(manifest.credential?.request({ apiVersion: '62.0', token: 'secret' })).toMatchObject({
      method: 'GET',
      path: '/services/oauth2/userinfo',
    });
  });

  it('has the calls of the day left that each answer tells', () => {
    const left = (text: string) => manifest.headroom({ ...answer(200, {}), headers: { 'sforce-limit-info': text } });
    expect(left('api-usage=18/15000')).toEqual([{ limit: 'day', max: 15_000, remaining: 14_982 }]);
    expect([left('api-usage=16000/15000')[0]?.remaining, left('')]).toEqual([0, []]);
    expect(left('api-usage=25/5000, per-app-api-usage=17/250(appName=x)')).toEqual([
      { limit: 'day', max: 5000, remaining: 4975 },
      { limit: 'app-day', max: 250, remaining: 233 },
    ]);
  });
});

describe('the organization behind a credential', () => {
  const organization = (IsSandbox: unknown, Id = '00D000000000001EAA') =>
    page({ records: [{ attributes: { type: 'Organization' }, Id, IsSandbox }] });
  const verdict = (given: HttpAnswer, is: 'sandbox' | 'production') =>
    judgeAccount({
      manifest,
      config: { account: { organizationId: '00D000000000001EAA', is } },
      answer: given,
      productionStage: false,
    }).kind;

  it('is the configured one and of the configured kind, or nothing is written', () => {
    expect(verdict(organization(true), 'sandbox')).toBe('same');
    expect(verdict(organization(true, '00D000000000001'), 'sandbox')).toBe('same');
    expect(verdict(organization(true, '00D000000000002EAA'), 'sandbox')).toBe('mismatch');
    expect([verdict(organization(false), 'sandbox'), verdict(organization(false), 'production')]).toEqual([
      'mismatch',
      'mismatch',
    ]);
    expect([
      verdict(organization('true'), 'sandbox'),
      verdict(page({ records: [] }), 'sandbox'),
      verdict(answer(403, '[]'), 'sandbox'),
    ]).toEqual(['mismatch', 'mismatch', 'mismatch']);
  });

  it('is reached at its own host and at no other', () => {
    expect(originOf(manifest, { origin: 'https://acme--uat.sandbox.my.salesforce.com' }, undefined)).toBe(
      'https://acme--uat.sandbox.my.salesforce.com',
    );
    for (const origin of [
      'https://evil.example',
      'https://my.salesforce.com.evil.example',
      'http://acme.my.salesforce.com',
    ]) {
      expect(() => originOf(manifest, { origin }, undefined)).toThrow(
        expect.objectContaining({ code: 'config_invalid' }),
      );
    }
  });
});
