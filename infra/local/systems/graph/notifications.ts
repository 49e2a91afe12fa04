import { createQueue, type Delivery, post } from '../deliveries.ts';
import { noStateFile } from '../state-file.ts';
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
  log(): readonly Delivery<Told>[];
  close(): void;
};

type Told = { readonly url: string; readonly items: number };
type Waiting = {
  readonly id: string;
  readonly url: string;
  readonly items: readonly object[];
  readonly attempt: number;
};
type State = {
  readonly tenant: Tenant;
  readonly closing: AbortController;
  target: NotificationTarget | null;
  left: { drop: number; duplicate: number; forge: number };
  enqueue(url: string, item: object): void;
};

/** Delays between attempts, milliseconds; Graph goes on for hours. */
export const defaultRetryDelaysMs: readonly number[] = [10_000, 60_000, 600_000];

/** Sends each change to every subscription that is about it, at least once. */
export function createNotificationSender(tenant: Tenant, retryDelaysMs = defaultRetryDelaysMs): NotificationSender {
  const closing = new AbortController();
  const queue = createQueue<Tenant, Waiting, Told>(
    {
      ...{ clock: tenant.clock, file: noStateFile, kind: '', retryDelaysMs, atOnce: 1, gather },
      send: async (_tenant, { url, items }) =>
        ask(state, url, '', JSON.stringify({ value: items })).catch(() => ({ status: null })),
      says: ({ url, items }) => ({ url, items: items.length }),
    },
    () => tenant,
    closing.signal,
  );
  const state: State = {
    ...{ tenant, closing, target: null, left: { drop: 0, duplicate: 0, forge: 0 } },
    enqueue: (url, item) => queue.add({ id: '', url, items: [item], attempt: 0 }),
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
    log: () => queue.log,
    close: () => closing.abort(),
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
    state.enqueue(one.notificationUrl, item);
    if (left.duplicate > 0) {
      left.duplicate -= 1;
      state.enqueue(one.notificationUrl, item);
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
    state.enqueue(one.lifecycleNotificationUrl ?? '', item);
  }
  return all.length;
}

/** What waits for the same address goes together. */
function gather(first: Waiting, queue: Waiting[]): Waiting {
  const same = queue.filter(({ url, attempt }) => url === first.url && attempt === first.attempt).slice(0, 49);
  for (const one of same) queue.splice(queue.indexOf(one), 1);
  return { ...first, items: [first, ...same].flatMap(({ items }) => items) };
}

async function validates(state: State, url: string): Promise<boolean> {
  const token = `Validation: Testing client application reachability for subscription Request-Id: ${guidOf('check', url)} <b>&é`;
  try {
    const { status, text, headers } = await ask(state, url, `?validationToken=${encodeURIComponent(token)}`, '');
    return status === 200 && /^text\/plain\b/.test(headers.get('content-type') ?? '') && text === token;
  } catch {
    return false;
  }
}

function ask({ target, closing }: State, url: string, query: string, body: string) {
  const to = target?.deliverTo !== undefined && url === target.url ? target.deliverTo : url;
  const headers = { 'content-type': body === '' ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8' };
  return post(to + query, { headers, body, withinMs: 10_000, closed: closing.signal });
}
