import { createHash, createHmac } from 'node:crypto';
import type { Clock } from '../../../../shared/model/clock.ts';
import { createDeliveries, type Deliveries, statusOf } from '../deliveries.ts';
import type { StateFile } from '../state-file.ts';
import type { Change, Portal } from './portal.ts';
import { singular } from './property-definitions.ts';

/** Where the simulated app delivers its events. */
export type WebhookTarget = {
  /** Exactly the URL the receiver was told is its public one: it is part of the signature. */
  readonly url: string;
  /** The app's client secret. */
  readonly secret: string;
  /** Where to connect, if it is not the host of `url`. */
  readonly deliverTo?: string;
};

/** Delays between attempts, milliseconds; one more attempt than delays. */
export const defaultRetryDelaysMs: readonly number[] = [
  1_000, 2_000, 5_000, 15_000, 60_000, 300_000, 900_000, 3_600_000, 14_400_000,
];

type Item = Readonly<Record<string, string | number>>;
type Batch = { readonly id: string; readonly items: readonly Item[]; readonly attempt: number };

/** The sender of webhooks. */
export type WebhookSender = Deliveries<WebhookTarget, Batch, { readonly items: number }> & {
  onChange(change: Change): void;
};

type Deps = {
  readonly portal: Portal;
  readonly clock: Clock;
  readonly file: StateFile;
  readonly appId: number;
  readonly retryDelaysMs: readonly number[];
};

const batchSize = 100;
const concurrency = 10;

/** Sends changes in batches of at most 100, signed, at least once; a restart sends again what was not acknowledged. */
export function createWebhookSender(deps: Deps): WebhookSender {
  const { file } = deps;
  const deliveries: Omit<WebhookSender, 'onChange'> = createDeliveries({
    ...deps,
    kind: 'webhook-batch',
    atOnce: concurrency,
    send: (target: WebhookTarget, batch: Batch) => send(deps, target, batch, deliveries.closed),
    says: ({ items }) => ({ items: items.length }),
  });
  let lastEventId = file.load<number>('webhook-event-id')[0] ?? 1_000_000;
  const collected: Item[] = [];
  const flush = () => {
    const items = collected.splice(0);
    if (deliveries.closed.aborted) return;
    file.atomically(() => {
      for (let start = 0; start < items.length; start += batchSize) {
        const batch = items.slice(start, start + batchSize);
        deliveries.offer(() => ({ id: `${batch[0]?.eventId}`, items: batch, attempt: 0 }));
      }
    });
  };
  return {
    ...deliveries,
    onChange(change) {
      if (deliveries.aimedAt() === null || !isSubscribed(change)) return;
      lastEventId += 1;
      file.save('webhook-event-id', 'last', lastEventId);
      collected.push(itemOf(deps, lastEventId, change));
      if (collected.length === 1) setImmediate(flush);
    },
  };
}

/** The v3 signature. @see https://developers.hubspot.com/docs/api/webhooks/validating-requests */
export function signV3(secret: string, url: string, body: string, timestamp: string): string {
  return createHmac('sha256', secret).update(`POST${url}${body}${timestamp}`).digest('base64');
}

function isSubscribed({ type, property }: Change): boolean {
  if (type === 'notes') return false;
  return property === undefined || !property.startsWith('hs_') || property.startsWith('hs_pipeline');
}

function itemOf({ portal, appId }: Deps, eventId: number, change: Change): Item {
  const subscriptionType = `${singular(change.type)}.${change.kind}`;
  const subscriptionId = Number.parseInt(
    createHash('sha256')
      .update(`${subscriptionType}.${change.property ?? ''}`)
      .digest('hex')
      .slice(0, 6),
    16,
  );
  return {
    eventId,
    subscriptionId,
    portalId: portal.portalId,
    appId,
    occurredAt: change.atMs,
    subscriptionType,
    attemptNumber: 0,
    objectId: Number(change.id),
    ...(change.property === undefined ? {} : { propertyName: change.property, propertyValue: change.value ?? '' }),
    ...(change.kind === 'creation' ? { changeFlag: 'CREATED' } : {}),
    ...(change.kind === 'deletion' ? { changeFlag: 'DELETED' } : {}),
    changeSource: change.source,
    sourceId: change.source === 'CRM_UI' ? 'userId:1001' : String(appId),
  };
}

function send({ clock }: Deps, target: WebhookTarget, batch: Batch, closed: AbortSignal) {
  const body = JSON.stringify(batch.items.map((item) => ({ ...item, attemptNumber: batch.attempt })));
  const timestamp = String(clock.now());
  const headers = {
    'content-type': 'application/json',
    'user-agent':
      'HubSpot Connect 2.0 (http://dev.hubspot.com/) (namespace: webhooks-nio-http-client) - WebhooksExecutorDaemon-executor',
    'x-hubspot-signature': createHash('sha256')
      .update(target.secret + body)
      .digest('hex'),
    'x-hubspot-signature-version': 'v1',
    'x-hubspot-signature-v3': signV3(target.secret, target.url, body, timestamp),
    'x-hubspot-request-timestamp': timestamp,
  };
  return statusOf(target.deliverTo ?? target.url, { headers, body, withinMs: 5000, closed });
}
