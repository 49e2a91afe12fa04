import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type Env, readAwsEnv } from '../config/env.ts';
import type { Clock, Random } from '../model/clock.ts';
import type { EndpointState } from '../webhooks/keep-endpoints.ts';
import type { SubscriptionState } from '../webhooks/keep-subscriptions.ts';
import type { FeedState } from '../webhooks/ports.ts';
import { dynamoCaseStore } from './case-store.ts';
import { dynamoCursorStore } from './cursor-store.ts';
import { sqsClient, sqsEventQueue } from './event-queue.ts';
import { dynamoLedgerStore } from './ledger-store.ts';
import { s3PayloadStore } from './payload-store.ts';
import { secretValuesOnDemand } from './secret-values.ts';

/** What the keeper of sources keeps and reads on AWS, and the inbox it fills. One a process. */
export function awsSourceStores(deps: {
  readonly env: Env<'TABLE_LEDGER' | 'TABLE_CASES' | 'TABLE_STATE' | 'PAYLOAD_BUCKET' | 'QUEUE_INBOX_URL'>;
  readonly client: DynamoDBClient;
  readonly clock: Clock;
  readonly random: Random;
}) {
  const { env, client, clock, random } = deps;
  const secrets = secretValuesOnDemand(clock);
  return {
    feeds: dynamoCursorStore<FeedState>(client, env.TABLE_STATE, 'feed'),
    subscriptions: dynamoCursorStore<SubscriptionState>(client, env.TABLE_STATE, 'subscription'),
    endpoints: dynamoCursorStore<EndpointState>(client, env.TABLE_STATE, 'endpoint'),
    queue: sqsEventQueue({ client: sqsClient(), queueUrl: env.QUEUE_INBOX_URL }),
    payloads: s3PayloadStore({ bucket: env.PAYLOAD_BUCKET, env: readAwsEnv }),
    cases: dynamoCaseStore({ client, table: env.TABLE_CASES, random }),
    ledger: dynamoLedgerStore({ client, table: env.TABLE_LEDGER }),
    secretOf: async (name: string) => (await secrets(name))[0] ?? null,
  };
}
