import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, expect, test } from 'vitest';
import { dynamoClient, requestLimits } from '../../shared/aws/dynamo.ts';
import { sqsClient } from '../../shared/aws/event-queue.ts';
import { secretsClient } from '../../shared/aws/secret-store.ts';
import { closeAll, raw } from '../kit/http-servers.ts';

afterEach(closeAll);

test('a request to AWS that hangs ends with an error', async () => {
  const { origin, seen } = await raw(() => {});
  const client = new SQSClient({
    endpoint: origin,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 1,
    requestHandler: requestLimits(100),
  });
  await expect(client.send(new ListQueuesCommand({}))).rejects.toMatchObject({ name: 'TimeoutError' });
  expect(seen.connections).toBe(1);
});

test.each([
  ['DynamoDB', dynamoClient],
  ['SQS', sqsClient],
  ['Secrets Manager', secretsClient],
])('the client of %s ends requests that hang within seconds', async (_service, make) => {
  const limits = (await Reflect.get(make().config.requestHandler, 'configProvider')) as Record<string, unknown>;
  expect(limits).toMatchObject({ throwOnRequestTimeout: true, connectionTimeout: 1000 });
  expect(limits['requestTimeout']).toBeLessThanOrEqual(3000);
});
