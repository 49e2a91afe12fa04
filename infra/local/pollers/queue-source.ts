import type { Clock } from '../../../shared/model/clock.ts';
import { localRegion } from '../aws/callers.ts';
import { longPoll } from '../aws/sqs.ts';
import { queueArn, type ReceivedMessage, type SqsStore } from '../aws/sqs-store.ts';
import type { FunctionPool } from '../lambda/pool.ts';
import type { SourcePlan } from '../template/plan.ts';
import { type Loop, startLoop } from './loop.ts';

type QueuePlan = Extract<SourcePlan, { kind: 'queue' }>;
type Deps = {
  readonly store: SqsStore;
  readonly pool: FunctionPool;
  readonly clock: Clock;
  readonly onFault: (error: unknown) => void;
};

const waitMs = 20_000;

/**
 * Delivers a queue to a function in batches. Messages that the function does not report as failed are deleted; the others, and
 * all of a batch whose invocation failed, become visible again when their time is over.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
export function pollQueue(deps: Deps, plan: QueuePlan): Loop {
  return startLoop((signal) => round(deps, plan, signal), deps.onFault);
}

async function round(deps: Deps, plan: QueuePlan, signal: AbortSignal): Promise<void> {
  const { store, pool } = deps;
  const messages = [...(await longPoll(deps, plan.queue, { max: Math.min(10, plan.batchSize) }, waitMs, signal))];
  if (messages.length === 0) return;
  // Larger batches are put together of what is there; nothing waits for more.
  while (messages.length < plan.batchSize) {
    const more = store.receive(plan.queue, { max: Math.min(10, plan.batchSize - messages.length) });
    if (more.length === 0) break;
    messages.push(...more);
  }
  const outcome = await pool.invoke({ Records: messages.map((message) => recordOf(plan.queue, message)) });
  if (outcome.kind === 'failed') return;
  const failed = plan.reportsItems ? failedItems(outcome.payload) : new Set<string>();
  if (failed === 'all') return;
  for (const message of messages) if (!failed.has(message.messageId)) store.remove(plan.queue, message.receiptHandle);
}

/**
 * The ids that an answer of a batch reports as failed; an answer that cannot be read, and an empty id, fail the whole batch.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
 */
export function failedItems(payload: string): ReadonlySet<string> | 'all' {
  const value = JSON.parse(payload) as { batchItemFailures?: { itemIdentifier?: unknown }[] | null } | null;
  const failures = value?.batchItemFailures ?? [];
  if (!Array.isArray(failures)) return 'all';
  const ids = failures.map((failure) => failure?.itemIdentifier);
  if (ids.some((id) => typeof id !== 'string' || id === '')) return 'all';
  return new Set(ids.map(String));
}

function recordOf(queue: string, message: ReceivedMessage): object {
  return {
    messageId: message.messageId,
    receiptHandle: message.receiptHandle,
    body: message.body,
    attributes: message.attributes,
    messageAttributes: message.messageAttributes,
    md5OfBody: message.bodyMd5,
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn(queue),
    awsRegion: localRegion,
  };
}
