import { describe, expect, it } from 'vitest';
import { updateBatch } from '../../shared/connectors/erpnext/batch.ts';
import { erpnext, erpnextOn } from '../../shared/connectors/erpnext/calls.ts';
import { sameValue, shows } from '../../shared/connectors/erpnext/compare.ts';
import { afterText } from '../../shared/connectors/erpnext/filters.ts';
import { operationById, operations } from '../../shared/connectors/erpnext/operations.ts';
import type { UpdateInput } from '../../shared/connectors/erpnext/writes.ts';
import { connectorNames, loadOperation } from '../../shared/connectors/registry.ts';
import { requestDigest } from '../../shared/http/digest.ts';
import { encodeQuery } from '../../shared/http/path.ts';
import type { Json } from '../../shared/model/json.ts';
import type { HttpAnswer, PlannedCall, RequestContext } from '../../shared/model/operation.ts';

const context: RequestContext = { apiVersion: '15', providerKey: 'act_k_1' };
const answer = (status: number, body: unknown): HttpAnswer => ({
  status,
  headers: {},
  bodyText: typeof body === 'string' ? body : JSON.stringify(body),
});
const operationOf = (call: PlannedCall) => {
  const operation = operationById(call.operation);
  if (!operation) throw new Error(call.operation);
  return operation;
};
const request = (call: PlannedCall) => operationOf(call).request(context, call.input);
const wire = (call: PlannedCall) => {
  const { method, path, query } = request(call);
  return `${method} ${decodeURIComponent(path + encodeQuery(query))}`;
};
const version = '2026-11-20 08:15:00.000123';
const invalid = expect.objectContaining({ code: 'invalid_input' });

describe('every operation of ERPNext', () => {
  const writes = [...operations.values()].filter((operation) => operation.kind === 'write');

  it('is found by its id and loaded on demand', async () => {
    expect(operations.size).toBe(8 * 4 + 3 * 3 + 3 * 5 + 3);
    expect(await loadOperation('erpnext.sales_orders.submit')).toBe(operationById('erpnext.sales_orders.submit'));
    expect(connectorNames).toContain('erpnext');
  });

  it.each(writes)('$id can be read back and has an undo that exists or a reason', (operation) => {
    expect(['probe', 'upsert']).toContain(operation.resend.kind);
    expect(operation.probe).toBeDefined();
    expect(operation.resend.kind === 'probe' || operation.before !== undefined).toBe(true);
    const { undo } = operation;
    expect(undo.kind === 'none' ? undo.why.length > 10 : operations.has(undo.operation)).toBe(true);
    expect(operation.scopes).toEqual([expect.stringMatching(/^[A-Z][A-Za-z ]+: (create|write|submit|cancel|delete)$/)]);
  });

  it.each(writes)('$id calls an unreadable, failing or redirecting answer unknown', (operation) => {
    const input = {
      id: 'A',
      version,
      properties: { customer_name: 'A' },
      on: { object: 'customer', id: 'A' },
      text: '',
    };
    for (const [status, body] of [
      [500, '{}'],
      [500, { exc_type: 'OperationalError' }],
      [502, '<html>'],
      [503, '<html>'],
      [302, ''],
      [202, { data: { job_id: 'x' } }],
      [403, '<html>'],
      [404, '<html>'],
      [417, '<html>'],
      [200, '<html>'],
      [200, {}],
      [200, { data: { doctype: 'Other', name: 'A', modified: version, docstatus: 1 } }],
    ] as const) {
      const verdict = operation.judge(answer(status, body), input as Json);
      expect([status, body, verdict]).toMatchObject([
        status,
        body,
        { kind: 'unknown', error: { class: 'unknown_outcome' } },
      ]);
    }
  });

  it.each(writes.filter(({ before }) => before))(
    '$id reads back what it read before, so that a replay can be compared',
    (operation) => {
      const input = { id: 'A', version, properties: { customer_name: 'A' } } as Json;
      const [before, probe] = [operation.before?.request(context, input), operation.probe?.request(context, input)];
      expect(before && probe && requestDigest(before) === requestDigest(probe)).toBe(true);
    },
  );
});

describe('requests to ERPNext', () => {
  it('list in the order of changes, with one row more than is shown', () => {
    const where = [{ field: 'modified', operator: '>' as const, value: '2026-11-20 00:00:00' }];
    expect(wire(erpnext.customers.list({ fields: ['tax_id'], where, limit: 20 }))).toBe(
      'GET /api/resource/Customer?fields=["name","modified","tax_id"]&filters=[["modified",">","2026-11-20 00:00:00"]]&order_by=modified asc, name asc&limit_page_length=21',
    );
  });

  it('go on exactly behind the last record, also where many changed in one microsecond', () => {
    const after = afterText({ version, name: 'CUST/1' });
    expect(wire(erpnext.customers.changed('2026-11-01 00:00:00', { fields: [], limit: 1, after }))).toBe(
      `GET /api/resource/Customer?fields=["name","modified"]&filters=[["modified",">=","2026-11-01 00:00:00"],["modified",">=","${version}"]]` +
        `&or_filters=[["modified",">","${version}"],["name",">","CUST/1"]]&order_by=modified asc, name asc&limit_page_length=2`,
    );
    expect(wire(erpnext.items.list({ fields: [], direction: 'desc', limit: 1, after }))).toContain(
      `filters=[["modified","<=","${version}"]]&or_filters=[["modified","<","${version}"],["name","<","CUST/1"]]&order_by=modified desc, name desc`,
    );
  });

  it('create a draft with the key in the unique field', () => {
    expect(request(erpnext.salesOrders.create({ customer: 'C', items: [{ item_code: 'A', qty: 2 }] }))).toMatchObject({
      method: 'POST',
      path: '/api/resource/Sales%20Order',
      body: { json: { customer: 'C', items: [{ item_code: 'A', qty: 2 }], custom_plumbline_ref: 'act_k_1' } },
    });
  });

  it('read back a create by the unique field', () => {
    const operation = operationById('erpnext.comments.append');
    const spec = operation?.kind === 'write' ? operation.probe?.request(context, {}) : null;
    expect(spec?.path).toBe('/api/resource/Comment');
    expect(spec?.query).toContainEqual(['filters', '[["custom_plumbline_ref","=","act_k_1"]]']);
  });

  it('update, submit and cancel the version that was seen', () => {
    const json = (call: PlannedCall) => (request(call).body as { json: unknown }).json;
    expect(json(erpnext.customers.update('C', { tax_id: '1' }, { version }))).toEqual({
      tax_id: '1',
      modified: version,
    });
    expect(json(erpnext.salesOrders.submit('S', version))).toEqual({ docstatus: 1, modified: version });
    expect(json(erpnext.salesOrders.cancel('S', version))).toEqual({ docstatus: 2, modified: version });
    expect(() => request(erpnext.salesOrders.submit('S', 'newest'))).toThrow(invalid);
  });

  it('bulk update in the form of version 2, and delete by the name', () => {
    const items = [{ providerKey: 'k1', input: { id: 'C', properties: { tax_id: '1' }, version } }];
    const spec = updateBatch('customer').request(context, items);
    expect(spec).toMatchObject({
      method: 'POST',
      path: '/api/v2/document/Customer/bulk_update',
      body: { json: { docs: [{ name: 'C', tax_id: '1', modified: version }] } },
    });
    expect(wire(erpnext.customers.delete('Søren & Sons'))).toBe('DELETE /api/resource/Customer/Søren & Sons');
  });

  it('go to the system they were planned for', () => {
    expect(erpnextOn('erpnext-emea').timeZone().system).toBe('erpnext-emea');
  });

  it('put a comment there as the text that it is', () => {
    const call = erpnext.comments.append({ on: { object: 'customer', id: 'C' }, text: 'a <img onerror=x>\nb' });
    expect(request(call).body).toMatchObject({
      json: { reference_doctype: 'Customer', reference_name: 'C', content: 'a &lt;img onerror=x&gt;<br>b' },
    });
  });
});

describe('answers of ERPNext', () => {
  const judge = (call: PlannedCall, body: unknown) => {
    const operation = operationOf(call);
    return operation.judge(answer(200, body), call.input);
  };
  const list = erpnext.customers.list({ fields: ['tax_id'], limit: 2 });
  const row = (n: number) => ({ name: `C${n}`, modified: version, tax_id: null });

  it('show a page and where it goes on', () => {
    const page = judge(list, { data: [row(1), row(2), row(3)] });
    expect(page).toMatchObject({ kind: 'ok', data: { results: [{ id: 'C1' }, { id: 'C2' }] } });
    const { after } = (page as { data: unknown }).data as { after: string };
    expect(after).toBe(afterText({ version, name: 'C2' }));
    expect(judge(list, { data: [row(1), row(2)] })).toMatchObject({ data: { after: null } });
    expect(judge(list, { data: [] })).toEqual({ kind: 'ok', data: { results: [], after: null } });
  });

  it.each([
    ['a row that is none', { data: [row(1), { name: 'C2' }] }, 'unreadable_answer'],
    ['a row without a field that was asked for', { data: [{ name: 'C1', modified: version }] }, 'field_missing'],
    ['more rows than were asked for', { data: [row(1), row(2), row(3), row(4)] }, 'limit_ignored'],
    ['no list', { data: { a: 1 } }, 'unreadable_answer'],
  ])('with %s are an error and no short page', (_what, body, code) => {
    expect(judge(list, body)).toMatchObject({ kind: 'error', error: { code } });
  });

  it('that begin again where the page before ended are an error and no endless list', () => {
    const next = erpnext.customers.list({ fields: ['tax_id'], limit: 2, after: afterText({ version, name: 'C2' }) });
    expect(judge(next, { data: [row(2), row(3)] })).toMatchObject({ kind: 'error', error: { code: 'place_ignored' } });
    expect(judge(next, { data: [row(3)] })).toMatchObject({ kind: 'ok', data: { after: null } });
  });

  it('do not take a name in other letters for the one that was asked', () => {
    const get = erpnext.customers.get('acme', { fields: [] });
    expect(judge(get, { data: [{ name: 'ACME', modified: version }] })).toMatchObject({
      error: { class: 'not_found' },
    });
  });

  const doc = { doctype: 'Customer', name: 'C', modified: version };
  it('say of an update whether the values were taken', () => {
    const call = erpnext.customers.update('C', { tax_id: '1' });
    expect(judge(call, { data: { ...doc, tax_id: '1' } })).toMatchObject({ kind: 'applied' });
    expect(judge(call, { data: { ...doc, tax_id: '0' } })).toMatchObject({ error: { code: 'value_not_taken' } });
  });

  it('say of a submit whether it is done', () => {
    const call = erpnext.salesOrders.submit('S', version);
    const order = { doctype: 'Sales Order', name: 'S', modified: version };
    expect(judge(call, { data: { ...order, docstatus: 1 } })).toMatchObject({ kind: 'applied' });
    expect(judge(call, { data: { ...order, docstatus: 0 } })).toMatchObject({
      kind: 'unknown',
      error: { code: 'not_yet_done' },
    });
  });

  it('prove a create by the very key that was written, on one record', () => {
    const operation = operationById('erpnext.comments.append');
    const row = (name: string, ref: unknown) => ({
      ...{
        name,
        modified: version,
        comment_type: 'Comment',
        reference_doctype: null,
        reference_name: null,
        content: '',
      },
      ...(ref === undefined ? {} : { custom_plumbline_ref: ref }),
    });
    const found = (rows: unknown) => {
      const probe = operation?.kind === 'write' ? operation.probe : undefined;
      return probe?.judge(answer(200, { data: rows }), {}, null, 'act_k_1').kind;
    };
    expect(found([row('A', 'act_k_1')])).toBe('equal');
    expect([found([row('A', 'ACT_K_1')]), found([row('A', 'act_k_1'), row('B', 'act_k_1')])]).toEqual([
      'different',
      'different',
    ]);
    expect([found([]), found([row('A', undefined)]), found({})]).toEqual(['absent', 'inconclusive', 'inconclusive']);
  });

  it('of a bulk request name each item once, or its outcome is unknown', () => {
    const item = (id: string): { providerKey: string; input: UpdateInput } => ({
      ...{ providerKey: id, input: { id, properties: { tax_id: '1' } } },
    });
    const docs = ['A', 'B', 'C'].map((name) => ({ ...doc, name, tax_id: '1' }));
    const data = {
      updated: ['A', 'C', 'C'],
      failed: [{ name: 'B', error: 'Error: Document has been modified after you have opened it' }],
    };
    const items = ['A', 'B', 'C', 'D'].map(item);
    const said = updateBatch('customer').judge(answer(200, { data, docs }), items);
    if (said.kind !== 'items') throw new Error('whole');
    expect(said.verdicts.map(({ kind }) => kind)).toEqual(['applied', 'not_applied', 'unknown', 'unknown']);
    expect(said.verdicts[1]).toMatchObject({ error: { class: 'conflict' } });
    const later = updateBatch('customer').judge(answer(202, { data: { job_id: 'j' } }), items);
    expect(later).toMatchObject({ kind: 'whole', verdict: { kind: 'unknown', error: { code: 'in_background' } } });
  });

  it.each([
    [null, '', true],
    [1, true, true],
    [0, false, true],
    ['12.50', 12.5, true],
    [' a ', 'a', true],
    ['2026-11-20 08:15:00', '2026-11-20 08:15:00.000000', true],
    ['007', '7', false],
    ['a', 'A', false],
    [null, 0, false],
  ] as const)('hold %j and %j for the same: %s', (one, other, same) => {
    expect(sameValue(one, other)).toBe(same);
    expect(shows({ x: one }, { x: other })).toBe(same);
  });
});
