import * as z from 'zod';
import { adminRoutes, count, on } from '../admin-routes.ts';
import type { FaultBook } from '../faults.ts';
import { docTypes } from './schema.ts';
import { docOf, nowMicros, remove, type Site, save } from './site.ts';
import type { WebhookSender } from './webhooks.ts';

/** What the knobs turn. */
export type AdminDeps = { readonly site: Site; readonly faults: FaultBook; readonly webhooks: WebhookSender };

const docType = z.enum(docTypes);

/** The routes under `/_`: they are no part of ERPNext. */
export const adminRoute = adminRoutes<AdminDeps>({
  state: ({ site }) => site,
  shows: { deliveries: ({ webhooks }) => ({ deliveries: webhooks.log() }) },
  missing: 'No such document or field.',
  knobs: {
    /** The next writes end in a deadlock: 500, and nothing is written. */
    deadlock: ({ site }, body) => {
      site.knobs.deadlocks += count.parse(body).count;
      return { deadlocks: site.knobs.deadlocks };
    },
    lock: ({ site }, body) => {
      site.knobs.locks += count.parse(body).count;
      return { locks: site.knobs.locks };
    },
    /** Every request is answered that the site is being updated. */
    migrating: ({ site }, body) => {
      site.knobs.migrating = on.parse(body).on;
      return { migrating: site.knobs.migrating };
    },
    'read-only': ({ site }, body) => {
      site.knobs.readOnly = on.parse(body).on;
      return { readOnly: site.knobs.readOnly };
    },
    /** Takes a right away, such as `Sales Order: submit`. */
    deny: ({ site }, body) => {
      site.knobs.denied.add(z.strictObject({ right: z.string() }).parse(body).right);
      return { denied: [...site.knobs.denied] };
    },
    'async-threshold': ({ site }, body) => {
      site.knobs.asyncThreshold = z.strictObject({ above: z.number().int().min(0) }).parse(body).above;
      return { above: site.knobs.asyncThreshold };
    },
    'drop-webhooks': ({ webhooks }, body) => {
      const { count: n } = count.parse(body);
      webhooks.drop(n);
      return { dropped: n };
    },
    'duplicate-webhooks': ({ webhooks }, body) => {
      const { count: n } = count.parse(body);
      webhooks.duplicate(n);
      return { doubled: n };
    },
    'rename-field': ({ site }, body) => {
      const { docType: type, from, to } = z.strictObject({ docType, from: z.string(), to: z.string() }).parse(body);
      const field = site.fields[type].get(from);
      if (!field || site.fields[type].has(to)) return null;
      site.fields[type].delete(from);
      site.fields[type].set(to, { ...field, fieldname: to });
      site.file.remove(`field:${type}`, from);
      for (const one of site.fields[type].values()) site.file.save(`field:${type}`, one.fieldname, one);
      for (const doc of site.docs[type].values()) {
        if (!(from in doc.values)) continue;
        doc.values[to] = doc.values[from] ?? null;
        delete doc.values[from];
        save(site, doc);
      }
      return { renamed: to };
    },
    /** Changes a document as a person in the browser would; without values it is deleted. */
    touch: ({ site }, body) => {
      const values = z.record(z.string(), z.union([z.string(), z.number(), z.null()])).nullable();
      const given = z.strictObject({ docType, name: z.string(), values }).parse(body);
      const doc = docOf(site, given.docType, given.name);
      if (!doc) return null;
      if (given.values === null) remove(site, doc);
      else {
        Object.assign(doc.values, given.values);
        doc.modifiedMicros = nowMicros(site);
        save(site, doc);
        site.onChange(doc, 'on_update');
      }
      return { name: doc.name };
    },
  },
});
