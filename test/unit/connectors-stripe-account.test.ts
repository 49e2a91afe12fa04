import { afterEach, describe, expect, it } from 'vitest';
import type { StripeOptions, StripeSimulator } from '../../infra/local/systems/stripe/start.ts';
import type { SystemConfig } from '../../shared/config/schema.ts';
import { loadConnector } from '../../shared/connectors/registry.ts';
import { makeSender } from '../../shared/connectors/send.ts';
import { stripe as calls } from '../../shared/connectors/stripe/calls.ts';
import { operationById } from '../../shared/connectors/stripe/operations.ts';
import { httpClient } from '../../shared/http/client.ts';
import { systemClock as clock } from '../../shared/model/clock.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { breakerGuard } from '../../shared/resilience/breaker-guard.ts';
import { rateLimiter } from '../../shared/resilience/rate-limit.ts';
import { memoryResilienceStore } from '../kit/memory-resilience-store.ts';
import { apiVersion, startTestStripe, stripeConfig } from '../kit/stripe-simulator.ts';

let stripe: StripeSimulator;
afterEach(() => stripe.close());

/** One customer written through the whole sender. */
async function write(
  options: Partial<StripeOptions>,
  given: { account?: SystemConfig['account']; production?: boolean; balanceFails?: boolean } = {},
) {
  stripe = await startTestStripe(options);
  if (given.balanceFails) stripe.addFault({ kind: 'server_error', match: { path: '/v1/balance' } });
  const store = memoryResilienceStore();
  const http = httpClient({ clock, local: true });
  const send = makeSender({
    systems: { stripe: { ...stripeConfig, account: given.account ?? stripeConfig.account } },
    loadConnector,
    credentials: {
      authorize: async () => ({ headers: { authorization: 'Bearer local-static-token' }, version: 1 }),
      rejected: async () => 'broken',
    },
    http,
    breakers: breakerGuard({ store, clock, owner: 'test' }),
    rates: rateLimiter({ store, clock }),
    clock,
    log: silentLog,
    productionStage: given.production ?? false,
    localOrigins: { stripe: stripe.url },
  });
  const call = calls.customers.create({ name: 'A' }, clock.now());
  const operation = operationById(call.operation);
  const spec = operation?.request({ apiVersion, providerKey: 'act_k_1' }, call.input);
  if (!spec) throw new Error('no such operation');
  const deadlineMs = clock.now() + 5000;
  const first = await send({ system: 'stripe', spec, purpose: 'write', deadlineMs });
  const second = await send({ system: 'stripe', spec, purpose: 'write', deadlineMs });
  http.close();
  const asked = stripe.effects
    .requests()
    .filter(({ method }) => method === 'GET')
    .map(({ path }) => path);
  return { first, second, asked, applied: stripe.effects.effects().length };
}

describe('the account question of Stripe', () => {
  it('is asked in two parts, once for a process', async () => {
    const { first, asked, applied } = await write({});
    expect([first.kind, asked, applied]).toEqual(['answer', ['/v1/account', '/v1/balance'], 1]);
  });

  it.each([
    ['another account', { accountId: 'acct_1Other' }, {}],
    ['an account in live mode', { livemode: true }, {}],
    ['a live account, whatever the configuration says', { livemode: true }, { account: { is: 'production' as const } }],
    ['a key that may not ask', { keys: { 'local-static-token': ['rak_customer_write'] } }, {}],
    [
      'a key that may ask only half',
      { keys: { 'local-static-token': ['rak_accounts_kyc_basic_read', 'rak_customer_write'] } },
      {},
    ],
  ])('keeps writes from %s', async (_name, options, given) => {
    const { first, applied } = await write(options, given);
    expect(first).toMatchObject({ kind: 'not_sent', error: { code: 'account_mismatch' } });
    expect(applied).toBe(0);
  });

  it('lets a production stage write to the live account that is configured', async () => {
    const account = { accountId: 'acct_1SimulatedPlumbline', is: 'production' } as const;
    expect((await write({ livemode: true }, { account, production: true })).applied).toBe(1);
  });

  it('is asked again after its second part was not answered, and nothing was written meanwhile', async () => {
    const { first, second, asked, applied } = await write({}, { balanceFails: true });
    expect([first.kind, second.kind, asked.length, applied]).toEqual(['not_sent', 'answer', 4, 1]);
  });
});
