import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ListDeadLetterSourceQueuesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCallers } from '../../infra/local/aws/callers.ts';
import { serveSqs } from '../../infra/local/aws/sqs.ts';
import { openSqsStore, queueArn } from '../../infra/local/aws/sqs-store.ts';

let nowMs = Date.now();
const clock = { now: () => nowMs, sleep: async () => undefined };
const callers = createCallers(Buffer.alloc(32, 7));
let directory = '';
let stop = async () => {};
let client: SQSClient;

async function start(): Promise<void> {
  const store = openSqsStore(directory, clock);
  const listener = await serveSqs({ store, clock, callers });
  const credentials = callers.keysOf('tester');
  client = new SQSClient({ endpoint: listener.url, region: 'eu-central-1', credentials, maxAttempts: 1 });
  stop = async () => {
    client.destroy();
    await listener.close();
    store.close();
  };
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sqs-'));
  await start();
});
afterEach(async () => {
  await stop();
  rmSync(directory, { recursive: true });
});

const makeQueue = async (name: string, attributes: Record<string, string> = {}) =>
  (await client.send(new CreateQueueCommand({ QueueName: name, Attributes: attributes }))).QueueUrl ?? '';
const put = (QueueUrl: string, MessageBody: string, DelaySeconds?: number) =>
  client.send(
    new SendMessageCommand({ QueueUrl, MessageBody, ...(DelaySeconds === undefined ? {} : { DelaySeconds }) }),
  );
const take = async (QueueUrl: string, WaitTimeSeconds = 0) =>
  (
    await client.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: 10,
        WaitTimeSeconds,
        MessageSystemAttributeNames: ['All'],
      }),
    )
  ).Messages ?? [];

describe('the SQS stand-in, asked by the real client', () => {
  it('hides a received message until its visibility timeout ends', async () => {
    const url = await makeQueue('work', { VisibilityTimeout: '30' });
    await put(url, 'one');
    expect(await take(url)).toHaveLength(1);
    nowMs += 29_999;
    expect(await take(url)).toHaveLength(0);
    nowMs += 1;
    expect((await take(url))[0]?.Attributes?.ApproximateReceiveCount).toBe('2');
  });

  it('keeps visible and in-flight messages over a restart', async () => {
    const url = await makeQueue('work');
    await put(url, 'in flight');
    const [held] = await take(url);
    await put(url, 'waiting');
    await stop();
    await start();
    const fresh = await makeQueue('work');
    expect((await take(fresh)).map((message) => message.Body)).toEqual(['waiting']);
    await client.send(new DeleteMessageCommand({ QueueUrl: fresh, ReceiptHandle: held?.ReceiptHandle }));
    nowMs += 31_000;
    expect((await take(fresh)).map((message) => message.Body)).toEqual(['waiting']);
  });

  it('moves a message to the dead-letter queue when it would be received once too often', async () => {
    const dead = await makeQueue('dead');
    const policy = JSON.stringify({ deadLetterTargetArn: queueArn('dead'), maxReceiveCount: 2 });
    const url = await makeQueue('work', { RedrivePolicy: policy, VisibilityTimeout: '1' });
    await put(url, 'poison');
    for (const expected of [1, 1, 0]) {
      expect(await take(url)).toHaveLength(expected);
      nowMs += 1000;
    }
    expect((await take(dead))[0]?.Body).toBe('poison');
    const sources = await client.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: dead }));
    expect(sources.queueUrls).toEqual([url]);
  });

  it('wakes a long poll when a message is sent', async () => {
    const url = await makeQueue('work');
    const waiting = take(url, 20);
    await put(url, 'late');
    expect((await waiting).map((message) => message.Body)).toEqual(['late']);
  });

  it('delivers a delayed message only after its delay, and refuses delays above 900 seconds', async () => {
    const url = await makeQueue('work');
    await put(url, 'later', 900);
    nowMs += 899_000;
    expect(await take(url)).toHaveLength(0);
    nowMs += 1000;
    expect(await take(url)).toHaveLength(1);
    await expect(put(url, 'too late', 901)).rejects.toMatchObject({ name: 'InvalidParameterValue' });
  });

  it('refuses a batch of eleven and a batch above one mebibyte', async () => {
    const url = await makeQueue('work');
    const entries = (count: number, body: string) =>
      Array.from({ length: count }, (_, i) => ({ Id: `${i}`, MessageBody: body }));
    const send = (Entries: { Id: string; MessageBody: string }[]) =>
      client.send(new SendMessageBatchCommand({ QueueUrl: url, Entries }));
    await expect(send(entries(11, 'x'))).rejects.toMatchObject({ name: 'TooManyEntriesInBatchRequest' });
    await expect(send(entries(2, 'x'.repeat(600_000)))).rejects.toMatchObject({ name: 'BatchRequestTooLong' });
    expect((await send(entries(10, 'x'))).Successful).toHaveLength(10);
  });

  it('makes a message visible at once, and refuses the handle of a receive that is over', async () => {
    const url = await makeQueue('work');
    await put(url, 'one');
    const [first] = await take(url);
    const change = (ReceiptHandle = '') =>
      client.send(new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle, VisibilityTimeout: 0 }));
    await change(first?.ReceiptHandle);
    expect(await take(url)).toHaveLength(1);
    await expect(change(first?.ReceiptHandle)).rejects.toMatchObject({ name: 'MessageNotInflight' });
  });

  it('answers QueueDoesNotExist, and counts calls by caller', async () => {
    const url = await makeQueue('work');
    callers.resetCounts();
    await expect(take(`${url}-other`)).rejects.toMatchObject({ name: 'QueueDoesNotExist' });
    await client.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] }));
    expect(callers.counts()).toEqual({ tester: { 'sqs:ReceiveMessage': 1, 'sqs:GetQueueAttributes': 1 } });
  });

  it('refuses credentials that are not of this install', async () => {
    const url = await makeQueue('work');
    const stranger = new SQSClient({
      endpoint: new URL(url).origin,
      region: 'eu-central-1',
      credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'x' },
      maxAttempts: 1,
    });
    const attempt = stranger.send(new ReceiveMessageCommand({ QueueUrl: url }));
    await expect(attempt).rejects.toMatchObject({ name: 'UnrecognizedClientException' });
    stranger.destroy();
  });
});
