import type { PlumblineConfig } from '../config/schema.ts';
import type { Sender } from '../connectors/sender.ts';
import { notify } from '../ledger/notices.ts';
import type { LedgerStore } from '../ledger/ports.ts';
import type { Operation } from '../model/operation.ts';
import { type AdapterLoader, connectorAdapter } from './channels.ts';
import { feedAdapter, feedScheme } from './feed-adapter.ts';
import type { PollDeps } from './poll.ts';
import type { EventDelay, SourceStore } from './ports.ts';
import type { ProcessDeps } from './process.ts';
import { planEvent, reReadRecord } from './re-read.ts';
import { arrivalNoter } from './silence.ts';
import { type BatchAnswer, type BatchDeps, type QueuedMessage, workBatch } from './work-batch.ts';

/** What the worker of the inbox queue is put together from. */
export type EventWorkerDeps = Omit<ProcessDeps, 'ledger' | 'plan' | 'reRead' | 'ownerOf' | 'tell' | 'leaseMs'> & {
  readonly config: PlumblineConfig;
  readonly ledger: LedgerStore;
  readonly sources: Pick<SourceStore, 'seen'>;
  readonly send: Sender;
  readonly loadAdapter: AdapterLoader;
  readonly loadFeeds: PollDeps['loadFeeds'];
  readonly loadOperation: (id: string) => Promise<Operation>;
  readonly delay: EventDelay;
};

/** Kept free at the end of an invocation for the ledger entry and the claim, milliseconds. */
const marginMs = 5_000;
/** The worker's timeout and five seconds. */
const leaseMs = 65_000;

/** The event worker: takes a batch and the time that is left, and answers which messages stay in the queue. */
export function eventWorker(
  deps: EventWorkerDeps,
): (records: readonly QueuedMessage[], remainingMs: number) => Promise<BatchAnswer> {
  const { config, send, loadOperation } = deps;
  const adapterOf = async (connector: string, scheme: string) =>
    scheme === feedScheme
      ? feedAdapter(await deps.loadFeeds(connector))
      : connectorAdapter(deps.loadAdapter, connector, scheme);
  const live = { systems: config.systems, send, loadOperation, adapterOf };
  const process: BatchDeps = {
    ...deps,
    arrived: arrivalNoter({ ...deps, systems: config.systems }),
    tell: (opened) => notify(deps, opened, 'opened', null),
    plan: (message, item) => planEvent(live, message, item),
    reRead: (call, deadlineMs) => reReadRecord(live, call, deadlineMs),
    ownerOf: (system) => config.systems[system]?.owner ?? Object.keys(config.owners.teams)[0] ?? 'operators',
    leaseMs,
  };
  return (records, remainingMs) => workBatch(process, records, deps.clock.now() + remainingMs - marginMs);
}
