import { afterEach, beforeEach } from 'vitest';
import { operations } from '../../shared/connectors/erpnext/operations.ts';
import { type ErpnextWorld, erpnextWorld } from '../kit/erpnext-simulator.ts';
import { erpnextWrites } from '../kit/erpnext-writes.ts';
import { type Faults, itIsNotSentAgain, itIsRunForEveryWrite, itTakesEffectOnce } from '../kit/write-faults.ts';

let world: ErpnextWorld;
beforeEach(async () => {
  world = await erpnextWorld();
});
afterEach(() => world.close());

const faults: Faults = {
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

const writing = erpnextWrites(() => world);
itIsRunForEveryWrite(operations.values(), writing.names);
itTakesEffectOnce(writing, faults);
itIsNotSentAgain(writing);
