import * as z from 'zod';
import type { FaultBook } from '../faults.ts';
import type { SimAnswer, SimRequest } from '../loopback-server.ts';
import { docTypes } from './schema.ts';
import { docOf, nowMicros, remove, type Site, save } from './site.ts';
import type { WebhookSender } from './webhooks.ts';

/** What the knobs turn. */
export type AdminDeps = { readonly site: Site; readonly faults: FaultBook; readonly webhooks: WebhookSender };

const docType = z.enum(docTypes);
const on = z.strictObject({ on: z.boolean().default(true) }).prefault({});
const count = z.strictObject({ count: z.number().int().min(1).default(1) }).prefault({});

/**
 * The routes under `/_`: logs, faults and the knobs of the person who runs the simulator. They are no part of ERPNext.
 * The listener has refused web pages before.
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

function show({ site, faults, webhooks }: AdminDeps, path: string): SimAnswer {
  if (path === '/_effects') return plain(200, { effects: site.effects.effects() });
  if (path === '/_requests') return plain(200, { requests: site.effects.requests() });
  if (path === '/_faults') return plain(200, { faults: faults.list() });
  if (path === '/_deliveries') return plain(200, { deliveries: webhooks.log() });
  return plain(404, { error: 'GET /_effects, /_requests, /_faults or /_deliveries' });
}

function turn(deps: AdminDeps, { method, path }: SimRequest, body: unknown): SimAnswer {
  if (method === 'DELETE' && path === '/_faults') {
    deps.faults.clear();
    return plain(200, { faults: [] });
  }
  if (method === 'DELETE' && path === '/_effects') {
    deps.site.effects.clear();
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
  return result === null ? plain(404, { error: 'No such document or field.' }) : plain(200, result);
}

const knobs: Readonly<Record<string, (deps: AdminDeps, body: unknown) => object | null>> = {
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
};

function plain(status: number, body: unknown): SimAnswer {
  return { status, headers: { 'content-type': 'application/json' }, bodyText: `${JSON.stringify(body)}\n` };
}
