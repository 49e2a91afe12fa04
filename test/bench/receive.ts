import { createHmac, timingSafeEqual } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { CreateQueueCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { sqsEventQueue } from '../../shared/aws/event-queue.ts';
import { webhookAdapter } from '../../shared/connectors/hubspot/webhook.ts';
import { systemClock } from '../../shared/model/clock.ts';
import { jsonLog } from '../../shared/observe/json-log.ts';
import { channelsOf } from '../../shared/webhooks/channels.ts';
import { receive } from '../../shared/webhooks/receive.ts';
import { inboundRequest } from '../../shared/webhooks/request.ts';
import { ms, percentiles, printTable, timed } from './measure.ts';

const secret = 'a secret of the bench';
const origin = 'https://hooks.example.com';
const path = '/hubspot/crm';

type UrlEvent = { readonly body: string; readonly headers: Readonly<Record<string, string>> };
type QueueEndpoint = { url: string; credentials: { accessKeyId: string; secretAccessKey: string } };
type Door = (event: UrlEvent) => Promise<{ readonly statusCode: number }>;
type Load = { readonly name: string; readonly items: number; readonly calls: number; readonly event: () => UrlEvent };

/** What a handler costs that verifies and sends to the queue, and nothing else. */
function bareDoor(client: SQSClient, queueUrl: string): Door {
  return async ({ body, headers }) => {
    const atMs = Number(headers['x-hubspot-request-timestamp']);
    if (!(Math.abs(Date.now() - atMs) <= 300_000)) return { statusCode: 401 };
    const expected = createHmac('sha256', secret).update(`POST${origin}${path}${body}${atMs}`).digest();
    const given = Buffer.from(headers['x-hubspot-signature-v3'] ?? '', 'base64');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return { statusCode: 401 };
    const items = JSON.parse(body) as unknown[];
    const batches = Array.from({ length: Math.ceil(items.length / 10) }, (_, i) => items.slice(i * 10, i * 10 + 10));
    await Promise.all(
      batches.map((batch) => {
        const Entries = batch.map((item, i) => ({ Id: String(i), MessageBody: JSON.stringify(item) }));
        return client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
      }),
    );
    return { statusCode: 200 };
  };
}

/** The webhook door as it is deployed, its log and metrics included; they are written to nowhere. */
function ourDoor(client: SQSClient, queueUrl: string): Door {
  const settings = { scheme: 'hubspot-v3', secret: 's', tolerance: 300_000, maxBodyBytes: 1_048_576 };
  const config = { systems: { hubspot: { connector: 'hubspot', owner: 'revops', webhooks: { crm: settings } } } };
  const deps = {
    channels: channelsOf(config as never, () => webhookAdapter),
    secretsOf: () => [secret],
    publicOrigin: origin,
    queue: sqsEventQueue({ client, queueUrl }),
    payloads: { put: () => Promise.reject(new Error('nothing of this size is stored')) },
    clock: systemClock,
    log: jsonLog({ clock: systemClock, write: () => {}, fields: { stage: 'bench', function: 'webhook-door' } }),
  };
  return (event) => receive(deps, inboundRequest(event));
}

let lastEventId = 0;

/** One signed delivery of so many notifications, none of which was there before. */
function delivery(items: number, bytes: number): UrlEvent {
  const atMs = Date.now();
  const all = Array.from({ length: items }, () => {
    lastEventId += 1;
    return {
      ...{ eventId: lastEventId, subscriptionId: 12, portalId: 4711, appId: 99, occurredAt: atMs, attemptNumber: 0 },
      ...{ subscriptionType: 'contact.propertyChange', objectId: lastEventId, propertyName: 'note' },
      propertyValue: 'x'.repeat(Math.max(0, bytes - 230)),
    };
  });
  const body = JSON.stringify(all);
  const mac = createHmac('sha256', secret).update(`POST${origin}${path}${body}${atMs}`).digest('base64');
  return {
    ...{ version: '2.0', rawPath: path, rawQueryString: '', body, isBase64Encoded: false },
    headers: { 'x-hubspot-signature-v3': mac, 'x-hubspot-request-timestamp': String(atMs) },
    requestContext: { domainName: 'abc.lambda-url.eu-central-1.on.aws', http: { method: 'POST', path } },
  } as UrlEvent;
}

const loads: readonly Load[] = [
  { name: 'One event of 1 KB', items: 1, calls: 1500, event: () => delivery(1, 1000) },
  { name: 'A batch of 100 events', items: 100, calls: 200, event: () => delivery(100, 400) },
];

/**
 * Measures how long an acknowledgement takes and how many events a second two cores take, beside a handler that only verifies and
 * sends to the queue. Both answer the same deliveries in turn, against a queue in a thread of its own.
 * @returns our p50 as a multiple of the bare handler's, by load
 */
export async function measureReceive(): Promise<ReadonlyMap<string, number>> {
  const worker = new Worker(new URL('./queue-endpoint.ts', import.meta.url));
  const { url: endpoint, credentials } = await new Promise<QueueEndpoint>((resolve) => worker.once('message', resolve));
  const client = () => new SQSClient({ endpoint, credentials, maxAttempts: 1, region: 'eu-central-1' });
  const { QueueUrl = '' } = await client().send(new CreateQueueCommand({ QueueName: 'bench' }));
  const doors = {
    'verify and send': bareDoor(client(), QueueUrl),
    'webhook door': ourDoor(client(), QueueUrl),
  };
  const ratios = new Map<string, number>();
  for (const load of loads) {
    await inTurn(doors, { ...load, calls: Math.ceil(load.calls / 5) });
    const samples = await inTurn(doors, load);
    const rows = [];
    for (const [name, door] of Object.entries(doors)) {
      const { p50, p99 } = percentiles(samples.get(name) ?? []);
      rows.push([name, ms(p50), ms(p99), String(Math.round(await perSecond(door, load)))]);
    }
    printTable(
      `${load.name}: acknowledgement, and events a second with 8 deliveries at a time`,
      ['', 'p50', 'p99', 'events/s'],
      rows,
    );
    const [bare, ours] = ['verify and send', 'webhook door'].map((name) => percentiles(samples.get(name) ?? []).p50);
    ratios.set(load.name, (ours ?? Number.NaN) / (bare ?? Number.NaN));
  }
  await worker.terminate();
  return ratios;
}

async function inTurn(doors: Readonly<Record<string, Door>>, load: Load): Promise<Map<string, number[]>> {
  const samples = new Map<string, number[]>(Object.keys(doors).map((name) => [name, []]));
  for (let i = 0; i < load.calls; i += 1) {
    const entries = Object.entries(doors);
    for (const [name, door] of i % 2 === 0 ? entries : entries.reverse()) {
      const event = load.event();
      const { ms: took, value } = await timed(() => door(event));
      if (value.statusCode >= 300) throw new Error(`${name} answered ${value.statusCode}`);
      samples.get(name)?.push(took);
    }
  }
  return samples;
}

async function perSecond(door: Door, load: Load): Promise<number> {
  const events = Array.from({ length: load.calls }, () => load.event());
  const { ms: took } = await timed(async () => {
    const next = events.values();
    const one = async () => {
      for (const event of next) await door(event);
    };
    await Promise.all(Array.from({ length: 8 }, one));
  });
  return (load.calls * load.items * 1000) / took;
}
