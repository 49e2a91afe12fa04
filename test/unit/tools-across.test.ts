import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SalesforceSimulator } from '../../infra/local/systems/salesforce/start.ts';
import type { StripeSimulator } from '../../infra/local/systems/stripe/start.ts';
import type { Sender } from '../../shared/connectors/sender.ts';
import { loadOperations } from '../../shared/tools/operations.ts';
import { type AgentWorld, agentWorld, plainSender, shippedConfig } from '../kit/agent-world.ts';
import { callSalesforce, startTestSalesforce } from '../kit/salesforce-simulator.ts';
import { callStripe, senderTo, startTestStripe } from '../kit/stripe-simulator.ts';

const email = 'ada@everywhere.example';
let world: AgentWorld;
let stripe: StripeSimulator;
let salesforce: SalesforceSimulator;

beforeEach(async () => {
  stripe = await startTestStripe({ searchLagMs: 0 });
  salesforce = await startTestSalesforce();
  const config = shippedConfig();
  const agent = config.agents['support-assistant'];
  if (!agent) throw new Error('no such agent');
  const tools = ['customer_find_everywhere'];
  const agents = { ...config.agents, 'support-assistant': { ...agent, tools } };
  world = await agentWorld({ ...config, agents });
  const senders: Readonly<Record<string, Sender>> = {
    hubspot: world.deps.send,
    stripe: senderTo(stripe),
    salesforce: plainSender(salesforce.url),
  };
  Object.assign(world.deps, {
    operations: await loadOperations(config.systems),
    send: (input: Parameters<Sender>[0]) => (senders[input.system] ?? world.deps.send)(input),
  });
});
afterEach(async () => {
  await world.close();
  await stripe.close();
  await salesforce.close();
});

const find = async () => {
  const { text } = await world.call('customer_find_everywhere', { email }, { agent: 'support' });
  return JSON.parse(text);
};
const inHubSpot = (properties: object) => world.create('contacts', properties);

describe('a read across systems', () => {
  it('answers what each system says, side by side and masked by the rules of its own system', async () => {
    await inHubSpot({ email, firstname: 'Ada', mobilephone: '+31 6 1234' });
    await callStripe(stripe, 'POST', '/v1/customers', { email, name: 'A. Lovelace' });
    await callSalesforce(salesforce, 'POST', 'sobjects/Contact', { LastName: 'Lovelace', Email: email });
    const body = await find();
    expect(body).toMatchObject({ status: 'ok', live: true });
    expect(body.data.hubspot[0]).toMatchObject({ email, firstname: 'Ada' });
    expect(JSON.stringify(body.data)).not.toContain('6 1234');
    expect(body.data.stripe).toHaveLength(1);
    expect(JSON.stringify(body.data.stripe)).not.toContain('Lovelace');
    expect(body.sources).toEqual([
      { system: 'hubspot', live: true, fetched_at: expect.any(String), found: 1 },
      { system: 'salesforce', live: true, fetched_at: expect.any(String), found: 1 },
      { system: 'stripe', live: true, fetched_at: expect.any(String), found: 1 },
    ]);
  });

  it('names a system that cannot be read, and is not live as a whole', async () => {
    await inHubSpot({ email });
    stripe.addFault({ kind: 'server_error', times: 10 });
    const body = await find();
    expect(body).toMatchObject({ status: 'ok', live: false, data: { stripe: null } });
    expect(body.sources[2]).toEqual({ system: 'stripe', live: false, code: 'system_unavailable' });
    expect(body.data.hubspot).toHaveLength(1);
  });

  it('fails where no system can be read', async () => {
    stripe.addFault({ kind: 'server_error', times: 10 });
    world.hubspot.addFault({ kind: 'server_error', times: 10 });
    salesforce.addFault({ kind: 'server_error', times: 10 });
    const body = await find();
    expect(body).toMatchObject({ status: 'failed', error: { code: 'system_unavailable', retryable: true } });
    expect(body.sources.map(({ live }: { live: boolean }) => live)).toEqual([false, false, false]);
  });
});
