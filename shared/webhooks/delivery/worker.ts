import { sha256Hex } from '../../model/ids.ts';
import type { EventDelay } from '../ports.ts';
import type { BatchAnswer, QueuedMessage } from '../work-batch.ts';
import { type DeliverDeps, deliver } from './deliver.ts';
import { deliveryOf } from './subscribers.ts';

/** What a batch of deliveries needs. */
export type DeliveryWorkerDeps = DeliverDeps & {
  readonly delay: EventDelay;
};

/** After a fault of ours the message comes again by itself; sooner where the queue can be told, milliseconds. */
const faultDelayMs = 30_000;

/** The worker of the queue of deliveries: side by side, each alone; what has to wait stays in the queue. Never throws. */
export function deliveryWorker(deps: DeliveryWorkerDeps): (records: readonly QueuedMessage[]) => Promise<BatchAnswer> {
  return async (records) => {
    const kept = await Promise.all(records.map((record) => workOne(deps, record)));
    return { batchItemFailures: kept.flat().map((itemIdentifier) => ({ itemIdentifier })) };
  };
}

/** The message's id where it stays in the queue. */
async function workOne(deps: DeliveryWorkerDeps, record: QueuedMessage): Promise<readonly string[]> {
  try {
    const message = deliveryOf(record.body);
    if (!message) return await unreadable(deps, record);
    const outcome = await deliver(deps, message);
    if (outcome.kind === 'done') return [];
    await deps.delay.retryIn(record.receiptHandle, outcome.delayMs);
  } catch (error) {
    deps.log.error('A delivery could not be worked on.', { reason: 'fault' }, error);
    await deps.delay.retryIn(record.receiptHandle, faultDelayMs).catch(() => undefined);
  }
  return [record.messageId];
}

/** What is no delivery never becomes one: a person is told once, and the queue is rid of it. */
async function unreadable(deps: DeliveryWorkerDeps, { body, messageId }: QueuedMessage): Promise<readonly string[]> {
  const opened = await deps.cases.open(
    {
      kind: 'exception',
      reason: 'dead_letter',
      title: 'A message in the queue of deliveries is none',
      detail:
        'It was not made by this version. Replay the events of the last minutes; the agents are told once of each.',
      owner: Object.keys(deps.config.owners.teams)[0] ?? 'operators',
      actionId: null,
      runId: null,
      system: null,
      eventIdentity: null,
      facts: { messageId, body: sha256Hex(body) },
      dedupeKey: `unreadable-delivery#${sha256Hex(body)}`,
      dueInMs: 4 * 3_600_000,
    },
    deps.clock.now(),
  );
  await deps.tell(opened);
  return [];
}
