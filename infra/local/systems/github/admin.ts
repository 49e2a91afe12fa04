import * as z from 'zod';
import { adminRoutes, webhookKnobs } from '../admin-routes.ts';
import type { FaultBook } from '../faults.ts';
import { aimedHook, type Hub, happen } from './hub.ts';

/** Faults that only GitHub has, beside those of the fault book. */
export type Knobs = {
  /** How many requests are left in this hour. */
  left: number;
  /** What stands in `Link` instead of the next page. */
  link: string | null;
};

/** What the knobs turn. */
export type AdminDeps = { readonly hub: Hub; readonly faults: FaultBook; readonly knobs: Knobs };

/** The routes under `/_`: they are no part of GitHub. */
export const adminRoute = adminRoutes<AdminDeps>({
  state: ({ hub }) => hub,
  shows: { webhooks: ({ hub }) => ({ deliveries: hub.webhooks.log() }) },
  missing: 'No webhook is delivered to.',
  knobs: {
    ...webhookKnobs<AdminDeps>(({ hub }) => hub.webhooks),
    /** Something happens in the repository. */
    happen: ({ hub }, body) => {
      const { event, payload } = z.strictObject({ event: z.string(), payload: z.looseObject({}) }).parse(body);
      const made = happen(hub, event, payload);
      return made && { guid: made.guid };
    },
    /** Somebody switches the webhook on or off. */
    active: ({ hub }, body) => {
      const { active } = z.strictObject({ active: z.boolean() }).parse(body);
      const hook = aimedHook(hub);
      if (!hook) return null;
      hook.active = active;
      hub.file.save('hook', hook.id, hook);
      return { active };
    },
    /** The requests that are left in this hour. */
    left: ({ knobs }, body) => {
      knobs.left = z.strictObject({ left: z.number().int().min(0) }).parse(body).left;
      return { left: knobs.left };
    },
    /** Every page names this address as the next one; null: the real one. */
    link: ({ knobs }, body) => {
      knobs.link = z.strictObject({ link: z.string().nullable() }).parse(body).link;
      return { link: knobs.link };
    },
  },
});
