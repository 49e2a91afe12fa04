import { dynamoClient } from '../shared/aws/dynamo.ts';
import { awsSourceStores } from '../shared/aws/source-stores.ts';
import { awsSystemSender } from '../shared/aws/system-sender.ts';
import { readEnv, readRuntimeConfig } from '../shared/config/env.ts';
import { loadEndpointKeeper, loadFeeds, loadKeeper, loadOperation } from '../shared/connectors/registry.ts';
import { systemClock as clock, systemRandom as random } from '../shared/model/clock.ts';
import { eachOf } from '../shared/observe/each-of.ts';
import { jsonLog } from '../shared/observe/json-log.ts';
import { keepEndpoints } from '../shared/webhooks/keep-endpoints.ts';
import { keepSubscriptions } from '../shared/webhooks/keep-subscriptions.ts';
import { pollFeeds } from '../shared/webhooks/poll.ts';

const tables = ['TABLE_LEDGER', 'TABLE_CASES', 'TABLE_STATE'] as const;
const others = ['PAYLOAD_BUCKET', 'QUEUE_INBOX_URL', 'REFRESH_FUNCTION', 'LOCAL_ORIGINS', 'STAGE'] as const;
const env = readEnv([...tables, ...others, 'WEBHOOK_PUBLIC_URL']);
const config = readRuntimeConfig(import.meta.url);
const write = (line: string) => void process.stdout.write(`${line}\n`);
const log = jsonLog({ clock, write, fields: { stage: env.STAGE, function: 'source-keeper' } });
const client = dynamoClient();
const deps = {
  ...awsSourceStores({ env, client, clock, random }),
  ...{ config, clock, random, log, loadEndpointKeeper, loadFeeds, loadKeeper, loadOperation },
  send: awsSystemSender({ config, env, client, clock, log }),
  publicOrigin: env.WEBHOOK_PUBLIC_URL?.replace(/\/$/, '') ?? null,
};

/** Once a minute: the changes of every feed that is due, into the inbox; and the subscriptions and endpoints of channels. */
export const handler = (_event: unknown, context: { getRemainingTimeInMillis(): number }) => {
  const deadlineMs = clock.now() + context.getRemainingTimeInMillis();
  return eachOf(log, {
    feeds: () => pollFeeds(deps, deadlineMs),
    subscriptions: () => keepSubscriptions(deps, deadlineMs),
    endpoints: () => keepEndpoints(deps, deadlineMs),
  });
};
