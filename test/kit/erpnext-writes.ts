import { erpnext } from '../../shared/connectors/erpnext/calls.ts';
import type { ErpnextFields } from '../../shared/connectors/erpnext/client.ts';
import type { PlannedCall } from '../../shared/model/operation.ts';
import { callErpnext, dataOf, type ErpnextWorld, madeIn } from './erpnext-simulator.ts';
import { writesUnderFaults } from './write-faults.ts';

type Group = 'customers' | 'suppliers' | 'items' | 'salesOrders' | 'purchaseOrders' | 'salesInvoices';
type Facts = { docType: string; needs: readonly Group[]; create: ErpnextFields; change: ErpnextFields };

const rows = [{ item_code: 'A-1', qty: 2 }];

/** What is made of each object, which others it needs, and how it is changed. */
const groups: Readonly<Record<Group, Facts>> = {
  customers: {
    ...{ docType: 'Customer', needs: [] },
    ...{ create: { customer_name: 'Acme' }, change: { customer_name: 'Acme B.V.', tax_id: null } },
  },
  suppliers: {
    ...{ docType: 'Supplier', needs: [], create: { supplier_name: 'Parts Ltd' }, change: { country: 'Germany' } },
  },
  items: {
    ...{ docType: 'Item', needs: [], create: { item_code: 'A-1', item_group: 'Products', standard_rate: 12.5 } },
    change: { item_name: ' Bearing ', disabled: true },
  },
  salesOrders: {
    ...{ docType: 'Sales Order', needs: ['items', 'customers'], change: { po_no: 'PO 1' } },
    create: { delivery_date: '2040-01-31', items: rows },
  },
  purchaseOrders: {
    ...{ docType: 'Purchase Order', needs: ['items', 'suppliers'], change: { schedule_date: '2040-02-01' } },
    create: { schedule_date: '2040-01-31', items: rows },
  },
  salesInvoices: {
    ...{ docType: 'Sales Invoice', needs: ['items', 'customers'], change: { due_date: '2040-02-01' } },
    create: { items: rows },
  },
};
const submitted = ['salesOrders', 'purchaseOrders', 'salesInvoices'] as const;
type World = () => ErpnextWorld;

/** Makes what a document needs; what it is created with then. */
async function prepared(world: World, group: Group): Promise<ErpnextFields> {
  const { needs, create } = groups[group];
  const links: Record<string, string> = {};
  for (const other of needs) {
    const name = await madeOf(world, other);
    if (other !== 'items') links[other.slice(0, -1)] = name;
  }
  return { ...create, ...links };
}

/** Makes a document and answers its name. */
export async function madeOf(world: World, group: Group): Promise<string> {
  return madeIn(world().simulator, groups[group].docType, await prepared(world, group));
}

/** The version of a document as it is now. */
export async function versionOf(world: World, group: Group, id: string): Promise<string> {
  return (await dataOf<{ version: string }>(world(), erpnext[group].get(id))).version;
}

type Plan = () => Promise<PlannedCall>;

function plainWrites(world: World, group: Group): Record<string, Plan> {
  const { change } = groups[group];
  const calls = erpnext[group];
  return {
    [`${group}.create`]: async () => calls.create(await prepared(world, group)),
    [`${group}.update`]: async () => calls.update(await madeOf(world, group), change),
    [`${group}.update of one version`]: async () => {
      const id = await madeOf(world, group);
      return calls.update(id, change, { version: await versionOf(world, group, id) });
    },
    [`${group}.delete`]: async () => calls.delete(await madeOf(world, group)),
  };
}

function transitions(world: World, group: (typeof submitted)[number]): Record<string, Plan> {
  const { docType } = groups[group];
  return {
    [`${group}.submit`]: async () => {
      const id = await madeOf(world, group);
      return erpnext[group].submit(id, await versionOf(world, group, id));
    },
    [`${group}.cancel`]: async () => {
      const id = await madeOf(world, group);
      await callErpnext(world().simulator, 'PUT', `/api/resource/${docType}/${id}`, { docstatus: 1 });
      return erpnext[group].cancel(id, await versionOf(world, group, id));
    },
  };
}

/** Every write of ERPNext, planned on documents that are made for it when it is asked for. */
export function writesOf(world: World): Readonly<Record<string, Plan>> {
  return {
    ...Object.assign({}, ...(Object.keys(groups) as Group[]).map((group) => plainWrites(world, group))),
    ...Object.assign({}, ...submitted.map((group) => transitions(world, group))),
    'comments.append': async () => {
      const on = { object: 'customer' as const, id: await madeOf(world, 'customers') };
      return erpnext.comments.append({ on, text: 'said\n<b>so</b>' });
    },
    'comments.delete': async () => {
      const values = { comment_type: 'Comment', content: 'x', reference_name: 'x' };
      return erpnext.comments.delete(await madeIn(world().simulator, 'Comment', values));
    },
  };
}

/** Every write of ERPNext under faults. */
export function erpnextWrites(world: World) {
  return writesUnderFaults({
    world,
    plans: writesOf(world),
    isWrite: (name) => ({
      method: name.includes('.delete') ? 'DELETE' : /\.(create|append)/.test(name) ? 'POST' : 'PUT',
    }),
  });
}
