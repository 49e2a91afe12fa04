import { rules } from '../config/rules/index.ts';
import { awsDeliveryStores } from '../shared/aws/delivery-stores.ts';
import { dynamoClient } from '../shared/aws/dynamo.ts';
import { readEnv, readRuntimeConfig } from '../shared/config/env.ts';
import { httpClient } from '../shared/http/client.ts';
import { notify } from '../shared/ledger/notices.ts';
import { systemClock as clock, systemRandom as random } from '../shared/model/clock.ts';
import { jsonLog } from '../shared/observe/json-log.ts';
import { ruleDecider } from '../shared/webhooks/delivery/rule.ts';
import { deliveryWorker } from '../shared/webhooks/delivery/worker.ts';
import type { QueuedMessage } from '../shared/webhooks/work-batch.ts';

const env = readEnv(['STAGE', 'TABLE_STATE', 'TABLE_LEDGER', 'TABLE_CASES', 'QUEUE_DELIVERIES_URL']);
const config = readRuntimeConfig(import.meta.url);
const write = (line: string) => void process.stdout.write(`${line}\n`);
const log = jsonLog({ clock, write, fields: { stage: env.STAGE, function: 'event-delivery' } });
const stores = awsDeliveryStores({ env, config, client: dynamoClient(), clock, random });
const work = deliveryWorker({
  ...{ ...stores, config, clock, random, log },
  http: httpClient({ clock, local: env.STAGE === 'local' }),
  decide: ruleDecider(rules),
  tell: (opened) => notify({ ...stores, config, clock, log }, opened, 'opened', null),
});

/** Tells agents of events; what has to wait stays in the queue. */
export const handler = (event: { readonly Records: readonly QueuedMessage[] }) => work(event.Records);
