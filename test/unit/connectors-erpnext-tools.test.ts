import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tools as index } from '../../config/tools/index.ts';
import type { ErpnextSimulator } from '../../infra/local/systems/erpnext/start.ts';
import type { PlumblineConfig } from '../../shared/config/schema.ts';
import { manifest } from '../../shared/connectors/erpnext/manifest.ts';
import { operationById } from '../../shared/connectors/erpnext/operations.ts';
import { makeCatalog } from '../../shared/tools/catalog.ts';
import { lintTools } from '../../shared/tools/lint.ts';
import { loadTools } from '../../shared/tools/list.ts';
import { type AgentWorld, agentWorld, callTool, shippedConfig } from '../kit/agent-world.ts';
import { callErpnext, erpnextWorld, madeIn } from '../kit/erpnext-simulator.ts';

const tools = (await loadTools(index)).filter(({ name }) => index[name]?.through.includes('erpnext'));
const shipped = shippedConfig();

/** The shipped configuration, in which the agent of the test keys is the one that works in ERPNext. */
function configured(approvals: PlumblineConfig['policies']['approvals'] = []): PlumblineConfig {
  const agent = shipped.agents['operations-assistant'];
  if (!agent) throw new Error('no such agent');
  const agents = { ...shipped.agents, 'support-assistant': agent };
  return { ...shipped, agents, policies: { ...shipped.policies, approvals } };
}

let world: AgentWorld;
let site: Awaited<ReturnType<typeof erpnextWorld>>;
let erpnext: ErpnextSimulator;
async function open(config = configured()) {
  site = await erpnextWorld();
  erpnext = site.simulator;
  world = await agentWorld(config);
}
const call = (tool: string, args: object, run = 'r1') => {
  const deps = { ...world.deps, catalog: makeCatalog(tools), operations: operationById, send: site.system.send };
  return callTool(deps, tool, args, { agent: 'support', run });
};
const close = async () => {
  await world.close();
  await site.close();
};

describe('the ERPNext tools', () => {
  it('break no rule', () => {
    const { policies, systems } = shipped;
    const personal = systems.erpnext?.personal ?? [];
    const context = { policies, operations: operationById, systems: Object.keys(systems), personal };
    expect(tools).toHaveLength(9);
    // E3 looks for the tools of other systems that a description names; the test of all tools has them.
    expect(lintTools(tools, context).filter(({ rule }) => rule !== 'E3')).toEqual([]);
  });

  it('need no right that the configured role is not given', () => {
    const used = tools.flatMap((tool) => {
      if (tool.kind === 'across') return [];
      const planned = tool.operation(tool.examples[0] as never, { nowMs: 0 });
      return operationById(planned.operation)?.scopes ?? [];
    });
    expect(used.filter((scope) => !shipped.systems.erpnext?.scopes.includes(scope))).toEqual([]);
    expect(manifest.scopes).toEqual(expect.arrayContaining([...new Set(used)]));
  });
});

describe('an agent that takes orders', () => {
  beforeEach(() => open());
  afterEach(close);

  async function stocked() {
    await madeIn(erpnext, 'Item', {
      item_code: 'BEA-1',
      item_name: 'Bearing',
      item_group: 'Products',
      standard_rate: 2.5,
    });
    await madeIn(erpnext, 'Warehouse', { warehouse_name: 'Stores' });
    await madeIn(erpnext, 'Bin', { item_code: 'BEA-1', warehouse: 'Stores', actual_qty: 12, projected_qty: 9 });
    return madeIn(erpnext, 'Customer', {
      customer_name: 'Nörthwind B.V.',
      email_id: 'ap@northwind.example',
      mobile_no: '+31 20 1234567',
    });
  }

  it('finds customer, item and stock', async () => {
    const id = await stocked();
    const found = await call('erp_customer_find', { words: 'northwind' });
    expect(found.body.data.customers).toMatchObject([{ id, customer_name: 'Nörthwind B.V.' }]);
    expect(JSON.stringify(found.body)).not.toContain('1234567');
    expect((await call('erp_customer_find', { email: 'AP@Northwind.example' })).body.data.customers).toHaveLength(1);
    expect((await call('item_find', { words: 'bear' })).body.data.items).toMatchObject([{ id: 'BEA-1' }]);
    const stock = await call('item_stock_get', { item_code: 'BEA-1' });
    expect(stock.body.data.stock).toMatchObject([{ warehouse: 'Stores', actual: 12, projected: 9 }]);
    expect((await call('item_stock_get', { item_code: 'none' })).body.data.stock).toEqual([]);
    expect((await call('erp_customer_find', { words: 'a', tax_id: 'b' })).body.error.code).toBe('invalid_input');
  });

  it('makes one draft and submits it once, in the version it read, however often it asks', async () => {
    const customer_id = await stocked();
    const order = { customer_id, delivery_date: '2040-01-01', items: [{ item_code: 'BEA-1', qty: 4, rate: '2.40' }] };
    const [first, second] = [await call('sales_order_create', order), await call('sales_order_create', order)];
    expect([first.body.status, second.body.status]).toEqual(['applied', 'replayed']);
    const { id: order_id } = first.body.data.sales_order;
    const read = await call('sales_order_get', { order_id });
    expect(read.body.data.sales_order).toMatchObject({
      status: 'Draft',
      total: 9.6,
      lines: [{ item_code: 'BEA-1', qty: 4 }],
    });
    const submit = {
      order_id,
      version: read.body.data.sales_order.version,
      confirmation: 'Ms Jansen confirmed by mail.',
    };
    const submits = [await call('sales_order_submit', submit), await call('sales_order_submit', submit)];
    expect(submits.map(({ body }) => body.status)).toEqual(['applied', 'replayed']);
    expect(submits[0]?.body.data.sales_order).toMatchObject({ docstatus: { before: 0, after: 1 } });
    const other = await call('sales_order_submit', submit, 'r2');
    expect(other.body.error.code).toBe('gate_refused');
    expect(
      (await call('sales_order_find', { customer_id, status: 'To Deliver and Bill' })).body.data.sales_orders,
    ).toHaveLength(1);
    expect(erpnext.effects.effects()).toHaveLength(2);
  });

  it('submits nothing that somebody changed since it was read', async () => {
    const customer_id = await stocked();
    const order = { customer_id, delivery_date: '2040-01-01', items: [{ item_code: 'BEA-1', qty: 4 }] };
    const { id: order_id, version } = (await call('sales_order_create', order)).body.data.sales_order;
    await callErpnext(erpnext, 'POST', '/_admin/touch', {
      docType: 'Sales Order',
      name: order_id,
      values: { po_no: 'x' },
    });
    const submitted = await call('sales_order_submit', { order_id, version, confirmation: 'Confirmed by mail.' });
    expect(submitted.body.error.code).toBe('system_conflict');
  });

  it('buys as a draft only, and is told what the site refuses in plain words', async () => {
    await stocked();
    const supplier_id = await madeIn(erpnext, 'Supplier', { supplier_name: 'Parts & Sons / NL' });
    expect((await call('supplier_find', { words: 'parts' })).body.data.suppliers).toMatchObject([{ id: supplier_id }]);
    const order = { supplier_id, required_by: '2040-01-01', items: [{ item_code: 'BEA-1', qty: 40, rate: '1.90' }] };
    expect((await call('purchase_order_create', order)).body.data.purchase_order).toMatchObject({
      docstatus: 0,
      total: 76,
    });
    const wrong = await call('purchase_order_create', { ...order, items: [{ item_code: 'NOPE', qty: 1 }] });
    expect(wrong.body.error).toMatchObject({ code: 'system_rejected' });
    expect(JSON.stringify(wrong.body.error)).toContain('Could not find');
  });
});

it('a submit waits for a person as the shipped policy says', async () => {
  await open(configured(shipped.policies.approvals));
  const customer = await madeIn(erpnext, 'Customer', { customer_name: 'A' });
  await madeIn(erpnext, 'Item', { item_code: 'B', item_group: 'P' });
  const id = await madeIn(erpnext, 'Sales Order', {
    customer,
    delivery_date: '2040-01-01',
    items: [{ item_code: 'B', qty: 1 }],
  });
  const { version } = (await call('sales_order_get', { order_id: id })).body.data.sales_order;
  const asked = await call('sales_order_submit', { order_id: id, version, confirmation: 'Confirmed by mail.' });
  expect([asked.body.status, erpnext.effects.effects()]).toEqual(['pending_approval', []]);
  await close();
});
