import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type PortalSimulator, startPortal } from '../../infra/local/systems/portal/start.ts';
import { systemSchema } from '../../shared/config/schema.ts';
import type { CredentialSource } from '../../shared/connectors/credentials.ts';
import { loadConnector } from '../../shared/connectors/registry.ts';
import { makeSender } from '../../shared/connectors/send.ts';
import { httpClient } from '../../shared/http/client.ts';
import { systemClock } from '../../shared/model/clock.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { breakerGuard } from '../../shared/resilience/breaker-guard.ts';
import { rateLimiter } from '../../shared/resilience/rate-limit.ts';
import { type AgentWorld, agentWorld, callTool } from '../kit/agent-world.ts';
import { memoryResilienceStore } from '../kit/memory-resilience-store.ts';
import { portalYaml } from '../kit/portal-simulator.ts';

let world: AgentWorld;
let portal: PortalSimulator;
const clock = systemClock;
let credentialQuery: readonly (readonly [string, string])[] = [['api_key', 'local-static-token']];

/** The real way out to the portal as its shipped file describes it: account question, breaker, rate limit, key in the query. */
function sender(productionStage = false) {
  const store = memoryResilienceStore();
  const credentials: CredentialSource = {
    authorize: async () => ({ headers: {}, query: credentialQuery, version: 1 }),
    rejected: async () => 'broken',
  };
  return makeSender({
    systems: { 'supplier-portal': systemSchema.parse({ ...portalYaml(), limits: [{ calls: 1000, per: 'second' }] }) },
    ...{ loadConnector, credentials, clock, log: silentLog, productionStage },
    http: httpClient({ clock, local: true }),
    breakers: breakerGuard({ store, clock, owner: 'test' }),
    rates: rateLimiter({ store, clock }),
    localOrigins: { 'supplier-portal': portal.url },
  });
}

beforeEach(async () => {
  credentialQuery = [['api_key', 'local-static-token']];
  portal = await startPortal({ port: 0, seed: 1, clock });
  world = await agentWorld();
});
afterEach(() => Promise.all([world.close(), portal.close()]));

function call(tool: string, args: object, send = sender()) {
  const principal = { kind: 'agent', id: 'purchasing-assistant', via: 'api_key', keyId: 'key_p' } as const;
  return callTool({ ...world.deps, send, byKey: async () => principal }, tool, args, { agent: 'p', run: 'r1' });
}

describe('the tools of a portal that is described in YAML alone', () => {
  it('find an article and an address, place an order, change its date, cancel it, and read it', async () => {
    const articles = await call('supplier_price_list', { search: 'bearing' });
    expect(articles.body).toMatchObject({ status: 'ok', live: true, source: 'supplier-portal' });
    const [{ article_no }] = articles.body.data.articles;
    const [{ code }] = (await call('supplier_address_list', {})).body.data.addresses;
    const placed = await call('portal_order_create', { article_no, quantity: 2, ship_to: code, reference: 'PO-1' });
    expect(placed.body).toMatchObject({ status: 'applied', data: { order: { article_no, quantity: 2 } } });
    const order_no = placed.body.data.order.id;
    const moved = await call('portal_order_update_date', { order_no, wanted_date: '2030-01-09' });
    expect(moved.body.data).toEqual({ order: { id: order_no, wanted_date: { before: null, after: '2030-01-09' } } });
    const cancelled = await call('portal_order_cancel', { order_no });
    expect(cancelled.body.data).toEqual({ order: { id: order_no, status: { before: 'NEW', after: 'CANCELLED' } } });
    const read = await call('portal_order_get', { order_no });
    expect(read.body.data.order).toMatchObject({ id: order_no, status: 'CANCELLED', wanted_date: '2030-01-09' });
    expect(portal.effects.effects()).toHaveLength(3);
  });

  it('answer a repeat without a second order', async () => {
    const order = { article_no: '100007', quantity: 2, reference: 'PO-2' };
    const [first, second] = [await call('portal_order_create', order), await call('portal_order_create', order)];
    expect([first.body.status, second.body.status, portal.effects.effects().length]).toEqual([
      'applied',
      'replayed',
      1,
    ]);
  });

  it('page on by `after`, and tell it where a page is not one of theirs', async () => {
    const first = await call('portal_order_list', {});
    const second = await call('portal_order_list', { after: first.body.data.after });
    expect(second.body.data.orders).toHaveLength(49);
    expect(await call('portal_order_list', { after: 'made-up' })).toMatchObject({
      status: 422,
      body: { code: 'invalid_input' },
    });
  });

  it('refuse an order that the portal refuses with 200', async () => {
    const { body } = await call('portal_order_create', { article_no: '999999', quantity: 1 });
    expect(body).toMatchObject({ status: 'failed', error: { code: 'system_rejected', vendor: { code: 'E310' } } });
  });

  it('never show the key, nor does the log of requests hold it', async () => {
    credentialQuery = [['api_key', 'wrong-key-of-ours']];
    const { body, text } = await call('portal_order_get', { order_no: 'P50123' });
    expect(body.error.code).toBe('credential_unavailable');
    expect(text + JSON.stringify(portal.effects.requests())).not.toContain('wrong-key-of-ours');
  });
});

describe('what the portal says of itself', () => {
  const order = { article_no: '100007', quantity: 1 };
  const again = async (options: { environment?: 'TEST' | 'LIVE'; customerNo?: string }, productionStage = false) => {
    await portal.close();
    portal = await startPortal({ port: 0, seed: 1, clock, ...options });
    return call('portal_order_create', order, sender(productionStage));
  };

  it.each([
    ['production, in a stage that is not', { environment: 'LIVE' as const }, false],
    ['production, where its file says sandbox', { environment: 'LIVE' as const }, true],
    ['another customer', { customerNo: 'C-1' }, false],
  ])('refuses every write where it is %s', async (_what, options, productionStage) => {
    const { body } = await again(options, productionStage);
    expect(body).toMatchObject({ status: 'failed', error: { code: 'account_mismatch' } });
    expect(portal.effects.effects()).toEqual([]);
  });

  it('lets the write wait where it is not answered', async () => {
    portal.addFault({ kind: 'html_error', status: 503, match: { path: '/api/whoami' } });
    expect((await call('portal_order_create', order)).body.status).toBe('queued');
    expect(portal.effects.effects()).toEqual([]);
  });
});
