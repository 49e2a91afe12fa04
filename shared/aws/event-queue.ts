import { ChangeMessageVisibilityCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { InboxMessage } from '../model/event.ts';
import type { EventDelay } from '../webhooks/ports.ts';
import { requestLimits, storeFault } from './dynamo.ts';

const batchItems = 10;
/** Below the limit of every SQS that ever was: 256 KiB a batch. */
const batchBytes = 250_000;
const maxVisibilitySeconds = 43_200;

/** The one SQS client of a process; a provider waits for the answer, so a request that hangs is given up after 2 s. */
export function sqsClient(): SQSClient {
  return new SQSClient({ maxAttempts: 2, requestHandler: requestLimits(2_000) });
}

/**
 * A queue of events over SQS (the inbox unless said otherwise): batches of ten and of 250 KB, sent side by side.
 * `send` throws `store_unavailable` unless every message was accepted; some may be in the queue then, which the claims make harmless.
 */
export function sqsEventQueue<M = InboxMessage>(deps: {
  readonly client: SQSClient;
  readonly queueUrl: string;
}): { send(messages: readonly M[]): Promise<void> } & EventDelay {
  return {
    send: async (messages) => {
      const sent = await Promise.allSettled(batchesOf(messages.map(bodyOf)).map((bodies) => sendBatch(deps, bodies)));
      const failed = sent.find((result) => result.status === 'rejected');
      if (failed) throw storeFault('queue.send', failed.reason);
    },
    retryIn: async (receiptHandle, delayMs) => {
      const seconds = Math.min(Math.max(Math.ceil(delayMs / 1000), 0), maxVisibilitySeconds);
      try {
        await deps.client.send(
          new ChangeMessageVisibilityCommand({
            QueueUrl: deps.queueUrl,
            ReceiptHandle: receiptHandle,
            VisibilityTimeout: seconds,
          }),
        );
      } catch (error) {
        throw storeFault('queue.retryIn', error);
      }
    },
  };
}

async function sendBatch(
  deps: { readonly client: SQSClient; readonly queueUrl: string },
  bodies: readonly string[],
): Promise<void> {
  const answer = await deps.client.send(
    new SendMessageBatchCommand({
      QueueUrl: deps.queueUrl,
      Entries: bodies.map((MessageBody, index) => ({ Id: String(index), MessageBody })),
    }),
  );
  const refused = answer.Failed?.length ?? 0;
  if (refused > 0 || (answer.Successful?.length ?? 0) !== bodies.length) {
    throw new Error(
      `${bodies.length - (answer.Successful?.length ?? 0)} of ${bodies.length} messages were not accepted`,
    );
  }
}

/** Groups bodies by count and bytes, in order. */
export function batchesOf(bodies: readonly string[]): readonly (readonly string[])[] {
  const batches: string[][] = [];
  let bytes = 0;
  for (const body of bodies) {
    const size = Buffer.byteLength(body);
    const last = batches.at(-1);
    if (last && last.length < batchItems && bytes + size <= batchBytes) {
      last.push(body);
      bytes += size;
    } else {
      batches.push([body]);
      bytes = size;
    }
  }
  return batches;
}

/** SQS refuses two characters that JSON allows; escaped, they are the same JSON. */
function bodyOf(message: unknown): string {
  return JSON.stringify(message).replace(/[\ufffe\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16)}`);
}
