import { afterEach, beforeEach, expect, it } from 'vitest';
import { executeMany } from '../../shared/action/many.ts';
import { erpnext } from '../../shared/connectors/erpnext/calls.ts';
import type { PlannedCall } from '../../shared/model/operation.ts';
import { makeBatching } from '../../shared/tools/batch.ts';
import { settleAll } from '../kit/batching.ts';
import { callErpnext, type ErpnextWorld, erpnextWorld, madeIn } from '../kit/erpnext-simulator.ts';
import { claimOf } from '../kit/system-world.ts';

let world: ErpnextWorld;
beforeEach(async () => {
  world = await erpnextWorld();
});
afterEach(() => world.close());

const bulkPath = '/api/v2/document/Customer/bulk_update';
const applied = () => world.simulator.effects.effects().length;
const requests = () => world.simulator.effects.requests().filter(({ method }) => method !== 'GET');

/** Plans an update of each of `count` customers; `bad` ones ask for what the site refuses. */
async function repairs(count: number, bad: readonly number[] = []) {
  const calls: PlannedCall[] = [];
  for (let n = 0; n < count; n += 1) {
    const name = await madeIn(world.simulator, 'Customer', { customer_name: `C${n}` });
    calls.push(erpnext.customers.update(name, bad.includes(n) ? { customer_name: '' } : { tax_id: `T${n}` }));
  }
  const claims = await Promise.all(calls.map((call, n) => claimOf(world, call, n)));
  world.simulator.effects.clear();
  return claims;
}

async function repairAll(claims: Awaited<ReturnType<typeof repairs>>) {
  const kernel = { ...world.kernel, batching: makeBatching(world.system) };
  await executeMany(kernel, claims);
  const records = await settleAll(
    { ...world, kernel },
    claims.map(({ identity }) => identity.key),
  );
  return records.map((record) => record?.state);
}

it('45 repairs take three requests and 45 effects', async () => {
  const states = await repairAll(await repairs(45));
  expect(new Set(states)).toEqual(new Set(['SUCCEEDED']));
  expect([requests().map(({ path }) => path), applied()]).toEqual([[bulkPath, bulkPath, bulkPath], 45]);
});

it('a bad one fails alone', async () => {
  const states = await repairAll(await repairs(20, [7]));
  expect([states.filter((state) => state === 'SUCCEEDED').length, states[7]]).toEqual([19, 'FAILED']);
  expect([requests().length, applied()]).toEqual([1, 19]);
});

it.each([
  ['whose answer was lost', { kind: 'commit_then_lose_response' as const }],
  ['that failed after the commit', { kind: 'server_error' as const, afterCommit: true }],
])('a request %s is read back item by item, and nothing is written twice', async (_what, fault) => {
  const claims = await repairs(20);
  world.simulator.addFault({ ...fault, match: { method: 'POST', path: bulkPath } });
  expect(new Set(await repairAll(claims))).toEqual(new Set(['SUCCEEDED']));
  expect([requests().length, applied()]).toEqual([1, 20]);
});

it('a request that never arrived is made again', async () => {
  const claims = await repairs(20);
  world.simulator.addFault({ kind: 'reset', match: { method: 'POST', path: bulkPath } });
  expect(new Set(await repairAll(claims))).toEqual(new Set(['SUCCEEDED']));
  expect(applied()).toBe(20);
});

it('a site that works on it in the background is read back, since it tells of no item', async () => {
  const claims = await repairs(20);
  await callErpnext(world.simulator, 'POST', '/_admin/async-threshold', { above: 5 });
  expect(new Set(await repairAll(claims))).toEqual(new Set(['SUCCEEDED']));
  expect([requests().filter(({ path }) => path === bulkPath).length, applied()]).toEqual([1, 20]);
});

it('a deadlock of one ends them all, and all are made again', async () => {
  const claims = await repairs(20);
  world.simulator.site.knobs.deadlocks = 1;
  expect(new Set(await repairAll(claims))).toEqual(new Set(['SUCCEEDED']));
  expect(applied()).toBe(20);
});
