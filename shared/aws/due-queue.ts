import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { DueHint, DueQueue } from '../action/due-queue.ts';
import { storeFault } from './dynamo.ts';

const batchItems = 10;

/** Hints of due actions over SQS, ten a request, each delayed until its action is due. */
export function sqsDueQueue(deps: { readonly client: SQSClient; readonly queueUrl: string }): DueQueue {
  return {
    async send(hints) {
      const batches = Array.from({ length: Math.ceil(hints.length / batchItems) }, (_, i) =>
        hints.slice(i * batchItems, (i + 1) * batchItems),
      );
      const sent = await Promise.allSettled(batches.map((batch) => sendBatch(deps, batch)));
      const failed = sent.find((result) => result.status === 'rejected');
      if (failed) throw storeFault('actions.hint', failed.reason);
    },
  };
}

async function sendBatch(
  deps: { readonly client: SQSClient; readonly queueUrl: string },
  hints: readonly DueHint[],
): Promise<void> {
  const answer = await deps.client.send(
    new SendMessageBatchCommand({
      QueueUrl: deps.queueUrl,
      Entries: hints.map(({ key, delayMs }, index) => ({
        Id: String(index),
        MessageBody: JSON.stringify({ key }),
        DelaySeconds: Math.min(900, Math.ceil(delayMs / 1000)),
      })),
    }),
  );
  if ((answer.Successful?.length ?? 0) !== hints.length) {
    throw new Error(`${hints.length - (answer.Successful?.length ?? 0)} of ${hints.length} hints were not accepted`);
  }
}
