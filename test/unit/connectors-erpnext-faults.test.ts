import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FaultSpec } from '../../infra/local/systems/faults.ts';
import { execute } from '../../shared/action/execute.ts';
import { operations } from '../../shared/connectors/erpnext/operations.ts';
import { type ErpnextWorld, erpnextWorld } from '../kit/erpnext-simulator.ts';
import { meet, writesOf } from '../kit/erpnext-writes.ts';
import { type claimOf, settle } from '../kit/system-world.ts';

let world: ErpnextWorld;
beforeEach(async () => {
  world = await erpnextWorld();
});
afterEach(() => world.close());

const writes = writesOf(() => world);
const applied = () => world.simulator.effects.effects().length;

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
  'an answer that comes when the claim has ended': { kind: 'slow', ms: 120_000, afterCommit: true },
  'an effect that comes when the claim has ended': { kind: 'slow', ms: 120_000 },
};

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
    const { request, key } = await meet(() => world, name, faults[fault] ?? { kind: 'reset' });
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
    const { key } = await meet(() => world, name, { kind: 'commit_then_lose_response' });
    world.simulator.addFault({ ...(readBacks[fault] ?? { kind: 'reset' }), match: { method: 'GET' }, times: 3 });
    const record = await settle(world, key);
    expect([record.state, applied(), record.attempts]).toEqual(['SUCCEEDED', 1, 1]);
  });
});
