import { sqsClient, sqsEventQueue } from '../shared/aws/event-queue.ts';
import { s3PayloadStore } from '../shared/aws/payload-store.ts';
import { awsSecretStore, secretsClient } from '../shared/aws/secret-store.ts';
import { readAwsEnv, readEnv, readRuntimeConfig } from '../shared/config/env.ts';
import { loadAdapter } from '../shared/connectors/registry.ts';
import { systemClock } from '../shared/model/clock.ts';
import { jsonLog } from '../shared/observe/json-log.ts';
import { loadChannels } from '../shared/webhooks/channels.ts';
import { receive } from '../shared/webhooks/receive.ts';
import { type InboundResponse, inboundRequest } from '../shared/webhooks/request.ts';
import { createSecretCache } from '../shared/webhooks/secret-cache.ts';

const env = readEnv(['STAGE', 'QUEUE_INBOX_URL', 'PAYLOAD_BUCKET', 'WEBHOOK_PUBLIC_URL']);
const clock = systemClock;
const write = (line: string) => void process.stdout.write(`${line}\n`);
const log = jsonLog({ clock, write, fields: { stage: env.STAGE, function: 'webhook-door' } });
const channels = await loadChannels(readRuntimeConfig(import.meta.url), loadAdapter);
const names = [...channels.values()].map(({ secret }) => secret);
const secrets = createSecretCache({ secrets: awsSecretStore(secretsClient()), names, clock, log });
await secrets.keepFresh();

const deps = {
  channels,
  secretsOf: secrets.valuesOf,
  publicOrigin: env.WEBHOOK_PUBLIC_URL?.replace(/\/$/, '') ?? null,
  queue: sqsEventQueue({ client: sqsClient(), queueUrl: env.QUEUE_INBOX_URL }),
  payloads: s3PayloadStore({ bucket: env.PAYLOAD_BUCKET, env: readAwsEnv }),
  clock,
  log,
};

/** `POST /{system}/{channel}`: verifies, queues, and answers as the provider expects. */
export async function handler(event: unknown): Promise<InboundResponse> {
  await secrets.keepFresh();
  return receive(deps, inboundRequest(event));
}
