import { folderId } from './message.ts';
import { aboutOf, expire, save } from './subscriptions.ts';
import { type Change, changeKeyOf, guidOf, type Subscription, type Tenant } from './tenant.ts';

/** Where the tenant's own subscriptions of the local target go. */
export type NotificationTarget = {
  /** The address that a subscription names. */
  readonly url: string;
  /** Where to connect instead. */
  readonly deliverTo?: string;
  /** The client state of every item. */
  readonly secret: string;
};

export type LifecycleEvent = 'reauthorizationRequired' | 'subscriptionRemoved' | 'missed';

/** One attempt that was made. */
export type Delivery = {
  readonly atMs: number;
  readonly url: string;
  readonly items: number;
  readonly attempt: number;
  readonly status: number | null;
};

/** The sender of change notifications. */
export type NotificationSender = {
  /** Subscribes it to mails and events of every mailbox; null ends that. */
  target(target: NotificationTarget | null): void;
  onChange(change: Change): void;
  /** Asks an address whether it is ours, as a new subscription does. */
  validates(url: string): Promise<boolean>;
  lifecycle(event: LifecycleEvent): number;
  /** The next `count` notifications are never made. */
  drop(count: number): void;
  /** The next `count` notifications are made twice. */
  duplicate(count: number): void;
  /** The next `count` notifications carry another client state. */
  forge(count: number): void;
  log(): readonly Delivery[];
  close(): void;
};

type Waiting = { readonly url: string; readonly items: readonly object[]; readonly attempt: number };
type State = {
  readonly tenant: Tenant;
  readonly retryDelaysMs: readonly number[];
  readonly closed: AbortController;
  readonly log: Delivery[];
  readonly queue: Waiting[];
  target: NotificationTarget | null;
  left: { drop: number; duplicate: number; forge: number };
  running: boolean;
};

/** Delays between attempts, milliseconds; Graph goes on for hours. */
export const defaultRetryDelaysMs: readonly number[] = [10_000, 60_000, 600_000];

/** Sends each change to every subscription that is about it, at least once. */
export function createNotificationSender(tenant: Tenant, retryDelaysMs = defaultRetryDelaysMs): NotificationSender {
  const state: State = {
    ...{ tenant, retryDelaysMs, closed: new AbortController(), log: [], queue: [], target: null, running: false },
    left: { drop: 0, duplicate: 0, forge: 0 },
  };
  const more = (knob: keyof State['left']) => (count: number) => {
    state.left[knob] += count;
  };
  return {
    target: (target) => aim(state, target),
    onChange: (change) => notify(state, change),
    validates: (url) => validates(state, url),
    lifecycle: (event) => tellLifecycle(state, event),
    ...{ drop: more('drop'), duplicate: more('duplicate'), forge: more('forge') },
    log: () => state.log,
    close: () => state.closed.abort(),
  };
}

const ownId = (userId: string, area: string) => guidOf('own-subscription', userId, area);

function aim(state: State, target: NotificationTarget | null): void {
  const { tenant } = state;
  state.target = target;
  for (const { id, hasMailbox } of tenant.users.values()) {
    for (const area of hasMailbox ? ['messages', 'events'] : []) {
      if (target === null) tenant.subscriptions.delete(ownId(id, area));
      else {
        save(tenant, {
          ...{ id: ownId(id, area), resource: `users/${id}/${area}`, changeType: 'created,updated,deleted' },
          ...{ notificationUrl: target.url, lifecycleNotificationUrl: target.url, clientState: target.secret },
          ...{ expiresAtMs: tenant.clock.now() + 4230 * 60_000, immutableIds: true },
        });
      }
    }
  }
}

function notify(state: State, change: Change): void {
  const { tenant, left } = state;
  expire(tenant);
  for (const one of tenant.subscriptions.values()) {
    const resource = one.changeType.split(',').includes(change.type) ? resourceOf(one, change) : null;
    if (resource === null) continue;
    if (left.drop > 0) {
      left.drop -= 1;
      continue;
    }
    const item = itemOf(state, one, change, resource);
    enqueue(state, { url: one.notificationUrl, items: [item], attempt: 0 });
    if (left.duplicate > 0) {
      left.duplicate -= 1;
      enqueue(state, { url: one.notificationUrl, items: [item], attempt: 0 });
    }
  }
}

/** The record a subscription is told of, or null where it is about something else. */
function resourceOf(one: Subscription, { of }: Change): string | null {
  const about = aboutOf(one.resource);
  if (!about) return null;
  if (!('kind' in of)) return about.area === 'users' ? `Users/${of.id}` : null;
  const area = of.kind === 'message' ? 'messages' : 'events';
  if (about.area !== area || about.userId?.toLowerCase() !== of.userId) return null;
  const isFolder =
    about.folder === null || [of.folder, folderId({ id: of.userId }, of.folder).toLowerCase()].includes(about.folder);
  if (!isFolder) return null;
  return `Users/${of.userId}/${area === 'messages' ? 'Messages' : 'Events'}/${one.immutableIds ? of.id : of.entryId}`;
}

function base(state: State, one: Subscription): object {
  const forged = state.left.forge > 0;
  if (forged) state.left.forge -= 1;
  return {
    subscriptionId: one.id,
    subscriptionExpirationDateTime: new Date(one.expiresAtMs).toISOString(),
    tenantId: state.tenant.tenantId,
    ...(one.clientState === null ? {} : { clientState: forged ? 'not-the-client-state' : one.clientState }),
  };
}

function itemOf(state: State, one: Subscription, { type, of }: Change, resource: string): object {
  const kind = 'kind' in of ? of.kind : 'user';
  return {
    ...base(state, one),
    ...{ changeType: type, resource },
    resourceData: {
      '@odata.type': `#Microsoft.Graph.${kind.charAt(0).toUpperCase()}${kind.slice(1)}`,
      '@odata.id': resource,
      ...('kind' in of && type !== 'deleted' ? { '@odata.etag': `W/"${changeKeyOf(of)}"` } : {}),
      id: resource.split('/').at(-1),
    },
  };
}

function tellLifecycle(state: State, event: LifecycleEvent): number {
  const all = [...state.tenant.subscriptions.values()].filter((one) => one.lifecycleNotificationUrl !== null);
  for (const one of all) {
    const item = { ...base(state, one), lifecycleEvent: event };
    if (event === 'subscriptionRemoved') state.tenant.subscriptions.delete(one.id);
    enqueue(state, { url: one.lifecycleNotificationUrl ?? '', items: [item], attempt: 0 });
  }
  return all.length;
}

function enqueue(state: State, waiting: Waiting): void {
  state.queue.push(waiting);
  if (state.running) return;
  state.running = true;
  // After the request that made the change was answered.
  setImmediate(() => {
    pump(state).catch(() => undefined);
  });
}

async function pump(state: State): Promise<void> {
  try {
    for (;;) {
      const first = state.closed.signal.aborted ? undefined : state.queue.shift();
      if (first === undefined) return;
      // What waits for the same address goes together.
      const same = state.queue
        .filter(({ url, attempt }) => url === first.url && attempt === first.attempt)
        .slice(0, 49);
      for (const one of same) state.queue.splice(state.queue.indexOf(one), 1);
      await deliver(state, { ...first, items: [first, ...same].flatMap(({ items }) => items) });
    }
  } finally {
    state.running = false;
  }
}

async function deliver(state: State, waiting: Waiting): Promise<void> {
  const { url, items, attempt } = waiting;
  const { clock } = state.tenant;
  const status = await post(state, url, '', JSON.stringify({ value: items })).then(
    (answer) => answer?.status ?? null,
    () => null,
  );
  state.log.push({ atMs: clock.now(), url, items: items.length, attempt, status });
  const delayMs = state.retryDelaysMs[attempt];
  if (state.closed.signal.aborted || (status !== null && status >= 200 && status < 300) || delayMs === undefined)
    return;
  // The wait must not hold up the others.
  waitUntil(state, clock.now() + delayMs).then(
    () => enqueue(state, { ...waiting, attempt: attempt + 1 }),
    () => undefined,
  );
}

// In short steps, so that closing the simulator does not wait for an attempt hours away.
async function waitUntil({ tenant: { clock }, closed }: State, atMs: number): Promise<void> {
  while (clock.now() < atMs && !closed.signal.aborted) await clock.sleep(Math.min(250, atMs - clock.now()));
}

async function validates(state: State, url: string): Promise<boolean> {
  const token = `Validation: Testing client application reachability for subscription Request-Id: ${guidOf('check', url)} <b>&é`;
  try {
    const answer = await post(state, url, `?validationToken=${encodeURIComponent(token)}`, '');
    const isPlain = /^text\/plain\b/.test(answer?.contentType ?? '');
    return answer !== null && answer.status === 200 && isPlain && answer.text === token;
  } catch {
    return false;
  }
}

async function post(state: State, url: string, query: string, body: string) {
  const { target } = state;
  const to = target?.deliverTo !== undefined && url === target.url ? target.deliverTo : url;
  const signal = AbortSignal.any([state.closed.signal, AbortSignal.timeout(10_000)]);
  const headers = { 'content-type': body === '' ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8' };
  const answer = await fetch(to + query, { method: 'POST', headers, body, signal, redirect: 'manual' });
  return { status: answer.status, contentType: answer.headers.get('content-type') ?? '', text: await answer.text() };
}
