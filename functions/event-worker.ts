import { dynamoCaseStore } from '../shared/aws/case-store.ts';
import { dynamoClient } from '../shared/aws/dynamo.ts';
import { sqsClient, sqsEventQueue } from '../shared/aws/event-queue.ts';
import { dynamoInboxStore } from '../shared/aws/inbox-store.ts';
import { dynamoLedgerStore } from '../shared/aws/ledger-store.ts';
import { s3PayloadStore } from '../shared/aws/payload-store.ts';
import { dynamoSourceStore } from '../shared/aws/source-store.ts';
import { awsSystemSender } from '../shared/aws/system-sender.ts';
import { readAwsEnv, readEnv, readRuntimeConfig } from '../shared/config/env.ts';
import { loadAdapter, loadFeeds, loadOperation } from '../shared/connectors/registry.ts';
import { systemClock as clock, systemRandom as random } from '../shared/model/clock.ts';
import { jsonLog } from '../shared/observe/json-log.ts';
import { eventWorker } from '../shared/webhooks/event-worker.ts';
import type { BatchAnswer, QueuedMessage } from '../shared/webhooks/work-batch.ts';

const tables = ['TABLE_INBOX', 'TABLE_LEDGER', 'TABLE_CASES', 'TABLE_STATE'] as const;
const env = readEnv([...tables, 'STAGE', 'PAYLOAD_BUCKET', 'QUEUE_INBOX_URL', 'REFRESH_FUNCTION', 'LOCAL_ORIGINS']);
const config = readRuntimeConfig(import.meta.url);
const write = (line: string) => void process.stdout.write(`${line}\n`);
const log = jsonLog({ clock, write, fields: { stage: env.STAGE, function: 'event-worker' } });
const client = dynamoClient();
const queue = sqsEventQueue({ client: sqsClient(), queueUrl: env.QUEUE_INBOX_URL });
const work = eventWorker({
  config,
  inbox: dynamoInboxStore({ client, table: env.TABLE_INBOX }),
  ledger: dynamoLedgerStore({ client, table: env.TABLE_LEDGER }),
  cases: dynamoCaseStore({ client, table: env.TABLE_CASES, random }),
  payloads: s3PayloadStore({ bucket: env.PAYLOAD_BUCKET, env: readAwsEnv }),
  sources: dynamoSourceStore({ client, table: env.TABLE_STATE }),
  delay: queue,
  ...{ send: awsSystemSender({ config, env, client, clock, log }), loadAdapter, loadFeeds, loadOperation },
  ...{ handlers: [], clock, random, log },
});

/** Claims and processes events of the inbox queue; what fails stays in the queue. */
export const handler = (
  event: { readonly Records: readonly QueuedMessage[] },
  context: { getRemainingTimeInMillis(): number },
): Promise<BatchAnswer> => work(event.Records, context.getRemainingTimeInMillis());
