import * as z from 'zod';
import type { FaultBook } from '../faults.ts';
import type { SimAnswer, SimRequest } from '../loopback-server.ts';
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
const count = z.strictObject({ count: z.number().int().min(1).default(1) }).prefault({});
const touch = z.strictObject({
  type: crmType,
  /** Absent: a new record is created. */
  id: z.string().optional(),
  properties: z.record(z.string(), z.string().nullable()).default({}),
  archive: z.boolean().default(false),
});

/**
 * The routes under `/_`: logs, faults and the knobs of the person who runs the simulator. They are no part of HubSpot.
 * The listener has refused web pages before.
 */
export function adminRoute(deps: AdminDeps, request: SimRequest): SimAnswer {
  try {
    const body: unknown = request.bodyText === '' ? {} : JSON.parse(request.bodyText);
    return request.method === 'GET' ? show(deps, request.path) : change(deps, request, body);
  } catch (error) {
    if (error instanceof z.ZodError) return plain(400, { error: z.prettifyError(error) });
    if (error instanceof SyntaxError) return plain(400, { error: 'The body is not JSON.' });
    throw error;
  }
}

function show(deps: AdminDeps, path: string): SimAnswer {
  const { effects } = deps.portal;
  if (path === '/_effects') return plain(200, { effects: effects.effects() });
  if (path === '/_requests') return plain(200, { requests: effects.requests() });
  if (path === '/_faults') return plain(200, { faults: deps.faults.list() });
  if (path === '/_oauth') return plain(200, deps.oauth.counters());
  if (path === '/_webhooks') return plain(200, { deliveries: deps.webhooks.log() });
  return plain(404, { error: 'GET /_effects, /_requests, /_faults, /_oauth or /_webhooks' });
}

function change(deps: AdminDeps, request: SimRequest, body: unknown): SimAnswer {
  const { method, path } = request;
  if (method === 'DELETE' && path === '/_faults') {
    deps.faults.clear();
    return plain(200, { faults: [] });
  }
  if (method === 'DELETE' && path === '/_effects') {
    deps.portal.effects.clear();
    return plain(200, { effects: [] });
  }
  if (method !== 'POST') return plain(405, { error: 'GET, POST or DELETE' });
  if (path === '/_faults') {
    const asked = Array.isArray(body) ? body : [body];
    return plain(201, { faults: asked.map((spec) => deps.faults.add(spec)) });
  }
  const knob = /^\/_admin\/([a-z-]+)$/.exec(path)?.[1];
  const turn = knobs[knob as keyof typeof knobs] as ((deps: AdminDeps, body: unknown) => object | null) | undefined;
  if (turn === undefined) return plain(404, { error: `One of ${Object.keys(knobs).join(', ')} under /_admin/` });
  const result = turn(deps, body);
  return result === null ? plain(404, { error: 'No such record or property.' }) : plain(200, result);
}

const knobs = {
  'expire-tokens': (deps: AdminDeps) => ({ expired: deps.oauth.expireAll() }),
  'rename-property': (deps: AdminDeps, body: unknown) => {
    const { type, from, to } = z.strictObject({ type: crmType, from: z.string(), to: z.string() }).parse(body);
    return renameProperty(deps.portal, type, from, to) ? { renamed: to } : null;
  },
  'require-property': (deps: AdminDeps, body: unknown) => {
    const { type, name } = z.strictObject({ type: crmType, name: z.string() }).parse(body);
    if (!deps.portal.definitions[type].has(name)) return null;
    deps.portal.required[type].add(name);
    return { required: [...deps.portal.required[type]] };
  },
  'remove-scope': (deps: AdminDeps, body: unknown) => {
    const { scope } = z.strictObject({ scope: z.string() }).parse(body);
    deps.oauth.removeScope(scope);
    return { removed: scope };
  },
  'drop-webhook': (deps: AdminDeps, body: unknown) => {
    deps.webhooks.drop(count.parse(body).count);
    return { dropping: count.parse(body).count };
  },
  'duplicate-webhook': (deps: AdminDeps, body: unknown) => {
    deps.webhooks.duplicate(count.parse(body).count);
    return { duplicating: count.parse(body).count };
  },
  /** Changes a record as a person in the portal would: no validation rules of the API, source CRM_UI. */
  touch: (deps: AdminDeps, body: unknown) => {
    const { type, id, properties, archive } = touch.parse(body);
    if (id === undefined) return { id: createObject(deps.portal, type, properties, 'CRM_UI').id };
    const object = liveObject(deps.portal, type, id);
    if (object === null) return null;
    if (archive) archiveObject(deps.portal, object, 'CRM_UI');
    else updateObject(deps.portal, object, properties, 'CRM_UI');
    return { id };
  },
};

function plain(status: number, body: unknown): SimAnswer {
  return { status, headers: { 'content-type': 'application/json' }, bodyText: `${JSON.stringify(body)}\n` };
}
