import * as z from 'zod';
import type { FaultBook } from '../faults.ts';
import type { SimAnswer, SimRequest } from '../loopback-server.ts';
import type { NotificationSender } from './notifications.ts';
import type { OAuthServer } from './oauth.ts';
import { receive } from './outgoing.ts';
import { putUser, remove, type Tenant, touch, userOf } from './tenant.ts';

/** What the knobs turn. */
export type AdminDeps = {
  readonly tenant: Tenant;
  readonly faults: FaultBook;
  readonly oauth: OAuthServer;
  readonly notifications: NotificationSender;
};

const on = z.strictObject({ on: z.boolean().default(true) }).prefault({});
const count = z.strictObject({ count: z.number().int().min(1).default(1) }).prefault({});

/**
 * The routes under `/_`: logs, faults and the knobs of the person who runs the simulator. They are no part of Graph. The listener
 * has refused web pages before.
 */
export function adminRoute(deps: AdminDeps, request: SimRequest): SimAnswer {
  try {
    const body: unknown = request.bodyText === '' ? {} : JSON.parse(request.bodyText);
    return request.method === 'GET' ? show(deps, request.path) : turn(deps, request, body);
  } catch (error) {
    if (error instanceof z.ZodError) return plain(400, { error: z.prettifyError(error) });
    if (error instanceof SyntaxError) return plain(400, { error: 'The body is not JSON.' });
    throw error;
  }
}

function show({ tenant, faults, oauth, notifications }: AdminDeps, path: string): SimAnswer {
  if (path === '/_effects') return plain(200, { effects: tenant.effects.effects() });
  if (path === '/_requests') return plain(200, { requests: tenant.effects.requests() });
  if (path === '/_faults') return plain(200, { faults: faults.list() });
  if (path === '/_oauth') return plain(200, oauth.counters());
  if (path === '/_deliveries') return plain(200, { deliveries: notifications.log() });
  return plain(404, { error: 'GET /_effects, /_requests, /_faults, /_oauth or /_deliveries' });
}

function turn(deps: AdminDeps, { method, path }: SimRequest, body: unknown): SimAnswer {
  if (method === 'DELETE' && path === '/_faults') {
    deps.faults.clear();
    return plain(200, { faults: [] });
  }
  if (method === 'DELETE' && path === '/_effects') {
    deps.tenant.effects.clear();
    return plain(200, { effects: [] });
  }
  if (method !== 'POST') return plain(405, { error: 'GET, POST or DELETE' });
  if (path === '/_faults') {
    const asked = Array.isArray(body) ? body : [body];
    return plain(201, { faults: asked.map((spec) => deps.faults.add(spec)) });
  }
  const name = /^\/_admin\/([a-z0-9-]+)$/.exec(path)?.[1] ?? '';
  const knob = Object.hasOwn(knobs, name) ? knobs[name] : undefined;
  if (!knob) return plain(404, { error: `One of ${Object.keys(knobs).join(', ')} under /_admin/` });
  const result = knob(deps, body);
  return result === null ? plain(404, { error: 'No such record.' }) : plain(200, result);
}

const knobs: Readonly<Record<string, (deps: AdminDeps, body: unknown) => object | null>> = {
  'expire-tokens': ({ oauth }) => ({ expired: oauth.expireAll() }),
  /** Every token is refused, however new: the endless 401. */
  'reject-tokens': ({ tenant }, body) => {
    tenant.knobs.rejectsTokens = on.parse(body).on;
    return { rejects: tenant.knobs.rejectsTokens };
  },
  'expire-secret': ({ tenant }, body) => {
    tenant.knobs.secretExpired = on.parse(body).on;
    return { expired: tenant.knobs.secretExpired };
  },
  /** Every change cursor that was given out is of no use any more. */
  'expire-cursors': ({ tenant }, body) => {
    const { status } = z
      .strictObject({ status: z.union([z.literal(400), z.literal(410)]).default(410) })
      .prefault({})
      .parse(body);
    tenant.knobs.resyncStatus = status;
    tenant.knobs.cursorsBefore = tenant.version + 1;
    return { status };
  },
  'empty-pages': ({ tenant }, body) => {
    tenant.knobs.emptyPages = on.parse(body).on;
    return { on: tenant.knobs.emptyPages };
  },
  'remove-property': ({ tenant }, body) => {
    const { type, name } = z.strictObject({ type: z.string(), name: z.string() }).parse(body);
    tenant.knobs.hidden.add(`${type}.${name}`);
    return { hidden: [...tenant.knobs.hidden] };
  },
  /** Whether the copy of a sent mail keeps the id of its draft. */
  'sent-keeps-id': ({ tenant }, body) => {
    tenant.knobs.sentKeepsId = on.parse(body).on;
    return { on: tenant.knobs.sentKeepsId };
  },
  /** How long sent mails are nowhere to be found. */
  outbox: ({ tenant }, body) => {
    tenant.knobs.outboxMs = z.strictObject({ ms: z.number().int().min(0) }).parse(body).ms;
    return { ms: tenant.knobs.outboxMs };
  },
  'send-limit': ({ tenant }, body) => {
    tenant.knobs.sendLimitReached = on.parse(body).on;
    return { reached: tenant.knobs.sendLimitReached };
  },
  /** Links of pages lead there. */
  'link-origin': ({ tenant }, body) => {
    tenant.knobs.linkOrigin = z.strictObject({ origin: z.string().nullable() }).parse(body).origin;
    return { origin: tenant.knobs.linkOrigin };
  },
  'throttle-in-batch': ({ tenant }, body) => {
    for (const n of z.strictObject({ numbers: z.array(z.number().int()) }).parse(body).numbers) {
      tenant.knobs.throttledInBatch.add(n);
    }
    return { numbers: [...tenant.knobs.throttledInBatch] };
  },
  lifecycle: ({ notifications }, body) => {
    const events = z.enum(['reauthorizationRequired', 'subscriptionRemoved', 'missed']);
    return { told: notifications.lifecycle(z.strictObject({ event: events }).parse(body).event) };
  },
  'drop-notifications': ({ notifications }, body) => {
    notifications.drop(count.parse(body).count);
    return {};
  },
  'duplicate-notifications': ({ notifications }, body) => {
    notifications.duplicate(count.parse(body).count);
    return {};
  },
  /** A mail from outside arrives. */
  receive: ({ tenant }, body) => {
    const mail = z
      .strictObject({ to: z.string(), from: z.string(), subject: z.string(), text: z.string() })
      .parse(body);
    const item = receive(tenant, mail.to, mail);
    return item && { id: item.id };
  },
  /** Changes an item as a person in Outlook would; without values it is deleted. */
  touch: ({ tenant, notifications }, body) => {
    const given = z.strictObject({ id: z.string(), values: z.record(z.string(), z.unknown()).nullable() }).parse(body);
    const item = tenant.items.get(given.id);
    if (!item || item.removed) return null;
    if (given.values === null) remove(tenant, item);
    else {
      Object.assign(item.values, given.values);
      touch(tenant, item);
    }
    notifications.onChange({ type: given.values === null ? 'deleted' : 'updated', of: item });
    return { id: item.id };
  },
  /** Changes a user as an administrator would; without values the user is removed. */
  'touch-user': ({ tenant, notifications }, body) => {
    const given = z.strictObject({ id: z.string(), values: z.record(z.string(), z.unknown()).nullable() }).parse(body);
    const user = userOf(tenant, given.id);
    if (!user) return null;
    if (given.values === null) user.removed = true;
    else Object.assign(user.values, given.values);
    putUser(tenant, user, Object.keys(given.values ?? {}));
    notifications.onChange({ type: given.values === null ? 'deleted' : 'updated', of: user });
    return { id: user.id };
  },
};

function plain(status: number, body: unknown): SimAnswer {
  return { status, headers: { 'content-type': 'application/json' }, bodyText: `${JSON.stringify(body)}\n` };
}
