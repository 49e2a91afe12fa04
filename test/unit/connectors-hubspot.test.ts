import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textAsHtml } from '../../shared/connectors/html.ts';
import { hubspot, hubspotOn } from '../../shared/connectors/hubspot/calls.ts';
import { refProperty } from '../../shared/connectors/hubspot/client.ts';
import { sameValue } from '../../shared/connectors/hubspot/compare.ts';
import { manifest } from '../../shared/connectors/hubspot/manifest.ts';
import { operationById, operations } from '../../shared/connectors/hubspot/operations.ts';
import { connectorNames, loadConnector, loadOperation } from '../../shared/connectors/registry.ts';
import type { Json } from '../../shared/model/json.ts';
import type { HttpAnswer, PlannedCall, RequestContext } from '../../shared/model/operation.ts';

const context: RequestContext = { apiVersion: '2026-09', providerKey: 'act_k_1' };
const answer = (status: number, body: unknown, headers: Record<string, string> = {}): HttpAnswer => ({
  status,
  headers,
  bodyText: typeof body === 'string' ? body : JSON.stringify(body),
});
const request = (call: PlannedCall, apiVersion = '2026-09') => {
  const operation = operationById(call.operation);
  if (!operation) throw new Error(call.operation);
  return operation.request({ ...context, apiVersion }, call.input);
};
const judgeWrite = (call: PlannedCall, given: HttpAnswer) => {
  const operation = operationById(call.operation);
  if (operation?.kind !== 'write') throw new Error(call.operation);
  return operation.judge(given, call.input);
};

describe('every operation', () => {
  const writes = [...operations.values()].filter((operation) => operation.kind === 'write');

  it('is found by its id and loaded on demand', async () => {
    expect(operations.size).toBe(5 * 11 + 1);
    expect(await loadOperation('hubspot.deals.update')).toBe(operationById('hubspot.deals.update'));
    await expect(loadOperation('hubspot.deals.explode')).rejects.toMatchObject({ code: 'config_invalid' });
    await expect(loadConnector('constructor')).rejects.toMatchObject({ code: 'config_invalid' });
    expect(connectorNames).toContain('hubspot');
  });

  it.each(writes)('$id can be read back and has an undo that exists or a reason', (operation) => {
    expect(['probe', 'upsert']).toContain(operation.resend.kind);
    expect(operation.probe).toBeDefined();
    expect(operation.resend.kind === 'probe' || operation.before !== undefined).toBe(true);
    expect(operation.scopes.length).toBeGreaterThan(0);
    const { undo } = operation;
    expect(undo.kind === 'none' ? undo.why.length > 10 : operations.has(undo.operation)).toBe(true);
  });

  it.each(writes)('$id calls an unreadable, failing or redirecting answer unknown', (operation) => {
    const input = {
      id: '1',
      properties: {},
      associations: [],
      to: { object: 'deal', id: '2' },
      idProperty: 'email',
      inputs: [{ id: 'a', properties: {} }],
      text: '',
      on: [],
      atMs: 0,
    };
    for (const given of [
      answer(500, '{}'),
      answer(502, '<html>'),
      answer(302, ''),
      answer(503, ''),
      answer(403, '<html>'),
    ]) {
      expect(operation.judge(given, input as Json)).toMatchObject({
        kind: 'unknown',
        error: { class: 'unknown_outcome' },
      });
    }
  });

  it('is listed with its undo in the manifest', () => {
    expect(manifest.undo).toMatchObject({
      'hubspot.notes.append': 'hubspot.notes.archive',
      'hubspot.deals.archive': null,
    });
    expect(manifest.scopes).toContain('crm.objects.deals.write');
  });
});

describe('requests', () => {
  it('create with the key in the unique property, whatever the input says', () => {
    const call = hubspot.contacts.create({ email: 'a@b.example', [refProperty]: 'forged' });
    expect(request(call)).toMatchObject({
      method: 'POST',
      path: '/crm/objects/2026-09/contacts',
      body: { json: { properties: { email: 'a@b.example', plumbline_ref: 'act_k_1' }, associations: [] } },
    });
  });

  it('upsert as the vendor client does', () => {
    const call = hubspot.contacts.upsert({ email: 'a@b.example' }, { firstname: 'A' });
    expect(request(call, 'v3')).toMatchObject({
      method: 'POST',
      path: '/crm/v3/objects/contacts/batch/upsert',
      body: { json: { inputs: [{ idProperty: 'email', id: 'a@b.example', properties: { firstname: 'A' } }] } },
    });
  });

  it('read back a create by the unique property and never by search', () => {
    const operation = operationById('hubspot.deals.create');
    const probe = operation?.kind === 'write' ? operation.probe?.request(context, {}) : null;
    expect(probe).toMatchObject({ method: 'GET', path: '/crm/objects/2026-09/deals/act_k_1' });
    expect(probe?.query).toContainEqual(['idProperty', 'plumbline_ref']);
  });

  it('associate under v4 where the version is a number', () => {
    const call = hubspot.contacts.associate('1', { object: 'company', id: '2' });
    expect(request(call)).toMatchObject({
      method: 'PUT',
      path: '/crm/objects/2026-09/contacts/1/associations/default/companies/2',
    });
    expect(request(call, 'v3').path).toBe('/crm/v4/objects/contacts/1/associations/default/companies/2');
  });

  it('never leave the record they name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (id) => {
        let path: string;
        try {
          ({ path } = request(hubspot.deals.update(id, { a: '1' })));
        } catch (error) {
          expect((error as { code?: string }).code).toBe('invalid_input');
          return;
        }
        const parts = new URL(`https://host${path}`).pathname.split('/');
        expect(parts.slice(0, 5)).toEqual(['', 'crm', 'objects', '2026-09', 'deals']);
        expect(parts).toHaveLength(6);
      }),
    );
  });

  it('go to the system they were planned for', () => {
    expect(hubspotOn('hubspot-emea').deals.get('1').system).toBe('hubspot-emea');
    expect(hubspot.deals.get('1').system).toBe('hubspot');
  });

  it('write numbers and truth values as text and null as empty', () => {
    expect(hubspot.deals.update('1', { amount: 10.5, closed: false, note: null }).input).toEqual({
      id: '1',
      properties: { amount: '10.5', closed: 'false', note: '' },
    });
  });

  it('note text is shown as it was said', () => {
    expect(textAsHtml('<img src=x onerror="a()"> & \r\n')).toBe('&lt;img src=x onerror=&quot;a()&quot;&gt; &amp; <br>');
  });
});

describe('answers', () => {
  const record = { id: '1', properties: { email: 'a@b.example' } };

  it('of a batch are not applied in part', () => {
    const call = hubspot.contacts.upsertMany('email', [
      { id: 'a', properties: {} },
      { id: 'b', properties: {} },
    ]);
    const half = { status: 'COMPLETE', results: [{ ...record, new: true }] };
    expect(judgeWrite(call, answer(200, half))).toMatchObject({ kind: 'unknown', error: { code: 'incomplete_batch' } });
    const all = { ...half, results: [record, record] };
    expect(judgeWrite(call, answer(200, all))).toMatchObject({ kind: 'applied' });
    expect(judgeWrite(call, answer(200, { ...all, numErrors: 1 }))).toMatchObject({ kind: 'unknown' });
    expect(judgeWrite(call, answer(200, { ...half, results: [], numErrors: 2 }))).toMatchObject({ kind: 'unknown' });
    expect(judgeWrite(call, answer(200, { ...half, status: 'PENDING', results: [record, record] }))).toMatchObject({
      kind: 'unknown',
    });
  });

  it('carry ids as text and drop what has lost digits', () => {
    const judge = operationById('hubspot.contacts.get');
    const read = (id: unknown) =>
      judge?.kind === 'read' && judge.judge(answer(200, { ...record, id }), { id: '1', properties: ['email'] });
    expect(read(12)).toMatchObject({ kind: 'ok', data: { id: '12' } });
    expect(read(2 ** 53)).toMatchObject({ kind: 'error', error: { code: 'unreadable_answer' } });
  });

  it.each([
    ['a page with one unreadable row', { results: [record, { id: null }] }],
    ['a page without rows', {}],
  ])('refuse %s instead of leaving it out', (_name, body) => {
    const list = operationById('hubspot.contacts.list');
    expect(list?.kind === 'read' && list.judge(answer(200, body), { properties: ['email'] })).toMatchObject({
      kind: 'error',
      error: { code: 'unreadable_answer' },
    });
  });

  it('with more associations than listed leave a read-back open', () => {
    const call = hubspot.contacts.associate('1', { object: 'deal', id: '9' });
    const operation = operationById(call.operation);
    const body = { ...record, associations: { deals: { results: [{ id: '1' }], paging: { next: { after: 'x' } } } } };
    expect(
      operation?.kind === 'write' && operation.probe?.judge(answer(200, body), call.input, null, 'k'),
    ).toMatchObject({ kind: 'inconclusive' });
  });

  it.each([
    ['amount', '10.50', '10.5', true],
    ['amount', '10', '10.00', true],
    ['amount', '10', '100', false],
    ['code', '007', '7', false],
    ['email', 'A@b.example', 'a@B.example', true],
    ['name', 'A', 'a', false],
    ['name', ' A ', 'A', true],
    ['name', '', null, true],
    ['name', null, 'A', false],
    ['closedate', '1761955200000', '2025-11-01T00:00:00Z', true],
    ['closedate', '1761955200000', '2025-11-02', false],
  ])('hold %s %j and %j for the same: %s', (property, one, other, same) => {
    expect([sameValue(property, one, other), sameValue(property, other, one)]).toEqual([same, same]);
  });
});
