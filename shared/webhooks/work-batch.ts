import { PlumblineError } from '../model/errors.ts';
import type { InboxMessage } from '../model/event.ts';
import type { EventDelay } from './ports.ts';
import { backoffMs, mostFaults, type ProcessDeps, processEvent } from './process.ts';

/** One received SQS message. */
export type QueuedMessage = {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly attributes: { readonly ApproximateReceiveCount: string };
};

/** The partial batch response: these messages stay in the queue. */
export type BatchAnswer = { readonly batchItemFailures: readonly { readonly itemIdentifier: string }[] };

/** What a batch needs. */
export type BatchDeps = ProcessDeps & {
  readonly delay: EventDelay;
  /** Notes that a channel was heard of; never throws. */
  readonly arrived: (message: InboxMessage) => Promise<void>;
};

/** What nobody can read is of no use in the queue, milliseconds. */
const unreadableDelayMs = 1_000;

/**
 * Processes a batch side by side; one bad message does not hold up the others. Deliveries of one event follow each other, so that
 * the second meets what became of the first instead of its lease.
 * What fails becomes visible again after its own backoff. A system or a store that is away is waited for as long as the queue
 * allows, about a day; a fault of ours becomes a case after five receives.
 * Never throws.
 * @param deadlineMs absolute end of this invocation
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
export async function workBatch(
  deps: BatchDeps,
  records: readonly QueuedMessage[],
  deadlineMs: number,
): Promise<BatchAnswer> {
  const kept = await Promise.all(lanesOf(records).map((lane) => workLane(deps, lane, deadlineMs)));
  return { batchItemFailures: kept.flat().map((itemIdentifier) => ({ itemIdentifier })) };
}

type Received = { readonly record: QueuedMessage; readonly message: InboxMessage | PlumblineError };

/** Messages by event; one that cannot be read is alone. */
function lanesOf(records: readonly QueuedMessage[]): readonly (readonly Received[])[] {
  const read = records.map((record): Received => ({ record, message: inboxMessage(record.body) }));
  const laneOf = ({ record, message }: Received) =>
    message instanceof PlumblineError ? record.messageId : JSON.stringify([message.identity, message.itemHash]);
  return [...Map.groupBy(read, laneOf).values()];
}

/** The ids of the messages that stay. Once one stays, those behind it stay as well: they would meet the same fault. */
async function workLane(deps: BatchDeps, lane: readonly Received[], deadlineMs: number): Promise<readonly string[]> {
  for (const [place, received] of lane.entries()) {
    const delayMs = await workOne(deps, received, deadlineMs);
    if (delayMs === null) continue;
    const stay = lane.slice(place).map(({ record }) => record);
    await Promise.all(stay.map((record) => delayOne(deps, record, delayMs)));
    return stay.map(({ messageId }) => messageId);
  }
  return [];
}

/** Null where the message may be deleted, else after how long it should come again. */
async function workOne(deps: BatchDeps, { record, message }: Received, deadlineMs: number): Promise<number | null> {
  const attempt = Number(record.attributes.ApproximateReceiveCount) || 1;
  try {
    if (message instanceof PlumblineError) throw message;
    if (attempt === 1) await deps.arrived(message);
    const processed = await processEvent(deps, { message, attempt, deadlineMs });
    if (processed.kind === 'done') return null;
    deps.log.info('An event waits for another attempt.', { reason: processed.why, attempt });
    return processed.delayMs;
  } catch (error) {
    deps.log.error('An event could not be processed.', { attempt }, error);
    if (message instanceof PlumblineError) return unreadableDelayMs;
    const away = error instanceof PlumblineError && error.code === 'store_unavailable';
    return away || attempt < mostFaults ? backoffMs(attempt) : giveUp(deps, message, { attempt, deadlineMs });
  }
}

/** Null where the event is with a person now. */
async function giveUp(
  deps: BatchDeps,
  message: InboxMessage,
  at: { readonly attempt: number; readonly deadlineMs: number },
): Promise<number | null> {
  try {
    const parked = await processEvent(deps, { message, ...at, givenUp: true });
    return parked.kind === 'done' ? null : parked.delayMs;
  } catch (error) {
    deps.log.error('An event could not be left to a person.', { attempt: at.attempt }, error);
    return backoffMs(at.attempt);
  }
}

async function delayOne(deps: BatchDeps, { receiptHandle }: QueuedMessage, delayMs: number): Promise<void> {
  try {
    await deps.delay.retryIn(receiptHandle, delayMs);
  } catch (error) {
    deps.log.warn('A message keeps its visibility timeout.', {
      reason: error instanceof Error ? error.name : 'unknown',
    });
  }
}

/** The message, or the fault of one that the door cannot have written: it goes to the dead-letter queue. */
function inboxMessage(body: string): InboxMessage | PlumblineError {
  const message = parsed(body);
  const texts = [message?.identity, message?.system, message?.channel, message?.itemHash, message?.bodyHash];
  if (message?.version === 1 && message.item && texts.every((text) => typeof text === 'string' && text !== '')) {
    return message as InboxMessage;
  }
  return new PlumblineError('A message of the inbox queue is not one that the door writes.', {
    code: 'internal',
    retry: 'never',
    hint: 'Only the webhook door and replay may send to this queue: look who else has the permission.',
  });
}

function parsed(body: string): Partial<InboxMessage> | null {
  try {
    return JSON.parse(body) as Partial<InboxMessage> | null;
  } catch {
    return null;
  }
}
