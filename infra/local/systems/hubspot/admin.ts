import * as z from 'zod';
import { adminRoutes, webhookKnobs } from '../admin-routes.ts';
import type { FaultBook } from '../faults.ts';
import type { OAuthServer } from './oauth.ts';
import { archiveObject, createObject, liveObject, type Portal, renameProperty, updateObject } from './portal.ts';
import { crmTypeOf, crmTypes } from './property-definitions.ts';
import type { WebhookSender } from './webhooks.ts';

/** What the knobs turn. */
export type AdminDeps = { portal: Portal; faults: FaultBook; oauth: OAuthServer; webhooks: WebhookSender };

const crmType = z.string().transform((text, context) => {
  const type = crmTypeOf(text);
  if (type !== null) return type;
  context.addIssue({ code: 'custom', message: `one of ${crmTypes.join(', ')}` });
  return z.NEVER;
});
const touch = z.strictObject({
  type: crmType,
  /** Absent: a new record is created. */
  id: z.string().optional(),
  properties: z.record(z.string(), z.string().nullable()).default({}),
  archive: z.boolean().default(false),
});

/** The routes under `/_`: they are no part of HubSpot. */
export const adminRoute = adminRoutes<AdminDeps>({
  state: ({ portal }) => portal,
  shows: { oauth: ({ oauth }) => oauth.counters(), webhooks: ({ webhooks }) => ({ deliveries: webhooks.log() }) },
  missing: 'No such record or property.',
  knobs: {
    'expire-tokens': (deps) => ({ expired: deps.oauth.expireAll() }),
    'rename-property': (deps, body) => {
      const { type, from, to } = z.strictObject({ type: crmType, from: z.string(), to: z.string() }).parse(body);
      return renameProperty(deps.portal, type, from, to) ? { renamed: to } : null;
    },
    'require-property': (deps, body) => {
      const { type, name } = z.strictObject({ type: crmType, name: z.string() }).parse(body);
      if (!deps.portal.definitions[type].has(name)) return null;
      deps.portal.required[type].add(name);
      return { required: [...deps.portal.required[type]] };
    },
    'remove-scope': (deps, body) => {
      const { scope } = z.strictObject({ scope: z.string() }).parse(body);
      deps.oauth.removeScope(scope);
      return { removed: scope };
    },
    ...webhookKnobs<AdminDeps>(({ webhooks }) => webhooks),
    /** Changes a record as a person in the portal would: no validation rules of the API, source CRM_UI. */
    touch: (deps, body) => {
      const { type, id, properties, archive } = touch.parse(body);
      if (id === undefined) return { id: createObject(deps.portal, type, properties, 'CRM_UI').id };
      const object = liveObject(deps.portal, type, id);
      if (object === null) return null;
      if (archive) archiveObject(deps.portal, object, 'CRM_UI');
      else updateObject(deps.portal, object, properties, 'CRM_UI');
      return { id };
    },
  },
});
