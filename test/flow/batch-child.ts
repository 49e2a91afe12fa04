import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { executeMany, type ManyDeps, workMany } from '../../shared/action/many.ts';
import type { ActionStore } from '../../shared/action/store.ts';
import { dynamoActionStore } from '../../shared/aws/action-store.ts';
import { failureOf } from '../../shared/connectors/failure.ts';
import { hubspot } from '../../shared/connectors/hubspot/calls.ts';
import { operationById } from '../../shared/connectors/hubspot/operations.ts';
import type { Sender } from '../../shared/connectors/sender.ts';
import { httpClient } from '../../shared/http/client.ts';
import type { ActionRecord } from '../../shared/model/action.ts';
import { systemClock, systemRandom } from '../../shared/model/clock.ts';
import { digestOfCall, makeAttempt, type SystemDeps } from '../../shared/tools/attempt.ts';
import { makeBatching } from '../../shared/tools/batch.ts';
import { makeProbeFor } from '../../shared/tools/recheck.ts';
import { testKernel, testRequest } from '../kit/kernel.ts';
import { type BatchJob, type BatchReport, repairIdentity } from '../kit/repairs.ts';
import { plainSenderTo } from '../kit/system-world.ts';

function compose(job: BatchJob) {
  let jumpedMs = job.aheadMs;
  const clock = { ...systemClock, now: () => Date.now() + jumpedMs };
  const count = { answers: 0, writes: 0, since: 0 };
  const store = dyingStore(job, count);
  const http = httpClient({ clock: systemClock, local: true });
  const direct = plainSenderTo({ url: job.hubspot }, 'Bearer local-static-token', http);
  const send: Sender = async (input) => {
    const result = await direct(input);
    count.answers += 1;
    count.since = 0;
    return result;
  };
  const system: SystemDeps = {
    send,
    operations: operationById,
    systems: { hubspot: { apiVersion: '2026-09' } } as unknown as SystemDeps['systems'],
    control: { check: async () => ({ kind: 'on' }) },
  };
  const deps: ManyDeps = {
    ...testKernel({ attempt: makeAttempt(system), store, clock, random: systemRandom }),
    digest: (call) => digestOfCall(system, call),
    failureOf,
    render: null,
    batching: makeBatching(system),
  };
  const jump = (ms: number) => {
    jumpedMs += ms;
  };
  return { deps, system, count, jump, close: () => http.close() };
}

/** The real store, in a process that ends in the middle of its work. */
function dyingStore(
  { endpoint, table, dieAt }: BatchJob,
  count: { answers: number; writes: number; since: number },
): ActionStore {
  const store = dynamoActionStore({ client: new DynamoDBClient({ endpoint, maxAttempts: 3 }), table });
  return {
    ...store,
    async write(next, guard) {
      count.writes += 1;
      count.since += 1;
      if (dieAt && count.answers >= dieAt.answers && count.since >= dieAt.writes) process.kill(process.pid, 'SIGKILL');
      return store.write(next, guard);
    },
  };
}

async function repair(job: BatchJob, { deps, system }: ReturnType<typeof compose>): Promise<Record<string, number>> {
  const requests = job.ids.map((id) => {
    const call = hubspot.contacts.update(
      id,
      id === job.bad ? { lifecyclestage: 'nonsense' } : { jobtitle: 'repaired' },
    );
    return testRequest({
      identity: repairIdentity(id),
      ...{ principal: 'service:sync', tool: 'repair', call, target: ['hubspot', 'contact', id] },
      resend: { kind: 'upsert', settleMs: 30_000 },
      requestDigest: digestOfCall(system, call),
      before: { id, written: { jobtitle: 'old' }, live: { jobtitle: 'old' } },
      deadlineMs: deps.clock.now() + 20_000,
    });
  });
  const outcomes: Record<string, number> = {};
  for (const one of await executeMany(deps, requests)) {
    const kind = one.status === 'fulfilled' ? one.value.outcome.kind : 'fault';
    outcomes[kind] = (outcomes[kind] ?? 0) + 1;
  }
  return outcomes;
}

/** Works as the due worker does, from one due time to the next, until nothing is open. */
async function work(
  job: BatchJob,
  { deps, system, jump }: ReturnType<typeof compose>,
): Promise<Record<string, number>> {
  const probeFor = makeProbeFor(system);
  const recheck = async () => ({ kind: 'go' }) as const;
  let keys = job.ids.map((id) => repairIdentity(id).key);
  const outcomes: Record<string, number> = {};
  for (let round = 0; round < 30 && keys.length > 0; round += 1) {
    const records: (ActionRecord | null)[] = await Promise.all(keys.map((key) => deps.store.get(key)));
    const open = records.filter((one) => one !== null && 'dueMs' in one);
    for (const one of records)
      if (!one || !('dueMs' in one)) outcomes[one?.state ?? 'none'] = (outcomes[one?.state ?? 'none'] ?? 0) + 1;
    keys = open.flatMap((one) => one?.key ?? []);
    const lastMs = Math.max(0, ...open.map((one) => (one && 'dueMs' in one ? one.dueMs : 0)));
    jump(Math.max(0, lastMs - deps.clock.now()) + 1);
    const deadlineMs = deps.clock.now() + 20_000;
    await workMany(
      deps,
      keys.map((key) => ({ key, deadlineMs, recheck, probeFor })),
    );
  }
  return outcomes;
}

process.once('message', (job: BatchJob) => {
  const composed = compose(job);
  const run = job.mode === 'repair' ? repair(job, composed) : work(job, composed);
  void run.then((outcomes) => {
    composed.close();
    process.send?.({ outcomes, writes: composed.count.writes } satisfies BatchReport, () => process.exit(0));
  });
});
