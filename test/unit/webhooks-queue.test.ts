import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sqsEventQueue } from '../../shared/aws/event-queue.ts';
import type { InboxMessage } from '../../shared/model/event.ts';

type Entry = { readonly Id: string; readonly MessageBody: string };
type Call = { readonly target: string; readonly input: { Entries?: Entry[]; VisibilityTimeout?: number } };

describe('the inbox queue over SQS', () => {
  let calls: Call[] = [];
  let refuse: (entry: Entry) => boolean = () => false;
  let server: Server;
  let client: SQSClient;
  let queueUrl = '';

  beforeAll(async () => {
    server = createServer(async (request, response) => {
      let text = '';
      for await (const chunk of request) text += String(chunk);
      const input = JSON.parse(text) as Call['input'];
      calls.push({ target: String(request.headers['x-amz-target']), input });
      const entries = input.Entries ?? [];
      const md5 = (body: string) => createHash('md5').update(body).digest('hex');
      const Successful = entries
        .filter((entry) => !refuse(entry))
        .map(({ Id, MessageBody }) => ({ Id, MessageId: Id, MD5OfMessageBody: md5(MessageBody) }));
      const Failed = entries.filter(refuse).map(({ Id }) => ({ Id, SenderFault: false, Code: 'InternalError' }));
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' });
      response.end(JSON.stringify({ Successful, Failed }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    queueUrl = `${endpoint}/000000000000/inbox`;
    client = new SQSClient({ endpoint, region: 'eu-central-1', maxAttempts: 1 });
  });
  afterAll(() => {
    client.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  beforeEach(() => {
    calls = [];
    refuse = () => false;
  });

  const queue = () => sqsEventQueue({ client, queueUrl });
  const messages = (count: number, text = 'x') =>
    Array.from({ length: count }, (_, i) => ({ identity: `e${i}`, item: { inline: text } }) as unknown as InboxMessage);

  it('makes one call for ten items', async () => {
    await queue().send(messages(100));
    expect(calls.map(({ input }) => input.Entries?.length)).toEqual(Array(10).fill(10));
  });

  it('throws where one message of many was not accepted', async () => {
    refuse = ({ MessageBody }) => MessageBody.includes('"e17"');
    await expect(queue().send(messages(25))).rejects.toMatchObject({ code: 'store_unavailable' });
  });

  it('escapes the characters that SQS refuses', async () => {
    await queue().send(messages(1, 'a\uffffb\ufffe'));
    expect(calls[0]?.input.Entries?.[0]?.MessageBody).toContain('a\\uffffb\\ufffe');
  });

  it('makes a message visible again after the delay, rounded up to a second', async () => {
    await queue().retryIn('receipt', 1200);
    expect(calls).toMatchObject([{ target: 'AmazonSQS.ChangeMessageVisibility', input: { VisibilityTimeout: 2 } }]);
  });
});
