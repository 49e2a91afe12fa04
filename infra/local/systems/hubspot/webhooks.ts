import { createHash, createHmac } from 'node:crypto';
import type { Clock } from '../../../../shared/model/clock.ts';
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
type Batch = { id: string; items: Item[]; attempt: number };

/** The sender of webhooks. */
export type WebhookSender = {
  target(target: WebhookTarget | null): void;
  onChange(change: Change): void;
  /** The next `count` deliveries are never made. */
  drop(count: number): void;
  /** The next `count` deliveries are made twice. */
  duplicate(count: number): void;
  log(): readonly { atMs: number; attempt: number; items: number; status: number | null }[];
  close(): void;
};

type Deps = { portal: Portal; clock: Clock; file: StateFile; appId: number; retryDelaysMs: readonly number[] };
type State = {
  deps: Deps;
  target: WebhookTarget | null;
  waiting: Item[];
  lastEventId: number;
  dropping: number;
  doubling: number;
  closed: AbortController;
  log: { atMs: number; attempt: number; items: number; status: number | null }[];
  running: number;
  queue: (() => Promise<void>)[];
};

const batchSize = 100;
const concurrency = 10;

/** Sends changes in batches of at most 100, signed, at least once; a restart sends again what was not acknowledged. */
export function createWebhookSender(deps: Deps): WebhookSender {
  const lastEventId = deps.file.load<number>('webhook-event-id')[0] ?? 1_000_000;
  const closed = new AbortController();
  const state: State = {
    deps,
    target: null,
    waiting: [],
    lastEventId,
    dropping: 0,
    doubling: 0,
    closed,
    log: [],
    running: 0,
    queue: [],
  };
  return {
    target(target) {
      const first = state.target === null;
      state.target = target;
      if (first && target !== null) for (const batch of deps.file.load<Batch>('webhook-batch')) enqueue(state, batch);
    },
    onChange: (change) => collect(state, change),
    drop(count) {
      state.dropping += count;
    },
    duplicate(count) {
      state.doubling += count;
    },
    log: () => state.log,
    close: () => closed.abort(),
  };
}

/** The v3 signature. @see https://developers.hubspot.com/docs/api/webhooks/validating-requests */
export function signV3(secret: string, url: string, body: string, timestamp: string): string {
  return createHmac('sha256', secret).update(`POST${url}${body}${timestamp}`).digest('base64');
}

function collect(state: State, change: Change): void {
  const subscribed =
    change.property === undefined || !change.property.startsWith('hs_') || change.property.startsWith('hs_pipeline');
  if (state.target === null || !subscribed || change.type === 'notes') return;
  state.lastEventId += 1;
  state.deps.file.save('webhook-event-id', 'last', state.lastEventId);
  state.waiting.push(itemOf(state, change));
  if (state.waiting.length === 1) setImmediate(() => flush(state));
}

function itemOf(state: State, change: Change): Item {
  const subscriptionType = `${singular(change.type)}.${change.kind}`;
  const subscriptionId = Number.parseInt(
    createHash('sha256')
      .update(`${subscriptionType}.${change.property ?? ''}`)
      .digest('hex')
      .slice(0, 6),
    16,
  );
  return {
    eventId: state.lastEventId,
    subscriptionId,
    portalId: state.deps.portal.portalId,
    appId: state.deps.appId,
    occurredAt: change.atMs,
    subscriptionType,
    attemptNumber: 0,
    objectId: Number(change.id),
    ...(change.property === undefined ? {} : { propertyName: change.property, propertyValue: change.value ?? '' }),
    ...(change.kind === 'creation' ? { changeFlag: 'CREATED' } : {}),
    ...(change.kind === 'deletion' ? { changeFlag: 'DELETED' } : {}),
    changeSource: change.source,
    sourceId: change.source === 'CRM_UI' ? 'userId:1001' : String(state.deps.appId),
  };
}

function flush(state: State): void {
  const items = state.waiting.splice(0);
  if (state.closed.signal.aborted) return;
  state.deps.file.atomically(() => {
    for (let start = 0; start < items.length; start += batchSize) {
      if (state.dropping > 0) {
        state.dropping -= 1;
        continue;
      }
      const batch = { id: `${items[start]?.eventId}`, items: items.slice(start, start + batchSize), attempt: 0 };
      state.deps.file.save('webhook-batch', batch.id, batch);
      enqueue(state, batch);
      if (state.doubling > 0) {
        state.doubling -= 1;
        enqueue(state, { ...batch, id: `${batch.id}-again` });
      }
    }
  });
}

function enqueue(state: State, batch: Batch): void {
  state.queue.push(() => deliver(state, batch));
  pump(state);
}

function pump(state: State): void {
  while (state.running < concurrency && !state.closed.signal.aborted) {
    const next = state.queue.shift();
    if (next === undefined) return;
    state.running += 1;
    next()
      .catch(() => undefined)
      .finally(() => {
        state.running -= 1;
        pump(state);
      });
  }
}

async function deliver(state: State, batch: Batch): Promise<void> {
  const target = state.target;
  if (target === null || state.closed.signal.aborted) return;
  const status = await post(state, target, batch);
  state.log.push({ atMs: state.deps.clock.now(), attempt: batch.attempt, items: batch.items.length, status });
  const delayMs = state.deps.retryDelaysMs[batch.attempt];
  const accepted = status !== null && status >= 200 && status < 300;
  if (state.closed.signal.aborted) return;
  if (accepted || delayMs === undefined) {
    state.deps.file.remove('webhook-batch', batch.id);
    return;
  }
  const next = { ...batch, attempt: batch.attempt + 1 };
  // The wait must not hold one of the ten delivery slots.
  waitUntil(state, state.deps.clock.now() + delayMs).then(
    () => enqueue(state, next),
    () => undefined,
  );
}

// In short steps, so that closing the simulator does not wait for an attempt hours away.
async function waitUntil(state: State, atMs: number): Promise<void> {
  const { clock } = state.deps;
  while (clock.now() < atMs && !state.closed.signal.aborted) await clock.sleep(Math.min(250, atMs - clock.now()));
}

async function post(state: State, target: WebhookTarget, batch: Batch): Promise<number | null> {
  const body = JSON.stringify(batch.items.map((item) => ({ ...item, attemptNumber: batch.attempt })));
  const timestamp = String(state.deps.clock.now());
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
  const signal = AbortSignal.any([state.closed.signal, AbortSignal.timeout(5_000)]);
  try {
    const answer = await fetch(target.deliverTo ?? target.url, {
      method: 'POST',
      headers,
      body,
      signal,
      redirect: 'manual',
    });
    await answer.arrayBuffer();
    return answer.status;
  } catch {
    return null;
  }
}
