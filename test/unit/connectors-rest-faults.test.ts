import { afterEach, beforeEach, expect, it } from 'vitest';
import { execute } from '../../shared/action/execute.ts';
import { restOn } from '../../shared/connectors/rest/calls.ts';
import type { PlannedCall } from '../../shared/model/operation.ts';
import { type PortalWorld, portalWorld } from '../kit/portal-simulator.ts';
import { claimOf, settle } from '../kit/system-world.ts';
import { type Faults, itTakesEffectOnce, writesUnderFaults } from '../kit/write-faults.ts';

const portal = restOn('supplier-portal');
let world: PortalWorld;

/** An order that may still be changed. */
const openOrder = () => {
  const order = [...world.simulator.portal.orders.values()].find(({ status }) => status === 'NEW');
  if (!order) throw new Error('no open order');
  return order.order_no;
};

/** Every write, planned on what is there. */
const writes: Readonly<Record<string, () => PlannedCall>> = {
  order_place: () => portal.call('order_place', { article_no: '100007', quantity: 3 }),
  order_set_date: () => portal.call('order_set_date', { order_no: openOrder(), wanted_date: '2030-01-09' }),
  order_cancel: () => portal.call('order_cancel', { order_no: openOrder() }),
};

const faults: Faults = {
  'a failure before the portal begins': { kind: 'fail_before_commit' },
  'a connection that ends before it': { kind: 'reset' },
  'an HTML page with status 200 instead of it': { kind: 'html_error' },
  'an HTML page with status 404 instead of it': { kind: 'html_error', status: 404 },
  'a refusal because of too many calls': { kind: 'rate_limited' },
  'a 503 instead of it': { kind: 'server_error', status: 503 },
  'a 503 after the effect': { kind: 'server_error', status: 503, afterCommit: true },
  'an answer that is lost after the effect': { kind: 'commit_then_lose_response' },
  'an HTML page with status 200 after the effect': { kind: 'html_error', afterCommit: true },
};

beforeEach(async () => {
  world = await portalWorld();
});
afterEach(() => world.close());

const writing = writesUnderFaults({
  world: () => world,
  plans: writes,
  isWrite: (name) => ({ method: name === 'order_set_date' ? 'PUT' : 'POST' }),
});
const { meet, applied } = writing;

it('is run for every write that the portal describes', () => {
  const operations = world.system.systems['supplier-portal']?.rest?.operations ?? {};
  const described = Object.entries(operations).filter(([, { kind }]) => kind === 'write');
  expect(described.map(([name]) => name).sort()).toEqual(Object.keys(writes).sort());
});

itTakesEffectOnce(writing, faults);

it('an order that the portal stored twice goes to a person, and is not called done', async () => {
  world.simulator.portal.knobs.doubled = 1;
  const { key } = await meet('order_place', { kind: 'commit_then_lose_response' });
  const record = await settle(world, key);
  expect([record.state, applied()]).toEqual(['NEEDS_HUMAN', 2]);
});

it('an order that every list shows twice is one order', async () => {
  const { key } = await meet('order_place', { kind: 'commit_then_lose_response' });
  const [effect] = world.simulator.effects.effects();
  world.simulator.portal.knobs.shownTwice.add(effect?.id ?? '');
  expect((await settle(world, key)).state).toBe('SUCCEEDED');
});

it('two actions that order the same at once are told apart by their own keys', async () => {
  const call = portal.call('order_place', { article_no: '100007', quantity: 3 });
  const [one, other] = [await claimOf(world, call, 1), await claimOf(world, call, 2)];
  world.simulator.addFault({ kind: 'commit_then_lose_response', times: 2, match: { method: 'POST' } });
  await Promise.all([execute(world.kernel, one), execute(world.kernel, other)]);
  const records = [await settle(world, one.identity.key), await settle(world, other.identity.key)];
  const orders = records.map((record) => (record.state === 'SUCCEEDED' ? record.records[0]?.[2] : null));
  expect(new Set(orders).size).toBe(2);
  expect([records.map(({ state }) => state), applied()]).toEqual([['SUCCEEDED', 'SUCCEEDED'], 2]);
});

it('twenty equal claims at once are one order', async () => {
  const request = await claimOf(world, portal.call('order_place', { article_no: '100007', quantity: 1 }));
  await Promise.all(Array.from({ length: 20 }, () => execute(world.kernel, request)));
  expect([(await settle(world, request.identity.key)).state, applied()]).toEqual(['SUCCEEDED', 1]);
});

it.each([
  ['an unknown article', { article_no: '999999', quantity: 1 }, 'system_rejected', 'E310'],
  ['too little stock', { article_no: '100007', quantity: 9999 }, 'system_rejected', 'E320'],
])('%s, refused with status 200, is a refusal that is not tried again', async (_what, inputs, code, vendorCode) => {
  const request = await claimOf(world, portal.call('order_place', inputs));
  const { outcome } = await execute(world.kernel, request);
  expect(outcome).toMatchObject({ kind: 'failed', failure: { code, vendorCode } });
  expect(applied()).toBe(0);
});

it('a second cancellation is known for one', async () => {
  const order_no = openOrder();
  const first = await claimOf(world, portal.call('order_cancel', { order_no }), 1);
  expect((await execute(world.kernel, first)).outcome.kind).toBe('applied');
  const second = await claimOf(world, portal.call('order_cancel', { order_no }), 2);
  expect((await execute(world.kernel, second)).outcome).toMatchObject({
    kind: 'failed',
    failure: { code: 'system_duplicate', vendorCode: 'E342' },
  });
});
