import { afterEach, beforeEach, expect, it } from 'vitest';
import { execute } from '../../shared/action/execute.ts';
import { erpnext } from '../../shared/connectors/erpnext/calls.ts';
import { callErpnext, type ErpnextWorld, erpnextWorld, madeIn } from '../kit/erpnext-simulator.ts';
import { erpnextWrites, madeOf, versionOf, writesOf } from '../kit/erpnext-writes.ts';
import { claimOf, settle, write } from '../kit/system-world.ts';

let world: ErpnextWorld;
beforeEach(async () => {
  world = await erpnextWorld();
});
afterEach(() => world.close());

const here = () => world;
const { meet, planned, applied } = erpnextWrites(here);
const made = (docType: string, values: object) => madeIn(world.simulator, docType, values);

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
    const { call, request } = await planned(name);
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
    const { call, request } = await planned(name);
    world.simulator.site.knobs.locks = 1;
    expect((await execute(world.kernel, request)).outcome.kind).toBe('queued');
    world.simulator.effects.clear();
    expect((await write(world, call, 'act_late_1')).kind).toBe('applied');
    expect([(await settle(world, request.identity.key)).state, applied()]).toEqual(['SUCCEEDED', 1]);
  },
);

it('a change that waited and then meets the change of somebody else is a conflict', async () => {
  const { call, request } = await planned('salesOrders.submit');
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
      : await writesOf(here)[name]?.();
  if (!call) throw new Error(name);
  const request = await claimOf(world, call);
  const { outcome } = await execute(world.kernel, request);
  expect(outcome).toMatchObject({ kind: 'failed', failure: { code: 'system_duplicate', vendorCode } });
  expect([(await settle(world, request.identity.key)).state, applied()]).toEqual(['FAILED', 0]);
});

it('an order that an invoice was made of is not cancelled, and the refusal says why', async () => {
  const id = await madeOf(here, 'salesOrders');
  await callErpnext(world.simulator, 'PUT', `/api/resource/Sales Order/${id}`, { docstatus: 1 });
  const [customer] = world.simulator.site.docs.Customer.values();
  const rows = [{ item_code: 'A-1', qty: 1, sales_order: id }];
  await callErpnext(world.simulator, 'POST', '/api/resource/Sales Invoice', {
    customer: customer?.name,
    items: rows,
    docstatus: 1,
  });
  world.simulator.effects.clear();
  const request = await claimOf(world, erpnext.salesOrders.cancel(id, await versionOf(here, 'salesOrders', id)));
  const { outcome } = await execute(world.kernel, request);
  const failure = { code: 'system_rejected', vendorCode: 'LinkExistsError' };
  expect([outcome, applied()]).toMatchObject([{ kind: 'failed', failure }, 0]);
});

it('twenty equal claims at once make one document', async () => {
  const request = await claimOf(world, erpnext.customers.create({ customer_name: 'Acme' }));
  await Promise.all(Array.from({ length: 20 }, () => execute(world.kernel, request)));
  expect([(await settle(world, request.identity.key)).state, applied()]).toEqual(['SUCCEEDED', 1]);
});
