import { PlumblineError } from '../model/errors.ts';
import type { InboxMessage } from '../model/event.ts';
import type { EventDelay } from './ports.ts';
import { backoffMs, type ProcessDeps, processEvent } from './process.ts';

/** One received SQS message. */
export type QueuedMessage = {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly attributes: { readonly ApproximateReceiveCount: string };
};

/** The partial batch response: these messages stay in the queue. */
export type BatchAnswer = { readonly batchItemFailures: readonly { readonly itemIdentifier: string }[] };

/**
 * Processes a batch side by side; one bad message does not hold up the others.
 * What fails becomes visible again after its own backoff, and after the queue's last receive goes to the dead-letter queue.
 * Never throws.
 * @param deadlineMs absolute end of this invocation
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
export async function workBatch(
  deps: ProcessDeps & { readonly delay: EventDelay },
  records: readonly QueuedMessage[],
  deadlineMs: number,
): Promise<BatchAnswer> {
  const kept = await Promise.all(
    records.map(async (record) => ((await workOne(deps, record, deadlineMs)) ? [] : [record.messageId])),
  );
  return { batchItemFailures: kept.flat().map((itemIdentifier) => ({ itemIdentifier })) };
}

/** True where the message may be deleted. */
async function workOne(
  deps: ProcessDeps & { readonly delay: EventDelay },
  record: QueuedMessage,
  deadlineMs: number,
): Promise<boolean> {
  const attempt = Number(record.attributes.ApproximateReceiveCount) || 1;
  let delayMs = backoffMs(attempt);
  try {
    const processed = await processEvent(deps, { message: inboxMessage(record.body), attempt, deadlineMs });
    if (processed.kind === 'done') return true;
    delayMs = processed.delayMs;
    deps.log.info('An event waits for another attempt.', { reason: processed.why, attempt });
  } catch (error) {
    deps.log.error('An event could not be processed.', { attempt }, error);
  }
  try {
    await deps.delay.retryIn(record.receiptHandle, delayMs);
  } catch (error) {
    deps.log.warn('A message keeps its visibility timeout.', {
      reason: error instanceof Error ? error.name : 'unknown',
    });
  }
  return false;
}

/** Throws `internal` for a message that the door cannot have written: it goes to the dead-letter queue. */
function inboxMessage(body: string): InboxMessage {
  const message = JSON.parse(body) as Partial<InboxMessage> | null;
  const texts = [message?.identity, message?.system, message?.channel, message?.itemHash, message?.bodyHash];
  if (message?.version === 1 && message.item && texts.every((text) => typeof text === 'string' && text !== '')) {
    return message as InboxMessage;
  }
  throw new PlumblineError('A message of the inbox queue is not one that the door writes.', {
    code: 'internal',
    retry: 'never',
    hint: 'Only the webhook door and replay may send to this queue: look who else has the permission.',
  });
}
