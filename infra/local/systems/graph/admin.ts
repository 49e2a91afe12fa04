import * as z from 'zod';
import { adminRoutes, count, on } from '../admin-routes.ts';
import type { FaultBook } from '../faults.ts';
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

/** The routes under `/_`: they are no part of Graph. */
export const adminRoute = adminRoutes<AdminDeps>({
  state: ({ tenant }) => tenant,
  shows: {
    oauth: ({ oauth }) => oauth.counters(),
    deliveries: ({ notifications }) => ({ deliveries: notifications.log() }),
  },
  missing: 'No such record.',
  knobs: {
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
      const given = z
        .strictObject({ id: z.string(), values: z.record(z.string(), z.unknown()).nullable() })
        .parse(body);
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
      const given = z
        .strictObject({ id: z.string(), values: z.record(z.string(), z.unknown()).nullable() })
        .parse(body);
      const user = userOf(tenant, given.id);
      if (!user) return null;
      if (given.values === null) user.removed = true;
      else Object.assign(user.values, given.values);
      putUser(tenant, user, Object.keys(given.values ?? {}));
      notifications.onChange({ type: given.values === null ? 'deleted' : 'updated', of: user });
      return { id: user.id };
    },
  },
});
