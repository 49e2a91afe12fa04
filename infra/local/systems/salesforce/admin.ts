import * as z from 'zod';
import { adminRoutes, count, on, webhookKnobs } from '../admin-routes.ts';
import type { FaultBook } from '../faults.ts';
import type { OAuthServer } from './oauth.ts';
import { change, type Org, rowOf, transact } from './org.ts';
import type { OutboundSender } from './outbound.ts';
import { type SobjectType, sobjectTypes } from './schema.ts';

/** What the knobs turn. */
export type AdminDeps = {
  readonly org: Org;
  readonly faults: FaultBook;
  readonly oauth: OAuthServer;
  readonly webhooks: OutboundSender;
};

const type = z.enum(sobjectTypes);

/** The routes under `/_`: they are no part of Salesforce. */
export const adminRoute = adminRoutes<AdminDeps>({
  state: ({ org }) => org,
  shows: { oauth: ({ oauth }) => oauth.counters(), webhooks: ({ webhooks }) => ({ deliveries: webhooks.log() }) },
  missing: 'No such record or field.',
  knobs: {
    'expire-tokens': ({ oauth }) => ({ expired: oauth.expireAll() }),
    /** Every session is refused, however new: the endless 401. */
    'reject-sessions': ({ org }, body) => {
      org.knobs.rejectsSessions = on.parse(body).on;
      return { rejects: org.knobs.rejectsSessions };
    },
    /** The next writes find their record locked. */
    lock: ({ org }, body) => {
      org.knobs.locks += count.parse(body).count;
      return { locks: org.knobs.locks };
    },
    'upsert-without-body': ({ org }, body) => {
      org.knobs.upsertWithoutBody = on.parse(body).on;
      return { withoutBody: org.knobs.upsertWithoutBody };
    },
    'instance-url': ({ org }, body) => {
      org.knobs.instanceUrl = z.strictObject({ url: z.string().nullable() }).parse(body).url;
      return { url: org.knobs.instanceUrl };
    },
    'read-only': ({ org }, body) => {
      org.knobs.readOnly.add(z.strictObject({ type }).parse(body).type);
      return { readOnly: [...org.knobs.readOnly] };
    },
    'duplicate-rule': ({ org }, body) => {
      org.knobs.duplicateRule = on.parse(body).on;
      return { on: org.knobs.duplicateRule };
    },
    ...webhookKnobs<AdminDeps>(({ webhooks }) => webhooks),
    'delay-webhook': ({ webhooks }, body) => {
      webhooks.delay(count.parse(body).count);
      return { delaying: count.parse(body).count };
    },
    /** A person's account instead of an integration user. */
    'integration-user': ({ org }, body) => {
      org.knobs.integrationUser = on.parse(body).on;
      return { integrationUser: org.knobs.integrationUser };
    },
    'add-field': ({ org }, body) => {
      const { type: object, name } = z.strictObject({ type, name: z.string().regex(/__c$/) }).parse(body);
      const like = org.fields[object].get('Plumbline_Ref__c');
      if (!like || org.fields[object].has(name)) return null;
      const added = { ...like, name, length: 255, externalId: false, unique: false };
      return changedSchema(org, object, () => org.fields[object].set(name, added));
    },
    'remove-field': ({ org }, body) => {
      const { type: object, name } = z.strictObject({ type, name: z.string() }).parse(body);
      if (!org.fields[object].has(name)) return null;
      return changedSchema(org, object, () => org.fields[object].delete(name));
    },
    /** Another type of a field; the values stay as they are. */
    'retype-field': ({ org }, body) => {
      const to = z.enum(['string', 'currency', 'boolean', 'date']);
      const given = z.strictObject({ type, name: z.string(), to }).parse(body);
      const field = org.fields[given.type].get(given.name);
      if (!field) return null;
      return changedSchema(org, given.type, () => org.fields[given.type].set(given.name, { ...field, type: given.to }));
    },
    'rename-field': ({ org }, body) => {
      const { type: object, from, to } = z.strictObject({ type, from: z.string(), to: z.string() }).parse(body);
      const field = org.fields[object].get(from);
      if (!field || org.fields[object].has(to)) return null;
      changedSchema(org, object, () => {
        org.fields[object].delete(from);
        org.fields[object].set(to, { ...field, name: to });
      });
      for (const row of org.rows[object].values()) {
        if (from in row.values) row.values[to] = row.values[from] ?? null;
        delete row.values[from];
        org.file.save(`row:${object}`, row.id, row);
      }
      return { renamed: to };
    },
    /** Changes a record as a person in the browser would; without fields it is deleted. */
    touch: ({ org }, body) => {
      const fields = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).nullable();
      const given = z.strictObject({ type, id: z.string(), fields }).parse(body);
      const row = rowOf(org, given.type, given.id);
      if (!row || row.deletedAtMs !== null) return null;
      transact(org, (tx) => change(org, tx, row, given.fields));
      return { id: row.id };
    },
  },
});

/** Keeps the fields of an object as they are after a change, and when that was. */
function changedSchema(org: Org, object: SobjectType, change: () => void): { readonly fields: readonly string[] } {
  for (const name of org.fields[object].keys()) org.file.remove(`field:${object}`, name);
  change();
  for (const one of org.fields[object].values()) org.file.save(`field:${object}`, one.name, one);
  org.schemaChangedAtMs = org.clock.now();
  return { fields: [...org.fields[object].keys()] };
}
