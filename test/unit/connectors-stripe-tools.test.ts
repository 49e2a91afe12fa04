import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import customerFind from '../../config/tools/customer_billing_find.ts';
import customerGet from '../../config/tools/customer_billing_get.ts';
import addLine from '../../config/tools/invoice_add_line.ts';
import invoiceCreate from '../../config/tools/invoice_create.ts';
import invoiceList from '../../config/tools/invoice_list.ts';
import paymentList from '../../config/tools/payment_list.ts';
import refundCreate from '../../config/tools/refund_create.ts';
import type { StripeSimulator } from '../../infra/local/systems/stripe/start.ts';
import type { PlumblineConfig } from '../../shared/config/schema.ts';
import { manifest } from '../../shared/connectors/stripe/manifest.ts';
import { operationById } from '../../shared/connectors/stripe/operations.ts';
import { makeCatalog } from '../../shared/tools/catalog.ts';
import { lintTools } from '../../shared/tools/lint.ts';
import { type AgentWorld, agentWorld, callTool, shippedConfig } from '../kit/agent-world.ts';
import { callStripe, senderTo, startTestStripe } from '../kit/stripe-simulator.ts';

const tools = [customerFind, customerGet, invoiceList, paymentList, invoiceCreate, addLine, refundCreate];

/** The shipped configuration with the Stripe system, and an agent that may use its tools. */
function configured(approvals: PlumblineConfig['policies']['approvals'] = []): PlumblineConfig {
  const config = shippedConfig();
  const agent = config.agents['support-assistant'];
  if (!agent) throw new Error('no such agent');
  const names = tools.map(({ name }) => name);
  const scope = { ...agent.scope, personal: [...agent.scope.personal, 'name'] };
  return {
    ...config,
    agents: { ...config.agents, 'support-assistant': { ...agent, tools: names, scope } },
    policies: { ...config.policies, approvals },
  };
}

let world: AgentWorld;
let stripe: StripeSimulator;
const open = async (config = configured()) => {
  stripe = await startTestStripe();
  world = await agentWorld(config);
};
const call = (tool: string, args: object) => {
  const deps = { ...world.deps, catalog: makeCatalog(tools), operations: operationById, send: senderTo(stripe) };
  return callTool(deps, tool, args, { agent: 'support', run: 'r1' });
};
const post = async (path: string, params: Record<string, string>): Promise<string> =>
  (await callStripe(stripe, 'POST', path, params)).body.id;

describe('the Stripe tools', () => {
  it('break no rule', () => {
    const config = configured();
    const context = { policies: config.policies, operations: operationById, systems: Object.keys(config.systems) };
    expect(lintTools(tools, context)).toEqual([]);
  });

  it('need no permission that the configured key is not given', () => {
    const used = tools.flatMap((tool) => {
      if (tool.kind === 'across') return [];
      const planned = tool.operation(tool.examples[0] as never, { nowMs: 0 });
      return operationById(planned.operation)?.scopes ?? [];
    });
    const given = (scope: string) =>
      configured().systems.stripe?.scopes.includes(scope) ||
      configured().systems.stripe?.scopes.includes(scope.replace(/_read$/, '_write'));
    expect(used.filter((scope) => !given(scope))).toEqual([]);
    expect(manifest.scopes).toEqual(expect.arrayContaining([...new Set(used)]));
  });
});

describe('an agent that bills', () => {
  beforeEach(() => open());
  afterEach(async () => {
    await world.close();
    await stripe.close();
  });

  it('finds the customer whatever the capitals, and never one of several', async () => {
    const id = await post('/v1/customers', { email: 'Accounts@Example.com', name: 'Acme' });
    const found = await call('customer_billing_find', { email: 'accounts@example.com' });
    expect([found.status, found.body.data.customer.id]).toEqual([200, id]);
    await post('/v1/customers', { email: 'ACCOUNTS@example.com' });
    const several = await call('customer_billing_find', { email: 'accounts@example.com' });
    expect(several.body.error.code).toBe('several_matches');
  });

  it('sees no phone number or address that it is not given', async () => {
    const id = await post('/v1/customers', { email: 'a@b.example', name: 'Acme', phone: '+1202555' });
    world.deps.config.agents['support-assistant']?.scope.personal.splice(0);
    const { body } = await call('customer_billing_get', { customer_id: id });
    expect(JSON.stringify(body)).not.toMatch(/202555|a@b/);
  });

  it('makes one draft with one line, however often it asks', async () => {
    const customer_id = await post('/v1/customers', { name: 'Acme' });
    const draft = { customer_id, description: 'Onboarding', currency: 'eur' };
    const [first, second] = [await call('invoice_create', draft), await call('invoice_create', draft)];
    expect([first.body.status, second.body.status]).toEqual(['applied', 'replayed']);
    const line = {
      customer_id,
      invoice_id: first.body.data.invoice.id,
      description: 'Day one',
      amount: 500,
      currency: 'eur',
    };
    const added = [await call('invoice_add_line', line), await call('invoice_add_line', line)];
    expect(added.map(({ body }) => body.status)).toEqual(['applied', 'replayed']);
    const listed = await call('invoice_list', { customer_id });
    expect(listed.body.data.invoices).toMatchObject([{ status: 'draft', total: 500 }]);
  });

  it('pays back once, however often it asks', async () => {
    const customer = await post('/v1/customers', { name: 'Acme' });
    const card = { amount: '1000', currency: 'eur', customer, payment_method: 'pm_card_visa', confirm: 'true' };
    await post('/v1/payment_intents', card);
    const listed = await call('payment_list', { customer_id: customer });
    const refund = {
      payment_id: listed.body.data.payments[0].id,
      amount: 400,
      reason: 'requested_by_customer',
      promised: 'Anna promised it by mail.',
    };
    const [first, second] = [await call('refund_create', refund), await call('refund_create', refund)];
    const refunds = stripe.account.entries.refund.size;
    expect([first.body.status, first.body.data.refund.amount, second.body.status, refunds]).toEqual([
      'applied',
      400,
      'replayed',
      1,
    ]);
  });
});

it('a refund waits for a person where the policy says so', async () => {
  await open(configured([{ when: { tool: 'refund_create' }, by: 'revops-leads', within: 3_600_000 }]));
  const id = await post('/v1/payment_intents', {
    amount: '1000',
    currency: 'eur',
    payment_method: 'pm_card_visa',
    confirm: 'true',
  });
  const refund = { payment_id: id, reason: 'duplicate', promised: 'Anna promised it by mail.' };
  const { body } = await call('refund_create', refund);
  expect([body.status, stripe.account.entries.refund.size]).toEqual(['pending_approval', 0]);
  await world.close();
  await stripe.close();
});
