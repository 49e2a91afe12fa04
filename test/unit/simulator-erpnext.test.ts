import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ErpnextSimulator, localKey } from '../../infra/local/systems/erpnext/start.ts';
import { callErpnext, madeIn, startTestErpnext } from '../kit/erpnext-simulator.ts';
import { testClock } from '../kit/kernel.ts';

let erpnext: ErpnextSimulator;
beforeEach(async () => {
  erpnext = await startTestErpnext();
});
afterEach(() => erpnext.close());

const call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  callErpnext(erpnext, method, path, body, headers);
const made = (docType: string, values: object) => madeIn(erpnext, docType, values);
const said = ({ status, body }: Awaited<ReturnType<typeof callErpnext>>) => [status, body?.exc_type];
const admin = (knob: string, body?: object) => call('POST', `/_admin/${knob}`, body);

async function draft(): Promise<string> {
  await made('Item', { item_code: 'A-1', item_group: 'Products', standard_rate: 2.5 });
  const customer = await made('Customer', { customer_name: 'Acme' });
  return made('Sales Order', { customer, delivery_date: '2040-01-01', items: [{ item_code: 'A-1', qty: 3 }] });
}

describe('the simulated site refuses as Frappe does', () => {
  const bad = (authorization: string) => ({ authorization });
  it.each<[string, Record<string, string>, number, string]>([
    ['without a key', {}, 403, 'PermissionError'],
    ['with another key', bad('token x:y'), 401, 'AuthenticationError'],
    ['with another secret', bad(`token ${localKey.key}:y`), 401, 'AuthenticationError'],
    ['with a bearer', bad('Bearer x'), 400, 'InvalidAuthorizationPrefix'],
    ['with three parts', bad('token a b'), 400, 'InvalidAuthorizationHeader'],
  ])('%s', async (_what, headers, status, type) => {
    expect(said(await call('GET', '/api/resource/Customer', undefined, headers))).toEqual([status, type]);
  });

  it('takes the pair as Basic too', async () => {
    const basic = `Basic ${Buffer.from(`${localKey.key}:${localKey.secret}`).toString('base64')}`;
    expect((await call('GET', '/api/method/frappe.auth.get_logged_user', undefined, bad(basic))).body).toEqual({
      message: localKey.user,
    });
  });

  it.each<[string, string, object, number, string]>([
    ['a missing name', 'Customer', {}, 417, 'MandatoryError'],
    ['a text that is too long', 'Customer', { customer_name: 'x'.repeat(141) }, 417, 'CharacterLengthExceededError'],
    [
      'a link to nothing',
      'Sales Order',
      { customer: 'Nobody', items: [{ item_code: 'A', qty: 1 }] },
      417,
      'LinkValidationError',
    ],
    ['no lines', 'Sales Order', { customer: 'Nobody' }, 417, 'MandatoryError'],
    ['a DocType there is none of', 'Sales Ordr', {}, 404, 'DoesNotExistError'],
  ])('%s', async (_what, docType, values, status, type) => {
    expect(said(await call('POST', `/api/resource/${docType}`, values))).toEqual([status, type]);
    expect(erpnext.effects.effects()).toEqual([]);
  });

  it('a unique value twice with 417, a name twice with 409', async () => {
    await made('Customer', { customer_name: 'A', custom_plumbline_ref: 'k' });
    await made('Supplier', { supplier_name: 'Parts' });
    expect(
      said(await call('POST', '/api/resource/Customer', { customer_name: 'B', custom_plumbline_ref: 'K' })),
    ).toEqual([417, 'UniqueValidationError']);
    expect(said(await call('POST', '/api/resource/Supplier', { supplier_name: 'PARTS' }))).toEqual([
      409,
      'DuplicateEntryError',
    ]);
  });

  it('drops fields it has not without a word', async () => {
    const { status, body } = await call('POST', '/api/resource/Customer', { customer_name: 'A', nonsense: 'x' });
    expect([status, 'nonsense' in body.data]).toEqual([200, false]);
  });

  it('carries out a command in a body, whatever the address says', async () => {
    const { body } = await call('POST', '/api/resource/Customer', { customer_name: 'A', cmd: 'frappe.ping' });
    expect([body, erpnext.effects.effects()]).toEqual([{ message: 'pong' }, []]);
  });

  it('writes its messages as JSON in JSON, and in version 2 as a list', async () => {
    const { body } = await call('POST', '/api/resource/Customer', {});
    expect(JSON.parse(JSON.parse(body._server_messages)[0]).message).toBe('[Customer, ]: customer_name');
    expect((await call('POST', '/api/v2/document/Customer', {})).body.errors[0].type).toBe('MandatoryError');
  });
});

describe('a document of the simulated site', () => {
  const put = (name: string, body: object) => call('PUT', `/api/resource/Sales Order/${name}`, body);

  it('goes draft, submitted, cancelled, and no other way', async () => {
    const name = await draft();
    expect(said(await put(name, { docstatus: 2 }))).toEqual([417, 'DocstatusTransitionError']);
    const submitted = await put(name, { docstatus: 1 });
    expect(submitted.body.data).toMatchObject({ docstatus: 1, status: 'To Deliver and Bill', grand_total: 7.5 });
    expect(said(await put(name, { docstatus: 0 }))).toEqual([417, 'DocstatusTransitionError']);
    expect(said(await put(name, { currency: 'USD' }))).toEqual([417, 'UpdateAfterSubmitError']);
    expect((await put(name, { po_no: 'PO 1' })).status).toBe(200);
    expect(said(await call('DELETE', `/api/resource/Sales Order/${name}`))).toEqual([417, 'ValidationError']);
    expect((await put(name, { docstatus: 2 })).body.data.status).toBe('Cancelled');
    expect(said(await put(name, { po_no: 'PO 2' }))).toEqual([417, 'ValidationError']);
    expect((await call('DELETE', `/api/resource/Sales Order/${name}`)).status).toBe(202);
  });

  it('is submitted and cancelled by its methods too', async () => {
    const name = await draft();
    const run = await call('POST', `/api/resource/Sales Order/${name}`, { run_method: 'submit' });
    expect(run.body.data.docstatus).toBe(1);
    const cancel = { doctype: 'Sales Order', name };
    expect((await call('POST', '/api/method/frappe.client.cancel', cancel)).body.message.docstatus).toBe(2);
  });

  it('compares `modified` as text', async () => {
    const name = await draft();
    const { modified } = (await call('GET', `/api/resource/Sales Order/${name}`)).body.data;
    // As Python, it writes no fraction where that is zero.
    expect(modified).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?$/);
    expect(said(await put(name, { po_no: '1', modified: `${modified}0` }))).toEqual([417, 'TimestampMismatchError']);
    expect((await put(name, { po_no: '1', modified })).status).toBe(200);
    expect(said(await put(name, { po_no: '2', modified }))).toEqual([417, 'TimestampMismatchError']);
    expect((await put(name, { po_no: '2' })).status).toBe(200);
  });

  it('tells times in the zone of the site, in winter and in summer', async () => {
    await erpnext.close();
    const clock = testClock();
    erpnext = await startTestErpnext({ clock, timeZone: 'Europe/Amsterdam' });
    const offset = async () => {
      const name = await made('Customer', { customer_name: 'A' });
      const { creation } = (await call('GET', `/api/resource/Customer/${name}`)).body.data;
      return Math.round((Date.parse(`${creation.replace(' ', 'T')}Z`) - clock.now()) / 3_600_000);
    };
    const offsets = new Set([await offset()]);
    clock.advance(182 * 86_400_000);
    offsets.add(await offset());
    expect([...offsets].sort()).toEqual([1, 2]);
    expect((await call('GET', '/api/method/frappe.client.get_time_zone')).body.message).toEqual({
      time_zone: 'Europe/Amsterdam',
    });
  });

  it('that others name is neither deleted nor cancelled', async () => {
    const order = await draft();
    await put(order, { docstatus: 1 });
    const [customer] = erpnext.site.docs.Customer.values();
    const rows = [{ item_code: 'A-1', qty: 1, sales_order: order }];
    await call('POST', '/api/resource/Sales Invoice', { customer: customer?.name, items: rows, docstatus: 1 });
    expect(said(await put(order, { docstatus: 2 }))).toEqual([417, 'LinkExistsError']);
    expect(said(await call('DELETE', `/api/resource/Customer/${customer?.name}`))).toEqual([417, 'LinkExistsError']);
  });

  it('is found among the deleted ones when it is gone', async () => {
    const name = await made('Customer', { customer_name: 'A' });
    expect((await call('DELETE', `/api/resource/Customer/${name}`)).body).toEqual({ data: 'ok' });
    const fields = encodeURIComponent('["deleted_name","deleted_doctype"]');
    const { body } = await call('GET', `/api/resource/Deleted Document?fields=${fields}`);
    expect(body.data).toEqual([{ deleted_name: name, deleted_doctype: 'Customer' }]);
  });
});

describe('a list of the simulated site', () => {
  const list = (query: Record<string, unknown>) => {
    const pairs = Object.entries(query).map(
      ([name, value]) => `${name}=${encodeURIComponent(typeof value === 'string' ? value : JSON.stringify(value))}`,
    );
    return call('GET', `/api/resource/Customer?${pairs.join('&')}`);
  };
  beforeEach(async () => {
    for (let n = 0; n < 25; n += 1)
      await made('Customer', { customer_name: `Cäse ${n}`, tax_id: n % 2 ? `T${n}` : null });
  });

  it('shows 20 rows with their names where nothing else is asked', async () => {
    const { body } = await list({});
    expect([body.data.length, Object.keys(body.data[0])]).toEqual([20, ['name']]);
    expect((await list({ limit_page_length: '0' })).body.data).toHaveLength(25);
  });

  it.each<[unknown, number]>([
    [[['customer_name', '=', 'case 3']], 1],
    [[['Customer', 'customer_name', 'like', '%CASE 1%']], 11],
    [[['tax_id', 'is', 'set']], 12],
    [[['tax_id', 'is', 'not set']], 13],
    [[['tax_id', 'in', ['T1', 'T3']]], 2],
    [{ tax_id: ['!=', 'T1'] }, 24],
    [[['disabled', '=', 0]], 25],
  ])('filters by %j', async (filters, count) => {
    expect((await list({ filters, limit_page_length: '100' })).body.data).toHaveLength(count);
  });

  it('refuses unknown fields, operators and orders', async () => {
    expect(said(await list({ fields: ['nope'] }))).toEqual([417, 'DataError']);
    expect(said(await list({ filters: [['nope', '=', 1]] }))).toEqual([417, 'DataError']);
    expect(said(await list({ filters: [['name', 'rlike', '.']] }))).toEqual([417, 'ValidationError']);
    expect(said(await list({ order_by: 'modified; drop table x' }))).toEqual([417, 'ValidationError']);
  });

  it('says in version 2 whether there is more', async () => {
    const { body } = await call('GET', '/api/v2/document/Customer?limit=10&start=20');
    expect([body.data.length, body.has_next_page]).toEqual([5, false]);
    expect((await call('GET', '/api/v2/doctype/Customer/count')).body.data).toBe(25);
  });
});

describe('bulk requests of the simulated site', () => {
  it('roll back what fails and nothing else, and above 20 answer a job', async () => {
    const names = await Promise.all(Array.from({ length: 21 }, (_, n) => made('Customer', { customer_name: `C${n}` })));
    const docs = names.map((name) => ({ name, tax_id: 'T' }));
    const some = await call('POST', '/api/v2/document/Customer/bulk_update', {
      docs: [...docs.slice(0, 2), { name: 'none', tax_id: 'x' }],
    });
    expect([some.status, some.body.data.success_count, some.body.data.failed]).toMatchObject([
      200,
      2,
      [{ name: 'none' }],
    ]);
    const all = await call('POST', '/api/v2/document/Customer/bulk_update', { docs });
    expect([all.status, Object.keys(all.body.data)]).toEqual([202, ['job_id']]);
    const many = await call('POST', '/api/method/frappe.client.insert_many', {
      docs: [
        { doctype: 'Customer', customer_name: 'ok' },
        { doctype: 'Customer', customer_name: '' },
      ],
    });
    expect([
      said(many)[1],
      [...erpnext.site.docs.Customer.values()].some(({ values }) => values.customer_name === 'ok'),
    ]).toEqual(['MandatoryError', false]);
  });

  it('of version 1 answer 200 with what failed', async () => {
    const name = await made('Customer', { customer_name: 'A' });
    const docs = [
      { doctype: 'Customer', docname: name, tax_id: '1' },
      { doctype: 'Customer', docname: 'none' },
    ];
    const { status, body } = await call('POST', '/api/method/frappe.client.bulk_update', {
      docs: JSON.stringify(docs),
    });
    expect([status, body.message.failed_docs.length]).toEqual([200, 1]);
  });
});

describe('faults of the simulated site', () => {
  it('a limit answers plain text, with microseconds and seconds', async () => {
    erpnext.addFault({ kind: 'rate_limited' });
    const { status, text, headers } = await call('GET', '/api/resource/Customer');
    expect([status, text, headers.get('x-ratelimit-limit')]).toEqual([429, 'Too Many Requests', '600000000']);
    expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(3600);
  });

  it.each([
    ['deadlock', {}, 500, 'QueryDeadlockError'],
    ['lock', {}, 417, 'DocumentLockedError'],
    ['read-only', {}, 503, 'InReadOnlyMode'],
    ['deny', { right: 'Customer: create' }, 403, 'PermissionError'],
  ])('%s', async (knob, body, status, type) => {
    await admin(knob, body);
    expect(said(await call('POST', '/api/resource/Customer', { customer_name: 'A' }))).toEqual([status, type]);
    expect(erpnext.effects.effects()).toEqual([]);
  });

  it('a site that is updated answers a page', async () => {
    await admin('migrating');
    const { status, headers } = await call('GET', '/api/resource/Customer');
    expect([status, headers.get('content-type')]).toEqual([503, 'text/html; charset=utf-8']);
  });
});
