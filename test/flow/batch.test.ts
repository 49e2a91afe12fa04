import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { HubSpotSimulator } from '../../infra/local/systems/hubspot/start.ts';
import { dynamoActionStore } from '../../shared/aws/action-store.ts';
import { routeChange } from '../../shared/ledger/route-change.ts';
import type { ActionRecord } from '../../shared/model/action.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { startDynamo, type TestDynamo } from '../kit/dynamo.ts';
import { fixedClock } from '../kit/fixed-clock.ts';
import { memoryCaseStore } from '../kit/memory-case-store.ts';
import { memoryLedgerStore } from '../kit/memory-ledger-store.ts';
import { memoryPayloadStore } from '../kit/memory-payload-store.ts';
import { operatorConfig } from '../kit/operator-world.ts';
import { type BatchJob, type BatchReport, repairIdentity } from '../kit/repairs.ts';
import { callHubSpot, startTestHubSpot } from '../kit/simulator.ts';

const child = fileURLToPath(new URL('./batch-child.ts', import.meta.url));
const batchPath = '/crm/objects/2026-09/contacts/batch/update';

let dynamo: TestDynamo;
let hubspot: HubSpotSimulator;
beforeAll(async () => {
  [dynamo, hubspot] = await Promise.all([startDynamo(), startTestHubSpot()]);
});
afterAll(() => Promise.all([dynamo?.stop(), hubspot?.close()]));
beforeEach(() => hubspot.clearFaults());

/** That many contacts whose job title is to be repaired; the logs begin anew after they are made. */
async function contacts(count: number): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let from = 0; from < count; from += 100) {
    const inputs = Array.from({ length: Math.min(100, count - from) }, (_, n) => ({
      properties: { email: `r${crypto.randomUUID()}-${from + n}@example.test`, jobtitle: 'old' },
    }));
    const { body } = await callHubSpot(hubspot, 'POST', batchPath.replace('update', 'create'), { inputs });
    ids.push(...body.results.map(({ id }: { id: string }) => id));
  }
  hubspot.effects.clear();
  return ids;
}

/** Runs one process; its report, or null where it was killed. `watch` is asked again and again whether to kill it from outside. */
function run(given: Partial<BatchJob> & Pick<BatchJob, 'ids'>, watch: () => boolean = () => false) {
  const job: BatchJob = {
    ...{ endpoint: dynamo.endpoint, table: dynamo.names.actions, hubspot: hubspot.url },
    ...{ bad: null, mode: 'repair', aheadMs: 0, dieAt: null, ...given },
  };
  return new Promise<BatchReport | null>((resolve, reject) => {
    const process = fork(child, [], { execArgv: [] });
    let report: BatchReport | null = null;
    const timer = setInterval(() => watch() && process.kill('SIGKILL'), 1);
    process.once('message', (message: BatchReport) => {
      report = message;
    });
    process.once('error', reject);
    process.once('exit', (code, signal) => {
      clearInterval(timer);
      if (report !== null || signal === 'SIGKILL') resolve(report);
      else reject(new Error(`the process ended with ${code ?? signal}`));
    });
    process.send(job);
  });
}

async function recordsOf(ids: readonly string[]): Promise<readonly ActionRecord[]> {
  const store = dynamoActionStore({ client: dynamo.client, table: dynamo.names.actions });
  const found = await Promise.all(ids.map((id) => store.get(repairIdentity(id).key)));
  return found.filter((record) => record !== null);
}

const statesOf = (records: readonly ActionRecord[]) => {
  const counts: Record<string, number> = {};
  for (const { state } of records) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
};

/** The cases that these records' changes open, as the stream's consumer opens them. */
async function casesOf(records: readonly ActionRecord[]) {
  const cases = memoryCaseStore();
  const deps = {
    ...{ cases, ledger: memoryLedgerStore(), payloads: memoryPayloadStore(), due: { send: async () => {} } },
    ...{ config: operatorConfig, clock: fixedClock(Date.now()), log: silentLog },
  };
  for (const next of records) await routeChange(deps, { old: null, next });
  return cases.cases;
}

const batches = () => hubspot.effects.requests().filter(({ path }) => path === batchPath);
/** How often each contact was changed. */
const timesEach = (ids: readonly string[]) => {
  const changed = hubspot.effects.effects().map(({ id }) => id);
  return new Set(ids.map((id) => changed.filter((one) => one === id).length));
};

describe('1,000 repairs', () => {
  it('are ceil(n / 100) requests and two writes each, and one bad item is the only one in a case', {
    timeout: 60_000,
  }, async () => {
    const ids = await contacts(1000);
    const bad = ids[417] ?? '';
    const report = await run({ ids, bad });
    expect(report).toEqual({ outcomes: { applied: 999, failed: 1 }, writes: 2000 });
    expect(batches()).toHaveLength(10);
    expect(hubspot.effects.requests().filter(({ method }) => method !== 'GET')).toHaveLength(10);
    expect(hubspot.effects.effects()).toHaveLength(999);
    const records = await recordsOf(ids);
    expect(statesOf(records)).toEqual({ SUCCEEDED: 999, FAILED: 1 });
    const cases = await casesOf(records);
    expect(cases.map(({ actionId }) => actionId?.includes(repairIdentity(bad).key))).toEqual([true]);
    expect((await run({ ids, bad }))?.outcomes).toEqual({ replayed: 999, failed: 1 });
    expect(batches()).toHaveLength(10);
  });
});

describe('a lost response of one request', () => {
  it('leaves its items to be read back, each for itself, and none is sent again', { timeout: 60_000 }, async () => {
    const ids = await contacts(300);
    hubspot.addFault({ kind: 'commit_then_lose_response', match: { path: batchPath, nth: 2 } });
    expect((await run({ ids }))?.outcomes).toEqual({ applied: 200, unknown: 100 });
    expect((await run({ ids, mode: 'work', aheadMs: 60_000 }))?.outcomes).toEqual({ SUCCEEDED: 300 });
    expect([batches().length, timesEach(ids)]).toEqual([3, new Set([1])]);
    expect(await casesOf(await recordsOf(ids))).toEqual([]);
  });

  it('that never arrived ends in one more request for them', { timeout: 60_000 }, async () => {
    const ids = await contacts(200);
    hubspot.addFault({ kind: 'reset', match: { path: batchPath, nth: 1 } });
    expect((await run({ ids }))?.outcomes).toEqual({ applied: 100, unknown: 100 });
    expect((await run({ ids, mode: 'work', aheadMs: 60_000 }))?.outcomes).toEqual({ SUCCEEDED: 200 });
    expect([batches().length, timesEach(ids)]).toEqual([3, new Set([1])]);
  });
});

describe('two processes whose repairs overlap', () => {
  it('do each once', { timeout: 60_000 }, async () => {
    const ids = await contacts(300);
    const reports = await Promise.all([run({ ids: ids.slice(0, 200) }), run({ ids: ids.slice(100) })]);
    const did = reports.map((report) => (report?.outcomes.applied ?? 0) + (report?.outcomes.replayed ?? 0));
    expect([did, timesEach(ids)]).toEqual([[200, 200], new Set([1])]);
  });
});

describe('SIGKILL', () => {
  it.each<[string, BatchJob['dieAt']]>([
    ['between the claims of a request', { answers: 0, writes: 77 }],
    ['after the answer, before the first completion', { answers: 1, writes: 1 }],
    ['between completions', { answers: 1, writes: 41 }],
    ['after the last answer', { answers: 2, writes: 20 }],
  ])('%s leaves no duplicate and loses nothing', { timeout: 60_000 }, async (_when, dieAt) => {
    const ids = await contacts(120);
    expect(await run({ ids, dieAt })).toBeNull();
    // Everybody tries again, then time passes and the worker proves what nobody reported.
    await run({ ids, aheadMs: 60_000 });
    expect((await run({ ids, mode: 'work', aheadMs: 120_000 }))?.outcomes).toEqual({ SUCCEEDED: 120 });
    expect(timesEach(ids)).toEqual(new Set([1]));
  });

  it('while requests are under way leaves no duplicate and loses nothing', { timeout: 60_000 }, async () => {
    const ids = await contacts(120);
    hubspot.addFault({ kind: 'slow', ms: 500, afterCommit: true, times: 2, match: { path: batchPath } });
    expect(await run({ ids }, () => hubspot.effects.effects().length > 0)).toBeNull();
    expect((await run({ ids, mode: 'work', aheadMs: 60_000 }))?.outcomes.SUCCEEDED).toBeGreaterThan(0);
    await run({ ids, aheadMs: 120_000 });
    expect((await run({ ids, mode: 'work', aheadMs: 240_000 }))?.outcomes).toEqual({ SUCCEEDED: 120 });
    expect(timesEach(ids)).toEqual(new Set([1]));
  });
});
