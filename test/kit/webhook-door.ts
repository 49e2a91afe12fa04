import { createHmac } from 'node:crypto';
import { webhookAdapter } from '../../shared/connectors/hubspot/webhook.ts';
import type { InboxMessage } from '../../shared/model/event.ts';
import type { Log } from '../../shared/observe/log.ts';
import { type Channel, channelsOf } from '../../shared/webhooks/channels.ts';
import { type ReceiveDeps, receive } from '../../shared/webhooks/receive.ts';
import { inboundRequest } from '../../shared/webhooks/request.ts';
import { memoryPayloadStore } from './memory-payload-store.ts';

/** The secret of every channel of the test door. */
export const doorSecret = 'a shared secret of the door';
/** The time of the test door. */
export const doorNowMs = 1_795_000_000_000;
const publicOrigin = 'https://hooks.example.com';

const schemes: Readonly<Record<string, { scheme: string; params?: Record<string, string> }>> = {
  crm: { scheme: 'hubspot-v3' },
  hub: { scheme: 'github' },
  xero: { scheme: 'xero' },
  slack: { scheme: 'slack' },
  graph: { scheme: 'graph' },
  meta: { scheme: 'meta', params: { verifyToken: 'what-was-typed' } },
  sf: { scheme: 'salesforce-outbound', params: { organizationId: '00D000000000001' } },
};

/** A door in memory with one channel a scheme under `/acme/`; counts every call that would leave the process. */
export function testDoor(changes: Partial<ReceiveDeps> = {}) {
  const sent: InboxMessage[] = [];
  const metrics: string[] = [];
  const lines: string[] = [];
  const payloads = memoryPayloadStore();
  const calls = { queue: 0 };
  const webhooks = Object.fromEntries(
    Object.entries(schemes).map(([name, one]) => [
      name,
      { ...one, secret: `secret/${name}`, tolerance: 300_000, maxBodyBytes: 1_048_576 },
    ]),
  );
  const config = { systems: { acme: { connector: 'hubspot', owner: 'revops', webhooks } } };
  const channels: ReadonlyMap<string, Channel> = channelsOf(config as never, (_connector, scheme) =>
    scheme === 'hubspot-v3' ? webhookAdapter : null,
  );
  const note = (...parts: unknown[]) => void lines.push(JSON.stringify(parts));
  const log: Log = {
    info: note,
    warn: note,
    error: note,
    metric: (name, _v, _u, d) => void metrics.push(`${name} ${JSON.stringify(d)}`),
  };
  const deps: ReceiveDeps = {
    channels,
    secretsOf: () => [doorSecret],
    publicOrigin,
    queue: {
      send: async (messages) => {
        calls.queue += 1;
        sent.push(...messages);
      },
    },
    payloads,
    clock: { now: () => doorNowMs, sleep: async () => {} },
    log,
    ...changes,
  };
  const post = (event: object) => receive(deps, inboundRequest(event));
  return { deps, post, sent, metrics, lines, payloads, calls };
}

/** A Lambda Function URL event (payload 2.0). */
export function urlEvent(path: string, body: string | Uint8Array, headers: object = {}, more: object = {}) {
  const text = typeof body === 'string' ? body : Buffer.from(body).toString('base64');
  return {
    version: '2.0',
    rawPath: path,
    rawQueryString: '',
    headers,
    body: text,
    isBase64Encoded: typeof body !== 'string',
    requestContext: { domainName: 'abc.lambda-url.eu-central-1.on.aws', http: { method: 'POST', path } },
    ...more,
  };
}

/** HubSpot's headers for a body that is posted to `/acme/crm`. */
export function hubspotHeaders(body: string | Uint8Array, origin = publicOrigin, atMs = doorNowMs) {
  const mac = createHmac('sha256', doorSecret).update(`POST${origin}/acme/crm`).update(body).update(String(atMs));
  return { 'x-hubspot-signature-v3': mac.digest('base64'), 'x-hubspot-request-timestamp': String(atMs) };
}

/** One HubSpot notification. */
export function hubspotItem(eventId: number | string, changes: object = {}) {
  return {
    eventId,
    subscriptionId: 12,
    portalId: 4711,
    appId: 99,
    occurredAt: doorNowMs - 1000,
    subscriptionType: 'contact.propertyChange',
    attemptNumber: 0,
    objectId: 501,
    propertyName: 'lifecyclestage',
    propertyValue: 'customer',
    ...changes,
  };
}
