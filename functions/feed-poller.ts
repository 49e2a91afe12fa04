import { dynamoCaseStore } from '../shared/aws/case-store.ts';
import { dynamoCursorStore } from '../shared/aws/cursor-store.ts';
import { dynamoClient } from '../shared/aws/dynamo.ts';
import { sqsClient, sqsEventQueue } from '../shared/aws/event-queue.ts';
import { dynamoLedgerStore } from '../shared/aws/ledger-store.ts';
import { s3PayloadStore } from '../shared/aws/payload-store.ts';
import { awsSystemSender } from '../shared/aws/system-sender.ts';
import { readAwsEnv, readEnv, readRuntimeConfig } from '../shared/config/env.ts';
import { loadFeeds, loadOperation } from '../shared/connectors/registry.ts';
import { systemClock as clock, systemRandom as random } from '../shared/model/clock.ts';
import { jsonLog } from '../shared/observe/json-log.ts';
import { pollFeeds } from '../shared/webhooks/poll.ts';
import type { FeedState } from '../shared/webhooks/ports.ts';

const tables = ['TABLE_LEDGER', 'TABLE_CASES', 'TABLE_STATE'] as const;
const env = readEnv([...tables, 'STAGE', 'PAYLOAD_BUCKET', 'QUEUE_INBOX_URL', 'REFRESH_FUNCTION', 'LOCAL_ORIGINS']);
const config = readRuntimeConfig(import.meta.url);
const write = (line: string) => void process.stdout.write(`${line}\n`);
const log = jsonLog({ clock, write, fields: { stage: env.STAGE, function: 'feed-poller' } });
const client = dynamoClient();
const deps = {
  ...{ config, clock, random, log, loadFeeds, loadOperation },
  feeds: dynamoCursorStore<FeedState>(client, env.TABLE_STATE, 'feed'),
  send: awsSystemSender({ config, env, client, clock, log }),
  queue: sqsEventQueue({ client: sqsClient(), queueUrl: env.QUEUE_INBOX_URL }),
  payloads: s3PayloadStore({ bucket: env.PAYLOAD_BUCKET, env: readAwsEnv }),
  cases: dynamoCaseStore({ client, table: env.TABLE_CASES, random }),
  ledger: dynamoLedgerStore({ client, table: env.TABLE_LEDGER }),
};

/** Once a minute: the changes of every feed that is due, into the inbox. */
export const handler = (_event: unknown, context: { getRemainingTimeInMillis(): number }) =>
  pollFeeds(deps, clock.now() + context.getRemainingTimeInMillis());
