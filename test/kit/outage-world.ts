import { tools } from '../../config/tools/index.ts';
import type { HubSpotSimulator } from '../../infra/local/systems/hubspot/start.ts';
import { dueHint, queueDue } from '../../shared/action/due-queue.ts';
import type { ActionStore } from '../../shared/action/store.ts';
import type { PlumblineConfig } from '../../shared/config/schema.ts';
import { makeGate } from '../../shared/connectors/gate.ts';
import { loadConnector } from '../../shared/connectors/registry.ts';
import { makeSender } from '../../shared/connectors/send.ts';
import type { SenderDeps } from '../../shared/connectors/way.ts';
import { httpClient } from '../../shared/http/client.ts';
import { watchWaiting } from '../../shared/ledger/waiting-cases.ts';
import type { ActionRecord } from '../../shared/model/action.ts';
import type { Answer } from '../../shared/model/answer.ts';
import { systemRandom } from '../../shared/model/clock.ts';
import type { Log } from '../../shared/observe/log.ts';
import { makeControlGate } from '../../shared/policy/control.ts';
import { breakerGuard } from '../../shared/resilience/breaker-guard.ts';
import { rateLimiter } from '../../shared/resilience/rate-limit.ts';
import { catalogOf } from '../../shared/tools/catalog.ts';
import { answerAgent, type DoorDeps } from '../../shared/tools/door.ts';
import { kernelLimits } from '../../shared/tools/limits.ts';
import { loadOperations } from '../../shared/tools/operations.ts';
import { dueWorker } from '../../shared/tools/work-due.ts';
import type { fixedClock } from './fixed-clock.ts';
import { memoryActionStore } from './memory-action-store.ts';
import { memoryBudgetStore } from './memory-budget-store.ts';
import { memoryCaseStore } from './memory-case-store.ts';
import { memoryControlStore } from './memory-control-store.ts';
import { memoryLedgerStore } from './memory-ledger-store.ts';
import { memoryPayloadStore } from './memory-payload-store.ts';
import { memoryResilienceStore } from './memory-resilience-store.ts';
import { staticToken } from './simulator.ts';

type Clock = ReturnType<typeof fixedClock>;

/** What every process of an outage shares. */
export type OutageShared = {
  readonly clock: Clock;
  readonly config: PlumblineConfig;
  readonly hubspot: HubSpotSimulator;
  /** Hints that a worker takes at once; several share requests where HubSpot allows that. */
  readonly hintsABatch?: number;
};

/**
 * Two doors and three workers as processes of their own over shared stores, a queue that delivers hints to the second, and the
 * tick of every minute, all on one clock that only moves when a test moves it. HubSpot is simulated over real HTTP.
 */
export async function outageWorld({ clock, config, hubspot, hintsABatch = 10 }: OutageShared) {
  const [inner, payloads, ledger] = [memoryActionStore(), memoryPayloadStore(), memoryLedgerStore()];
  const [cases, controlStore, shared] = [memoryCaseStore(), memoryControlStore(), memoryResilienceStore()];
  const dueAt = new Map<string, number>();
  const hints: { key: string; atMs: number }[] = [];
  const hint = (key: string, delayMs: number) =>
    void hints.push({ key, atMs: clock.now() + Math.ceil(delayMs / 1000) * 1000 });
  const store = hinting(inner, dueAt, (record) => {
    const due = dueHint(record, clock.now());
    if (due) hint(due.key, due.delayMs);
  });
  const metrics: string[] = [];
  const log: Log = { info() {}, warn() {}, error() {}, metric: (name) => void metrics.push(name) };
  const operations = await loadOperations(config.systems);
  const closers: (() => void)[] = [];
  const process = (owner: string): DoorDeps => {
    const http = httpClient({ clock, local: true });
    closers.push(() => http.close());
    const way: SenderDeps = {
      ...{ systems: config.systems, loadConnector, http, clock, log, productionStage: false },
      localOrigins: { hubspot: hubspot.url },
      credentials: {
        authorize: async () => ({ headers: { authorization: `Bearer ${staticToken}` }, version: 1 }),
        rejected: async () => 'broken',
      },
      breakers: breakerGuard({ store: shared, clock, owner }),
      rates: rateLimiter({ store: shared, clock }),
    };
    return {
      ...{ config, operations, payloads, ledger, cases, controlStore, log },
      ...{ send: makeSender(way), gate: makeGate(way), budgets: memoryBudgetStore(), shared },
      control: makeControlGate({ store: controlStore, clock }),
      catalog: catalogOf({ index: tools, connectors: async () => {} }),
      kernel: { store, payloads, clock, random: systemRandom, limits: kernelLimits },
      byKey: async ({ authorization = '' }) => ({ kind: 'agent', id: authorization, via: 'api_key', keyId: 'key_1' }),
      byIam: () => null,
    };
  };
  const doors = ['door-1', 'door-2'].map(process);
  const workers = ['worker-1', 'worker-2', 'worker-3'].map((owner) => dueWorker(process(owner)));
  let asked = 0;

  const call = async (tool: string, args: object, agent = 'sales-assistant'): Promise<Answer> => {
    asked += 1;
    const deps = doors[asked % doors.length] as DoorDeps;
    const body = new TextEncoder().encode(JSON.stringify({ arguments: args }));
    const headers = { authorization: agent, 'content-type': 'application/json' };
    const request = { method: 'POST', path: `/v1/tools/${tool}/calls`, headers, body, iamArn: undefined };
    return JSON.parse((await answerAgent(deps, request)).body) as Answer;
  };
  /** What the queue delivers now, in batches, to whichever worker is free. */
  const deliver = async (): Promise<void> => {
    const ready = hints.filter(({ atMs }) => atMs <= clock.now());
    for (const one of ready) hints.splice(hints.indexOf(one), 1);
    const count = Math.ceil(ready.length / hintsABatch);
    const batches = Array.from({ length: count }, (_, i) => ready.slice(i * hintsABatch, (i + 1) * hintsABatch));
    const lanes = workers.map(async (work) => {
      for (let batch = batches.shift(); batch; batch = batches.shift()) {
        const messages = batch.map(({ key }, i) => ({ messageId: String(i), body: JSON.stringify({ key }) }));
        await work(messages, 60_000);
      }
    });
    await Promise.all(lanes);
  };
  const tick = async (): Promise<void> => {
    const queue = {
      send: async (sent: readonly { key: string; delayMs: number }[]) =>
        void sent.map((one) => hint(one.key, one.delayMs)),
    };
    await queueDue({ store, queue, clock }, 200);
    await watchWaiting({ cases, ledger, config, clock, log, actions: store, state: shared }, clock.now());
  };
  return {
    ...{ call, deliver, tick, cases, metrics, shared, payloads },
    /** Actions that something must still move. */
    open: () => dueAt.size,
    record: (key: string) => inner.get(key),
    ledgerOf: (callId: string) => ledger.entries.find(({ entryId }) => entryId === callId),
    sharedNames: () => [...shared.items.keys()],
    close: () => {
      for (const close of closers) close();
    },
  };
}

/** The store of actions with what the stream and the index make of its transitions. */
function hinting(inner: ActionStore, dueAt: Map<string, number>, moved: (record: ActionRecord) => void): ActionStore {
  return {
    dueShards: 1,
    get: inner.get,
    write: async (next, guard) => {
      const written = await inner.write(next, guard);
      if (written.kind !== 'written') return written;
      if ('dueMs' in next) dueAt.set(next.key, next.dueMs);
      else dueAt.delete(next.key);
      moved(next);
      return written;
    },
    due: async ({ byMs, limit }) =>
      [...dueAt]
        .filter(([, dueMs]) => dueMs <= byMs)
        .sort(([, a], [, b]) => a - b)
        .slice(0, limit)
        .map(([key, dueMs]) => ({ key, dueMs })),
  };
}
