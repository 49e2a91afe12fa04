import { createHash } from 'node:crypto';
import type { Clock } from '../../../shared/model/clock.ts';
import type { Listener } from '../listener.ts';
import type { Callers } from './callers.ts';
import {
  AwsError,
  type AwsInput,
  type AwsOperation,
  listOf,
  optionalText,
  serveJson,
  textOf,
  wholeOf,
} from './json-protocol.ts';
import { queueArn, type ReceivedMessage, redriveOf, type SqsStore } from './sqs-store.ts';

const maxBytes = 1_048_576;
const maxDelaySeconds = 900;
const maxVisibilitySeconds = 43_200;

type Deps = { readonly store: SqsStore; readonly clock: Clock; readonly urlOf: (queue: string) => string };

/**
 * Serves the queues of a store to the real SQS client, on 127.0.0.1.
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/
 */
export async function serveSqs(
  deps: { readonly store: SqsStore; readonly clock: Clock; readonly callers: Callers },
  port = 0,
): Promise<Listener & { readonly urlOf: (queue: string) => string }> {
  let base = '';
  const urlOf = (queue: string) => `${base}/000000000000/${queue}`;
  const operations = operationsOf({ store: deps.store, clock: deps.clock, urlOf });
  const listener = await serveJson(
    { name: 'sqs', target: 'AmazonSQS', version: '1.0', operations },
    deps.callers,
    port,
  );
  base = listener.url;
  return { ...listener, urlOf };
}

function operationsOf(deps: Deps): Record<string, AwsOperation> {
  return { ...queueOperations(deps), ...messageOperations(deps) };
}

function queueOperations({ store, urlOf }: Deps): Record<string, AwsOperation> {
  return {
    CreateQueue(input) {
      const queue = textOf(input, 'QueueName');
      store.create(queue, checkedAttributes(input));
      return { QueueUrl: urlOf(queue) };
    },
    GetQueueUrl(input) {
      const queue = textOf(input, 'QueueName');
      store.attributes(queue);
      return { QueueUrl: urlOf(queue) };
    },
    ListQueues(input) {
      const prefix = optionalText(input, 'QueueNamePrefix') ?? '';
      return {
        QueueUrls: store
          .names()
          .filter((name) => name.startsWith(prefix))
          .map(urlOf),
      };
    },
    ListDeadLetterSourceQueues(input) {
      const queue = queueOf(input);
      const sources = store.names().filter((name) => redriveOf(store.attributes(name))?.queue === queue);
      return { queueUrls: sources.map(urlOf) };
    },
    GetQueueAttributes: (input) => ({ Attributes: queueAttributes(store, queueOf(input)) }),
    SetQueueAttributes(input) {
      store.setAttributes(queueOf(input), checkedAttributes(input));
      return {};
    },
    PurgeQueue(input) {
      store.purge(queueOf(input));
      return {};
    },
  };
}

function messageOperations(deps: Deps): Record<string, AwsOperation> {
  const { store } = deps;
  return {
    SendMessage: (input) => send(store, queueOf(input), input),
    SendMessageBatch: (input) => sendBatch(store, queueOf(input), entriesOf(input)),
    ReceiveMessage: (input, request) => receive(deps, input, request.signal),
    DeleteMessage(input) {
      store.remove(queueOf(input), textOf(input, 'ReceiptHandle'));
      return {};
    },
    DeleteMessageBatch: (input) =>
      batch(entriesOf(input), (entry) => {
        store.remove(queueOf(input), textOf(entry, 'ReceiptHandle'));
        return {};
      }),
    ChangeMessageVisibility(input) {
      change(store, queueOf(input), input);
      return {};
    },
    ChangeMessageVisibilityBatch: (input) =>
      batch(entriesOf(input), (entry) => {
        change(store, queueOf(input), entry);
        return {};
      }),
  };
}

function queueOf(input: AwsInput): string {
  const queue = /\/([A-Za-z0-9_-]{1,80})$/.exec(textOf(input, 'QueueUrl'))?.[1];
  if (queue === undefined) throw new AwsError('InvalidAddress', 'The queue URL is not one of this service.');
  return queue;
}

function checkedAttributes(input: AwsInput): Record<string, string> {
  const raw = input['Attributes'];
  const attributes = Object.entries(typeof raw === 'object' && raw !== null ? raw : {});
  if (attributes.some(([name]) => name.startsWith('Fifo'))) {
    throw new AwsError('InvalidAttributeName', 'The local SQS has standard queues only.');
  }
  return Object.fromEntries(attributes.map(([name, value]) => [name, String(value)]));
}

function queueAttributes(store: SqsStore, queue: string): Record<string, string> {
  const { visible, inFlight, delayed } = store.counts(queue);
  return {
    ...store.attributes(queue),
    QueueArn: queueArn(queue),
    ApproximateNumberOfMessages: String(visible),
    ApproximateNumberOfMessagesNotVisible: String(inFlight),
    ApproximateNumberOfMessagesDelayed: String(delayed),
  };
}

function send(store: SqsStore, queue: string, input: AwsInput): object {
  const body = textOf(input, 'MessageBody');
  if (Buffer.byteLength(body) > maxBytes) {
    throw new AwsError(
      'InvalidParameterValue',
      'One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.',
    );
  }
  const delay = input['DelaySeconds'];
  const delaySeconds = wholeOf(input, 'DelaySeconds', 0, 0, maxDelaySeconds);
  const extra = input['MessageAttributes'];
  const { messageId } = store.send(queue, {
    body,
    ...(delay === undefined ? {} : { delaySeconds }),
    ...(typeof extra === 'object' && extra !== null ? { messageAttributes: extra } : {}),
  });
  return { MessageId: messageId, MD5OfMessageBody: createHash('md5').update(body).digest('hex') };
}

function sendBatch(store: SqsStore, queue: string, entries: readonly AwsInput[]): object {
  const bytes = entries.reduce((sum, entry) => sum + Buffer.byteLength(textOf(entry, 'MessageBody')), 0);
  if (bytes > maxBytes)
    throw new AwsError('BatchRequestTooLong', 'The messages of a batch have 1048576 bytes at most.');
  return batch(entries, (entry) => send(store, queue, entry));
}

function entriesOf(input: AwsInput): readonly AwsInput[] {
  const entries = listOf(input, 'Entries');
  const ids = new Set(entries.map((entry) => textOf(entry, 'Id')));
  if (entries.length === 0) throw new AwsError('EmptyBatchRequest', 'The batch has no entries.');
  if (entries.length > 10) throw new AwsError('TooManyEntriesInBatchRequest', 'A batch has 10 entries at most.');
  if (ids.size < entries.length)
    throw new AwsError('BatchEntryIdsNotDistinct', 'Two entries of the batch have one Id.');
  return entries;
}

function batch(entries: readonly AwsInput[], work: (entry: AwsInput) => object): object {
  const Successful: object[] = [];
  const Failed: object[] = [];
  for (const entry of entries) {
    const Id = textOf(entry, 'Id');
    try {
      Successful.push({ Id, ...work(entry) });
    } catch (error) {
      if (!(error instanceof AwsError) || error.type === 'QueueDoesNotExist') throw error;
      Failed.push({ Id, Code: error.type, Message: error.message, SenderFault: true });
    }
  }
  return { Successful, Failed };
}

function change(store: SqsStore, queue: string, input: AwsInput): void {
  const seconds = wholeOf(input, 'VisibilityTimeout', 0, 0, maxVisibilitySeconds);
  store.changeVisibility(queue, textOf(input, 'ReceiptHandle'), seconds);
}

async function receive(deps: Deps, input: AwsInput, signal: AbortSignal): Promise<object> {
  const queue = queueOf(input);
  const max = wholeOf(input, 'MaxNumberOfMessages', 1, 1, 10);
  const waitDefault = Number(deps.store.attributes(queue)['ReceiveMessageWaitTimeSeconds']);
  const waitMs = wholeOf(input, 'WaitTimeSeconds', waitDefault, 0, 20) * 1000;
  const asked = input['VisibilityTimeout'];
  const visibilitySeconds = wholeOf(input, 'VisibilityTimeout', 30, 0, maxVisibilitySeconds);
  const take = { max, ...(asked === undefined ? {} : { visibilitySeconds }) };
  const messages = await longPoll(deps, queue, take, waitMs, signal);
  return { Messages: messages.map(wireMessage) };
}

/**
 * Receives at once where a message is visible, else as soon as one becomes visible, within `waitMs`.
 * A caller that went away receives nothing, so that no message is hidden for nobody.
 */
export async function longPoll(
  deps: { readonly store: SqsStore; readonly clock: Clock },
  queue: string,
  take: { max: number; visibilitySeconds?: number },
  waitMs: number,
  signal: AbortSignal,
): Promise<readonly ReceivedMessage[]> {
  const endMs = deps.clock.now() + waitMs;
  while (!signal.aborted) {
    const messages = deps.store.receive(queue, take);
    const leftMs = endMs - deps.clock.now();
    if (messages.length > 0 || leftMs <= 0) return messages;
    const nextMs = deps.store.nextVisibleMs(queue);
    await changed(deps.store, queue, Math.max(1, Math.min(leftMs, (nextMs ?? endMs) - deps.clock.now())), signal);
  }
  return [];
}

function changed(store: SqsStore, queue: string, withinMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      stop();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, withinMs);
    const stop = store.onChange(queue, done);
    signal.addEventListener('abort', done);
  });
}

function wireMessage(message: ReceivedMessage): object {
  return {
    MessageId: message.messageId,
    ReceiptHandle: message.receiptHandle,
    Body: message.body,
    MD5OfBody: message.bodyMd5,
    Attributes: message.attributes,
    ...(Object.keys(message.messageAttributes).length > 0 ? { MessageAttributes: message.messageAttributes } : {}),
  };
}
