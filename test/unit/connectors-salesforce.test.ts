import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connectorNames, loadOperation } from '../../shared/connectors/registry.ts';
import { salesforce, salesforceOn } from '../../shared/connectors/salesforce/calls.ts';
import { operationById, operations } from '../../shared/connectors/salesforce/operations.ts';
import { requestDigest } from '../../shared/http/digest.ts';
import { encodeQuery } from '../../shared/http/path.ts';
import type { Json } from '../../shared/model/json.ts';
import type { HttpAnswer, PlannedCall, RequestContext } from '../../shared/model/operation.ts';

const context: RequestContext = { apiVersion: '62.0', providerKey: 'act_k_1' };
const answer = (status: number, body: unknown): HttpAnswer => ({
  status,
  headers: {},
  bodyText: typeof body === 'string' ? body : JSON.stringify(body),
});
const request = (call: PlannedCall) => {
  const operation = operationById(call.operation);
  if (!operation) throw new Error(call.operation);
  return operation.request(context, call.input);
};
const id = '003000000000001AAA';
const invalid = expect.objectContaining({ code: 'invalid_input' });

describe('every operation of Salesforce', () => {
  // An empty job and an upload that was not closed change no record.
  const neverFound = ['salesforce.jobs.create', 'salesforce.jobs.upload'];
  const writes = [...operations.values()].filter((operation) => operation.kind === 'write');

  it('is found by its id and loaded on demand', async () => {
    expect(operations.size).toBe(5 * 11 + 11);
    expect(await loadOperation('salesforce.opportunities.update')).toBe(
      operationById('salesforce.opportunities.update'),
    );
    expect(connectorNames).toContain('salesforce');
  });

  it.each(writes)(
    '$id can be read back or is settled by a person, and has an undo that exists or a reason',
    (operation) => {
      const { resend, undo } = operation;
      expect(resend.kind === 'none' ? neverFound : ['probe', 'upsert']).toContain(
        resend.kind === 'none' ? operation.id : resend.kind,
      );
      expect(operation.probe !== undefined).toBe(resend.kind !== 'none');
      expect(resend.kind !== 'upsert' || operation.before !== undefined).toBe(true);
      expect(undo.kind === 'none' ? undo.why.length > 10 : operations.has(undo.operation)).toBe(true);
    },
  );

  it.each(writes)('$id calls an unreadable, failing or redirecting answer unknown', (operation) => {
    const externalId = { field: 'Ext__c', value: 'A' };
    const on = [{ object: 'contact', id }];
    const input = {
      id,
      properties: {},
      externalId,
      subject: '',
      text: '',
      on,
      atMs: 0,
      contactId: id,
      jobId: id,
      rows: [],
    };
    for (const [status, body] of [
      [500, '[]'],
      [502, '<html>'],
      [302, ''],
      [300, ''],
      [403, '<html>'],
      [200, '<html>'],
      // An upload is answered 201 and nothing else.
      ...(operation.id.endsWith('.upload') ? [] : ([[201, '{}']] as const)),
    ] as const) {
      const verdict = operation.judge(answer(status, body), input as Json);
      expect(verdict).toMatchObject({ kind: 'unknown', error: { class: 'unknown_outcome' } });
    }
  });

  it.each(writes.filter(({ before }) => before))(
    '$id reads back what it read before, so that a replay can be compared',
    (operation) => {
      const externalId = { field: 'Ext__c', value: 'A' };
      const input = { id, properties: { Name: 'A' }, externalId, jobId: '750000000000001AAA' } as Json;
      const [before, probe] = [operation.before?.request(context, input), operation.probe?.request(context, input)];
      expect(before && probe && requestDigest(before) === requestDigest(probe)).toBe(true);
    },
  );
});

describe('requests to Salesforce', () => {
  it('create with the key in the external id field', () => {
    expect(request(salesforce.contacts.create({ LastName: 'Li' }))).toMatchObject({
      method: 'POST',
      path: '/services/data/v62.0/sobjects/Contact',
      body: { json: { LastName: 'Li', Plumbline_Ref__c: 'act_k_1' } },
    });
  });

  it.each(['Plumbline_Ref__c', 'plumbline_ref__C', 'Id', 'attributes'])('never write %s as a value', (name) => {
    expect(() => request(salesforce.contacts.create({ LastName: 'Li', [name]: 'x' }))).toThrow(invalid);
    expect(() => request(salesforce.contacts.update(id, { [name]: 'x' }))).toThrow(invalid);
  });

  it('upsert as the vendor client does, without the external id in the body', () => {
    const call = salesforce.accounts.upsert({ field: 'Ext__c', value: 'A-1' }, { ext__C: 'A-1', Name: 'X' });
    expect(request(call)).toMatchObject({
      method: 'PATCH',
      path: '/services/data/v62.0/sobjects/Account/Ext__c/A-1',
      body: { json: { Name: 'X' } },
    });
    expect(request({ ...call, input: { ...(call.input as object), updateOnly: true } }).query).toEqual([
      ['updateOnly', 'true'],
    ]);
  });

  it('query as the vendor client does', () => {
    const where = [[{ field: 'SystemModstamp', operator: '>' as const, value: { dateTime: '2026-01-01T00:00:00Z' } }]];
    const { path, query } = request(salesforce.accounts.query({ fields: ['Name'], where }));
    expect(path + encodeQuery(query)).toBe(
      '/services/data/v62.0/query?q=SELECT%20Id%2C%20CreatedDate%2C%20LastModifiedDate%2C%20Name%20FROM%20Account%20WHERE%20(SystemModstamp%20%3E%202026-01-01T00%3A00%3A00Z)%20ORDER%20BY%20Id%20ASC',
    );
  });

  it('ask for changes in the form Salesforce reads', () => {
    const { path, query } = request(
      salesforce.accounts.updated({ from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z' }),
    );
    expect(path + encodeQuery(query)).toBe(
      '/services/data/v62.0/sobjects/Account/updated?start=2026-01-01T00%3A00%3A00%2B00%3A00&end=2026-01-02T00%3A00%3A00%2B00%3A00',
    );
  });

  it('update on the condition that nobody changed the record since', () => {
    const call = salesforce.contacts.update(id, { Phone: '1' }, { unmodifiedSince: '2026-01-31T12:00:00.000+0000' });
    expect(request(call).headers?.['if-unmodified-since']).toBe('Sat, 31 Jan 2026 12:00:00 GMT');
    const wrong = salesforce.contacts.update(id, { Phone: '1' }, { unmodifiedSince: 'yesterday' });
    expect(() => request(wrong)).toThrow(invalid);
  });

  it('read back a create by the external id and never by a query', () => {
    const operation = operationById('salesforce.tasks.append');
    const probe = operation?.kind === 'write' ? operation.probe?.request(context, {}) : null;
    expect(probe).toMatchObject({ method: 'GET', path: '/services/data/v62.0/sobjects/Task/Plumbline_Ref__c/act_k_1' });
  });

  it.each(['describe', 'updated', 'deleted', '..', '003', `${id}/x`])('take %s for no record', (given) => {
    expect(() => request(salesforce.contacts.get(given))).toThrow(invalid);
    expect(() => request(salesforce.contacts.delete(given))).toThrow(invalid);
    expect(() => request(salesforce.contacts.getBy({ field: given, value: 'layouts' }))).toThrow(invalid);
  });

  it('never leave the record an external id names', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        let path: string;
        try {
          ({ path } = request(salesforce.contacts.getBy({ field: 'Ext__c', value })));
        } catch (error) {
          expect((error as { code?: string }).code).toBe('invalid_input');
          return;
        }
        const parts = new URL(`https://host${path}`).pathname.split('/');
        expect(parts.slice(0, 7)).toEqual(['', 'services', 'data', 'v62.0', 'sobjects', 'Contact', 'Ext__c']);
        expect(parts).toHaveLength(8);
      }),
    );
  });

  it.each([
    'https://evil.example/services/data/v62.0/query/01g000000000001AAA-2000',
    '//evil.example/services/data/v62.0/query/01g000000000001AAA-2000',
    '/services/data/v61.0/query/01g000000000001AAA-2000',
    '/services/data/v62.0/query/../sobjects/Contact',
    '/services/data/v62.0/sobjects/Contact',
    '/services/data/v62.0/query/01g000000000001AAA-2000?x=1',
  ])('go to no next page at %s', (after) => {
    expect(() => request(salesforce.contacts.next(after))).toThrow(invalid);
  });

  it('go to the system they were planned for', () => {
    expect(salesforceOn('salesforce-emea').limits().system).toBe('salesforce-emea');
  });

  it('note on one contact and one other record at most', () => {
    const on = [
      { object: 'contact' as const, id },
      { object: 'account' as const, id: '001000000000001AAA' },
    ];
    const note = { subject: 'Call', text: 'said', on, atMs: Date.UTC(2026, 0, 31) };
    const json = { Status: 'Completed', ActivityDate: '2026-01-31', WhoId: id, WhatId: '001000000000001AAA' };
    expect(request(salesforce.tasks.append(note))).toMatchObject({ body: { json } });
    expect(() => request(salesforce.tasks.append({ ...note, on: [...on, ...on] }))).toThrow(invalid);
  });
});
