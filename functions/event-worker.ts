import { dynamoClient } from '../shared/aws/dynamo.ts';
import { awsEventStores } from '../shared/aws/event-stores.ts';
import { awsSystemSender } from '../shared/aws/system-sender.ts';
import { readEnv, readRuntimeConfig } from '../shared/config/env.ts';
import { loadAdapter, loadFeeds, loadOperation } from '../shared/connectors/registry.ts';
import { systemClock as clock, systemRandom as random } from '../shared/model/clock.ts';
import { jsonLog } from '../shared/observe/json-log.ts';
import { deliveryHandler } from '../shared/webhooks/delivery/subscribers.ts';
import { eventWorker } from '../shared/webhooks/event-worker.ts';
import { lifecycleHandler } from '../shared/webhooks/keep-subscriptions.ts';
import type { BatchAnswer, QueuedMessage } from '../shared/webhooks/work-batch.ts';

const tables = ['TABLE_INBOX', 'TABLE_LEDGER', 'TABLE_CASES', 'TABLE_STATE'] as const;
const queues = ['QUEUE_INBOX_URL', 'QUEUE_DELIVERIES_URL'] as const;
const env = readEnv([...tables, ...queues, 'STAGE', 'PAYLOAD_BUCKET', 'REFRESH_FUNCTION', 'LOCAL_ORIGINS']);
const config = readRuntimeConfig(import.meta.url);
const write = (line: string) => void process.stdout.write(`${line}\n`);
const log = jsonLog({ clock, write, fields: { stage: env.STAGE, function: 'event-worker' } });
const client = dynamoClient();
const { deliveries, subscriptions, ...stores } = awsEventStores({ env, client, random });
const work = eventWorker({
  ...{ ...stores, config, clock, random, log },
  ...{ send: awsSystemSender({ config, env, client, clock, log }), loadAdapter, loadFeeds, loadOperation },
  handlers: [deliveryHandler({ agents: config.agents, queue: deliveries, clock }), lifecycleHandler({ subscriptions })],
});

/** Claims and processes events of the inbox queue; what fails stays in the queue. */
export const handler = (
  event: { readonly Records: readonly QueuedMessage[] },
  context: { getRemainingTimeInMillis(): number },
): Promise<BatchAnswer> => work(event.Records, context.getRemainingTimeInMillis());
