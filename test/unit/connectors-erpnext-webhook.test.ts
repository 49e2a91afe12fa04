import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ErpnextSimulator } from '../../infra/local/systems/erpnext/start.ts';
import { pythonJson } from '../../infra/local/systems/erpnext/webhooks.ts';
import { listenLoopback, type SimListener, type SimRequest } from '../../infra/local/systems/loopback-server.ts';
import { operationById } from '../../shared/connectors/erpnext/operations.ts';
import { webhookAdapter } from '../../shared/connectors/erpnext/webhook.ts';
import type { Json } from '../../shared/model/json.ts';
import { verify } from '../../shared/webhooks/verify.ts';
import { callErpnext, startTestErpnext } from '../kit/erpnext-simulator.ts';

const item = {
  site: 'erp.acme.example',
  event: 'on_submit',
  doctype: 'Sales Order',
  name: 'SAL-ORD-2026-00001',
  modified: '2026-11-20 08:15:00.000123',
};
const delivery = {
  system: 'erpnext',
  channel: 'documents',
  scheme: 'frappe',
  bodyHash: 'h',
  signedId: null,
  receivedAtMs: 0,
};
const identity = (given: Json) => webhookAdapter.identity(given, delivery);

describe('webhooks of ERPNext', () => {
  it('are one document, whose change is the identity', () => {
    expect(webhookAdapter.split(item)).toEqual([item]);
    expect([webhookAdapter.split([item]), webhookAdapter.split('x'), webhookAdapter.split(null)]).toEqual([
      null,
      null,
      null,
    ]);
    expect(identity(item)).toBe(identity({ ...item }));
    const others = [
      { site: 'b' },
      { event: 'on_update' },
      { doctype: 'Item' },
      { name: 'B' },
      { modified: '2026-11-20 08:15:00.000124' },
    ];
    expect(new Set([item, ...others.map((change) => ({ ...item, ...change }))].map(identity)).size).toBe(6);
    expect(identity({ ...item, name: 'Maria Gomez' })).not.toContain('Gomez');
  });

  it('say site, type, and which document to read again', () => {
    expect(webhookAdapter.account?.(item)).toEqual({ site: 'erp.acme.example' });
    expect([webhookAdapter.type(item), webhookAdapter.occurredAtMs(item)]).toEqual(['sales_order.on_submit', null]);
    expect(webhookAdapter.record?.(item, 'erp-emea')).toEqual(['erp-emea', 'sales_order', item.name]);
    const call = webhookAdapter.reRead(item, 'erp-emea');
    expect(call).toMatchObject({ operation: 'erpnext.sales_orders.get', system: 'erp-emea', input: { id: item.name } });
    expect(operationById(call?.operation ?? '')?.kind).toBe('read');
  });

  it.each<Json>([
    { ...item, modified: 'now' },
    { ...item, event: 'on_fire' },
    { ...item, name: '' },
    { ...item, site: null },
    { ...item, doctype: 3 },
    'text',
  ])('without what identifies them have no identity: %j', (given) => {
    expect(identity(given)).toBeNull();
  });

  it('of a DocType that is not known here are read again by nobody', () => {
    const lead = { ...item, doctype: 'Lead' };
    expect([
      webhookAdapter.reRead(lead, 'erpnext'),
      webhookAdapter.type(lead),
      webhookAdapter.record?.(lead, 'e'),
    ]).toEqual([...[null, 'unknown', null]]);
  });
});

describe('the simulated site sends', () => {
  const secret = 'a webhook secret';
  const nowMs = 1_795_000_000_000;
  let erpnext: ErpnextSimulator;
  let receiver: SimListener;
  let received: SimRequest[];
  let statuses: number[];
  let arrivals: (() => void)[];

  const arrived = async (count: number) => {
    while (received.length < count) await new Promise<void>((resolve) => arrivals.push(resolve));
    return received.map(({ bodyText }) => JSON.parse(bodyText) as Record<string, string>);
  };
  const make = (customer_name: string) => callErpnext(erpnext, 'POST', '/api/resource/Customer', { customer_name });

  beforeEach(async () => {
    [received, statuses, arrivals] = [[], [], []];
    receiver = await listenLoopback({
      port: 0,
      handle: async (request) => {
        received.push(request);
        for (const wake of arrivals.splice(0)) wake();
        return { status: statuses.shift() ?? 204, headers: {}, bodyText: '' };
      },
    });
    erpnext = await startTestErpnext({ retryDelaysMs: [1, 1] });
    erpnext.webhooks.target({ url: `${receiver.url}/erpnext/documents`, secret });
  });
  afterEach(async () => {
    await erpnext.close();
    await receiver.close();
  });

  const proven = ({ bodyText, headers }: SimRequest, body = bodyText) =>
    verify({
      ...{ scheme: 'frappe', secrets: secret, method: 'POST', url: 'https://hooks.example/erpnext/documents', nowMs },
      ...{ headers, body: new TextEncoder().encode(body) },
    }).ok;

  it('what happened to a document, signed over the bytes that Python writes', async () => {
    const { body } = await make('Søren 🚀');
    const [told] = await arrived(1);
    expect(told).toMatchObject({
      event: 'after_insert',
      doctype: 'Customer',
      name: body.data.name,
      modified: body.data.modified,
    });
    const [request] = received;
    expect(request && [proven(request), proven(request, JSON.stringify(told)), proven(request, '{}')]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('every step of an order, and its deletion', async () => {
    const { body } = await make('A');
    await callErpnext(erpnext, 'PUT', `/api/resource/Customer/${body.data.name}`, { tax_id: '1' });
    await callErpnext(erpnext, 'DELETE', `/api/resource/Customer/${body.data.name}`);
    expect((await arrived(3)).map(({ event }) => event)).toEqual(['after_insert', 'on_update', 'on_trash']);
  });

  it('three times at most, and then never again', async () => {
    statuses = [500, 500, 500];
    await make('A');
    await arrived(3);
    await make('B');
    const names = (await arrived(4)).map(({ name }) => name);
    expect([new Set(names.slice(0, 3)).size, names[3] === names[0]]).toEqual([1, false]);
    expect(
      erpnext.webhooks
        .log()
        .slice(0, 3)
        .map(({ attempt, status }) => [attempt, status]),
    ).toEqual([
      [0, 500],
      [1, 500],
      [2, 500],
    ]);
  });

  it('nothing of what it drops, and twice what it doubles', async () => {
    await callErpnext(erpnext, 'POST', '/_admin/drop-webhooks');
    await make('A');
    await callErpnext(erpnext, 'POST', '/_admin/duplicate-webhooks');
    const { body } = await make('B');
    expect((await arrived(2)).map(({ name }) => name)).toEqual([body.data.name, body.data.name]);
  });

  it('JSON as Python writes it', () => {
    expect(pythonJson({ a: 'é🚀"', b: 1, c: null })).toBe('{"a": "\\u00e9\\ud83d\\ude80\\"", "b": 1, "c": null}');
  });
});
