import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type Env, readAwsEnv } from '../config/env.ts';
import type { Random } from '../model/clock.ts';
import type { DeliveryMessage } from '../webhooks/delivery/ports.ts';
import type { SubscriptionState } from '../webhooks/keep-subscriptions.ts';
import { dynamoCaseStore } from './case-store.ts';
import { dynamoCursorStore } from './cursor-store.ts';
import { sqsClient, sqsEventQueue } from './event-queue.ts';
import { dynamoInboxStore } from './inbox-store.ts';
import { dynamoLedgerStore } from './ledger-store.ts';
import { s3PayloadStore } from './payload-store.ts';
import { dynamoSourceStore } from './source-store.ts';

type Names = 'TABLE_INBOX' | 'TABLE_LEDGER' | 'TABLE_CASES' | 'TABLE_STATE' | 'PAYLOAD_BUCKET';

/** What the event worker keeps and reads on AWS, and the queue of deliveries it fills. One a process. */
export function awsEventStores(deps: {
  readonly env: Env<Names | 'QUEUE_INBOX_URL' | 'QUEUE_DELIVERIES_URL'>;
  readonly client: DynamoDBClient;
  readonly random: Random;
}) {
  const { env, client, random } = deps;
  const sqs = sqsClient();
  return {
    inbox: dynamoInboxStore({ client, table: env.TABLE_INBOX }),
    ledger: dynamoLedgerStore({ client, table: env.TABLE_LEDGER }),
    cases: dynamoCaseStore({ client, table: env.TABLE_CASES, random }),
    payloads: s3PayloadStore({ bucket: env.PAYLOAD_BUCKET, env: readAwsEnv }),
    sources: dynamoSourceStore({ client, table: env.TABLE_STATE }),
    delay: sqsEventQueue({ client: sqs, queueUrl: env.QUEUE_INBOX_URL }),
    subscriptions: dynamoCursorStore<SubscriptionState>(client, env.TABLE_STATE, 'subscription'),
    deliveries: sqsEventQueue<DeliveryMessage>({ client: sqs, queueUrl: env.QUEUE_DELIVERIES_URL }),
  };
}
