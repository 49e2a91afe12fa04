import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FaultSpec } from '../../infra/local/systems/faults.ts';
import { execute } from '../../shared/action/execute.ts';
import { erpnext } from '../../shared/connectors/erpnext/calls.ts';
import { operations } from '../../shared/connectors/erpnext/operations.ts';
import type { PlannedCall } from '../../shared/model/operation.ts';
import {
  callErpnext,
  claimOf,
  dataOf,
  type ErpnextWorld,
  erpnextWorld,
  madeIn,
  settle,
  write,
} from '../kit/erpnext-simulator.ts';

let world: ErpnextWorld;
beforeEach(async () => {
  world = await erpnextWorld();
});
afterEach(() => world.close());

const item = { item_code: 'A-1', item_group: 'Products', standard_rate: 12.5 };
const made = (docType: string, values: object) => madeIn(world.simulator, docType, values);
const order = { delivery_date: '2030-01-31', items: [{ item_code: 'A-1', qty: 2 }] };

const makers = {
  customers: () => made('Customer', { customer_name: 'Acme' }),
  suppliers: () => made('Supplier', { supplier_name: 'Parts Ltd' }),
  items: () => made('Item', { ...item, item_code: 'B-1' }),
  salesOrders: async () => made('Sales Order', { ...order, customer: await withItem(makers.customers) }),
  purchaseOrders: async () =>
    made('Purchase Order', {
      ...{ supplier: await withItem(makers.suppliers), schedule_date: '2030-01-31' },
      items: [{ item_code: 'A-1', qty: 1 }],
    }),
  salesInvoices: async () =>
    made('Sales Invoice', { customer: await withItem(makers.customers), items: [{ item_code: 'A-1', qty: 1 }] }),
};
async function withItem(make: () => Promise<string>): Promise<string> {
  await made('Item', item);
  return make();
}

const groups = {
  customers: { create: async () => ({ customer_name: 'Acme' }), change: { customer_name: 'Acme B.V.', tax_id: null } },
  suppliers: { create: async () => ({ supplier_name: 'Parts Ltd' }), change: { country: 'Germany' } },
  items: { create: async () => ({ ...item, item_code: 'B-1' }), change: { item_name: ' Bearing ', disabled: true } },
  salesOrders: {
    create: async () => ({ ...order, customer: await withItem(makers.customers) }),
    change: { po_no: 'PO 1' },
  },
  purchaseOrders: {
    create: async () => ({
      ...{ supplier: await withItem(makers.suppliers), schedule_date: '2030-01-31' },
      items: [{ item_code: 'A-1', qty: 1 }],
    }),
    change: { schedule_date: '2030-02-01' },
  },
  salesInvoices: {
    create: async () => ({ customer: await withItem(makers.customers), items: [{ item_code: 'A-1', qty: 1 }] }),
    change: { due_date: '2030-02-01' },
  },
};
type Group = keyof typeof groups;
const submitted = ['salesOrders', 'purchaseOrders', 'salesInvoices'] as const;

async function versionOf(group: Group, id: string): Promise<string> {
  return (await dataOf<{ version: string }>(world, erpnext[group].get(id))).version;
}

/** Every write, planned on documents that were made for it. */
const writes: Readonly<Record<string, () => Promise<PlannedCall>>> = {
  ...Object.fromEntries(
    (Object.keys(groups) as Group[]).flatMap((group) => {
      const { create, change } = groups[group];
      return [
        [`${group}.create`, async () => erpnext[group].create(await create())],
        [`${group}.update`, async () => erpnext[group].update(await makers[group](), change)],
        [
          `${group}.update of one version`,
          async () => {
            const id = await makers[group]();
            return erpnext[group].update(id, change, { version: await versionOf(group, id) });
          },
        ],
        [`${group}.delete`, async () => erpnext[group].delete(await makers[group]())],
      ] as const;
    }),
  ),
  ...Object.fromEntries(
    submitted.flatMap((group) => [
      [
        `${group}.submit`,
        async () => {
          const id = await makers[group]();
          return erpnext[group].submit(id, await versionOf(group, id));
        },
      ] as const,
      [
        `${group}.cancel`,
        async () => {
          const id = await makers[group]();
          const path = `/api/resource/${{ salesOrders: 'Sales Order', purchaseOrders: 'Purchase Order', salesInvoices: 'Sales Invoice' }[group]}/${id}`;
          await callErpnext(world.simulator, 'PUT', path, { docstatus: 1 });
          return erpnext[group].cancel(id, await versionOf(group, id));
        },
      ] as const,
    ]),
  ),
  'comments.append': async () =>
    erpnext.comments.append({ on: { object: 'customer', id: await makers.customers() }, text: 'said\n<b>so</b>' }),
  'comments.delete': async () =>
    erpnext.comments.delete(await made('Comment', { comment_type: 'Comment', content: 'x', reference_name: 'x' })),
};

const faults: Readonly<Record<string, FaultSpec>> = {
  'a failure before it': { kind: 'fail_before_commit' },
  'a server that is unavailable': { kind: 'server_error', status: 503 },
  'a connection that ends before it': { kind: 'reset' },
  'the page of a proxy instead of it': { kind: 'html_error', status: 502 },
  'the page of a site that is updated': { kind: 'html_error', status: 503 },
  'the limit of the site': { kind: 'rate_limited' },
  'the limit of one function': { kind: 'rate_limited', policyName: 'SECONDLY' },
  'a failure after it': { kind: 'server_error', afterCommit: true },
  'an answer that is lost': { kind: 'commit_then_lose_response' },
  'the page of a proxy after it': { kind: 'html_error', status: 504, afterCommit: true },
};

const applied = () => world.simulator.effects.effects().length;

/** Plans the write, then breaks the next request that is no read. */
async function meet(name: string, fault: FaultSpec) {
  const call = await writes[name]?.();
  if (!call) throw new Error(name);
  const request = await claimOf(world, call);
  world.simulator.effects.clear();
  const method = name.includes('.delete') ? 'DELETE' : /\.(create|append)/.test(name) ? 'POST' : 'PUT';
  world.simulator.addFault({ ...fault, match: { method } });
  return { request, first: await execute(world.kernel, request), key: request.identity.key };
}

it('is run for every write there is', () => {
  const snake = (text: string) => text.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const all = [...operations.values()]
    .filter(({ kind }) => kind === 'write')
    .map(({ id }) => id.slice('erpnext.'.length));
  const run = new Set(Object.keys(writes).map((name) => snake(name.split(' ')[0] ?? '')));
  expect(all.sort()).toEqual([...run].sort());
});

const repeated = (request: Awaited<ReturnType<typeof claimOf>>) =>
  execute(world.kernel, { ...request, deadlineMs: world.clock.now() + 20_000 });

describe.each(Object.keys(writes))('%s takes effect exactly once', (name) => {
  it.each(Object.keys(faults))('after %s, and a repeat is answered and not sent', async (fault) => {
    const { request, key } = await meet(name, faults[fault] ?? { kind: 'reset' });
    const record = await settle(world, key);
    expect([record.state, applied()]).toEqual(['SUCCEEDED', 1]);
    expect([(await repeated(request)).outcome.kind, applied()]).toEqual(['replayed', 1]);
  });
});

describe.each(Object.keys(writes))('%s whose answer was lost is not sent again', (name) => {
  const readBacks: Readonly<Record<string, FaultSpec>> = {
    'a failing server': { kind: 'server_error' },
    'a page that says 404': { kind: 'html_error', status: 404 },
    'a connection that ends': { kind: 'reset' },
    'the limit of the site': { kind: 'rate_limited' },
  };
  it.each(Object.keys(readBacks))('where its read-back meets %s', async (fault) => {
    const { key } = await meet(name, { kind: 'commit_then_lose_response' });
    world.simulator.addFault({ ...(readBacks[fault] ?? { kind: 'reset' }), match: { method: 'GET' }, times: 3 });
    const record = await settle(world, key);
    expect([record.state, applied(), record.attempts]).toEqual(['SUCCEEDED', 1, 1]);
  });
});

it('a create of which the unique field is gone is never made again: a person decides', async () => {
  const { key } = await meet('customers.create', { kind: 'commit_then_lose_response' });
  const renamed = { docType: 'Customer', from: 'custom_plumbline_ref', to: 'custom_other' };
  await callErpnext(world.simulator, 'POST', '/_admin/rename-field', renamed);
  expect([(await settle(world, key)).state, applied()]).toEqual(['NEEDS_HUMAN', 1]);
});

it('a delete is not taken for done where the right to read was lost', async () => {
  const { key } = await meet('customers.delete', { kind: 'reset' });
  await callErpnext(world.simulator, 'POST', '/_admin/deny', { right: 'Customer: read' });
  expect([(await settle(world, key)).state, applied()]).toEqual(['NEEDS_HUMAN', 0]);
});

it('a delete that never arrived is not taken for done because a page says 404', async () => {
  const { key } = await meet('customers.delete', { kind: 'reset' });
  world.simulator.addFault({ kind: 'html_error', status: 404, match: { method: 'GET' }, times: 2 });
  expect([(await settle(world, key)).state, applied()]).toEqual(['SUCCEEDED', 1]);
});

it('an update that somebody else overwrote before it could be proven goes to a person', async () => {
  const { key } = await meet('customers.update', { kind: 'commit_then_lose_response' });
  const [customer] = world.simulator.site.docs.Customer.values();
  const touch = { docType: 'Customer', name: customer?.name, values: { customer_name: 'C' } };
  await callErpnext(world.simulator, 'POST', '/_admin/touch', touch);
  expect([(await settle(world, key)).state, applied()]).toEqual(['NEEDS_HUMAN', 1]);
});

it.each(['salesOrders.submit', 'salesOrders.update of one version'])(
  '%s of a version that is not the newest overwrites nothing',
  async (name) => {
    const call = await writes[name]?.();
    if (!call) throw new Error(name);
    const request = await claimOf(world, call);
    const { id } = call.input as { id: string };
    const touch = { docType: 'Sales Order', name: id, values: { po_no: 'changed' } };
    await callErpnext(world.simulator, 'POST', '/_admin/touch', touch);
    const { outcome } = await execute(world.kernel, request);
    const failure = { code: 'system_conflict', vendorCode: 'TimestampMismatchError' };
    expect([outcome, applied()]).toMatchObject([{ kind: 'failed', failure }, 0]);
  },
);

it.each(['deadlock', 'lock', 'migrating', 'read-only'])('a site that meets a %s is asked again', async (knob) => {
  const request = await claimOf(world, erpnext.customers.create({ customer_name: 'Acme' }));
  await callErpnext(world.simulator, 'POST', `/_admin/${knob}`);
  const first = await execute(world.kernel, request);
  const off = { migrating: { on: false }, 'read-only': { on: false } }[knob];
  if (off) await callErpnext(world.simulator, 'POST', `/_admin/${knob}`, off);
  expect(first.outcome.kind).toBe(knob === 'migrating' ? 'unknown' : 'queued');
  expect([(await settle(world, request.identity.key)).state, applied()]).toEqual(['SUCCEEDED', 1]);
});

it('a create whose first attempt is carried out late is found by its key and not made again', async () => {
  const request = await claimOf(world, erpnext.customers.create({ customer_name: 'Acme' }));
  world.simulator.site.knobs.locks = 1;
  await execute(world.kernel, request);
  const ref = `act_${request.identity.key}_1`;
  await callErpnext(world.simulator, 'POST', '/api/resource/Customer', {
    customer_name: 'Acme',
    custom_plumbline_ref: ref,
  });
  expect([(await settle(world, request.identity.key)).state, applied()]).toEqual(['SUCCEEDED', 1]);
});

it.each(['salesOrders.update of one version', 'salesOrders.submit', 'salesOrders.cancel', 'salesOrders.delete'])(
  '%s whose first attempt is carried out late is not called a conflict with itself',
  async (name) => {
    const call = await writes[name]?.();
    if (!call) throw new Error(name);
    const request = await claimOf(world, call);
    world.simulator.site.knobs.locks = 1;
    expect((await execute(world.kernel, request)).outcome.kind).toBe('queued');
    world.simulator.effects.clear();
    expect((await write(world, call, 'act_late_1')).kind).toBe('applied');
    expect([(await settle(world, request.identity.key)).state, applied()]).toEqual(['SUCCEEDED', 1]);
  },
);

it('a change that waited and then meets the change of somebody else is a conflict', async () => {
  const call = await writes['salesOrders.submit']?.();
  if (!call) throw new Error('no call');
  const request = await claimOf(world, call);
  world.simulator.site.knobs.locks = 1;
  await execute(world.kernel, request);
  const touch = { docType: 'Sales Order', name: (call.input as { id: string }).id, values: { po_no: 'x' } };
  await callErpnext(world.simulator, 'POST', '/_admin/touch', touch);
  world.simulator.effects.clear();
  expect([(await settle(world, request.identity.key)).state, applied()]).toEqual(['FAILED', 0]);
});

it.each([
  ['a name that is taken', 'suppliers.create', 'Supplier', { supplier_name: 'Parts Ltd' }, 'DuplicateEntryError'],
  [
    'a unique value that is taken',
    'external',
    'Customer',
    { customer_name: 'X', custom_external_id: 'E' },
    'UniqueValidationError',
  ],
])('%s is a refusal that is not tried again', async (_what, name, docType, values, vendorCode) => {
  await made(docType, values);
  const call =
    name === 'external'
      ? erpnext.customers.create({ customer_name: 'Y', custom_external_id: 'E' })
      : await writes[name]?.();
  if (!call) throw new Error(name);
  const request = await claimOf(world, call);
  const { outcome } = await execute(world.kernel, request);
  expect(outcome).toMatchObject({ kind: 'failed', failure: { code: 'system_duplicate', vendorCode } });
  expect([(await settle(world, request.identity.key)).state, applied()]).toEqual(['FAILED', 0]);
});

it('an order that an invoice was made of is not cancelled, and the refusal says why', async () => {
  const id = await makers.salesOrders();
  await callErpnext(world.simulator, 'PUT', `/api/resource/Sales Order/${id}`, { docstatus: 1 });
  const [customer] = world.simulator.site.docs.Customer.values();
  const rows = [{ item_code: 'A-1', qty: 1, sales_order: id }];
  await callErpnext(world.simulator, 'POST', '/api/resource/Sales Invoice', {
    customer: customer?.name,
    items: rows,
    docstatus: 1,
  });
  world.simulator.effects.clear();
  const request = await claimOf(world, erpnext.salesOrders.cancel(id, await versionOf('salesOrders', id)));
  const { outcome } = await execute(world.kernel, request);
  const failure = { code: 'system_rejected', vendorCode: 'LinkExistsError' };
  expect([outcome, applied()]).toMatchObject([{ kind: 'failed', failure }, 0]);
});

it('twenty equal claims at once make one document', async () => {
  const request = await claimOf(world, erpnext.customers.create({ customer_name: 'Acme' }));
  await Promise.all(Array.from({ length: 20 }, () => execute(world.kernel, request)));
  expect([(await settle(world, request.identity.key)).state, applied()]).toEqual(['SUCCEEDED', 1]);
});
