import * as z from 'zod';
import type { FaultBook } from '../faults.ts';
import type { SimAnswer, SimRequest } from '../loopback-server.ts';
import { type Account, change, kinds, live } from './account.ts';
import type { KeyStore } from './idempotency.ts';
import { payInvoice } from './invoices.ts';
import type { WebhookSender } from './webhooks.ts';

/** Faults that only Stripe has, beside those of the fault book. */
export type Knobs = {
  /** Decline codes of the next card payments, in order. */
  declines: string[];
  /** How many of the next writes find their record locked. */
  locks: number;
  /** Fields that are not answered any more, as `kind.field`. */
  hidden: Set<string>;
};

/** What the knobs turn. */
export type AdminDeps = { account: Account; faults: FaultBook; keys: KeyStore; webhooks: WebhookSender; knobs: Knobs };

const count = z.strictObject({ count: z.number().int().min(1).default(1) }).prefault({});
const kind = z.enum(kinds);
const nobody = { requestId: null, key: null };

/**
 * The routes under `/_`: logs, faults and the knobs of the person who runs the simulator. They are no part of Stripe.
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

function show(deps: AdminDeps, path: string): SimAnswer {
  const { effects } = deps.account;
  if (path === '/_effects') return plain(200, { effects: effects.effects() });
  if (path === '/_requests') return plain(200, { requests: effects.requests() });
  if (path === '/_faults') return plain(200, { faults: deps.faults.list() });
  if (path === '/_keys') return plain(200, { keys: deps.keys.size() });
  if (path === '/_webhooks') return plain(200, { deliveries: deps.webhooks.log() });
  return plain(404, { error: 'GET /_effects, /_requests, /_faults, /_keys or /_webhooks' });
}

function turn(deps: AdminDeps, { method, path }: SimRequest, body: unknown): SimAnswer {
  if (method === 'DELETE' && path === '/_faults') {
    deps.faults.clear();
    return plain(200, { faults: [] });
  }
  if (method === 'DELETE' && path === '/_effects') {
    deps.account.effects.clear();
    return plain(200, { effects: [] });
  }
  if (method !== 'POST') return plain(405, { error: 'GET, POST or DELETE' });
  if (path === '/_faults') {
    const asked = Array.isArray(body) ? body : [body];
    return plain(201, { faults: asked.map((spec) => deps.faults.add(spec)) });
  }
  const name = /^\/_admin\/([a-z-]+)$/.exec(path)?.[1] ?? '';
  const knob = Object.hasOwn(knobs, name) ? knobs[name] : undefined;
  if (!knob) return plain(404, { error: `One of ${Object.keys(knobs).join(', ')} under /_admin/` });
  const result = knob(deps, body);
  return result === null ? plain(404, { error: 'No such record, or not in this state.' }) : plain(200, result);
}

const knobs: Readonly<Record<string, (deps: AdminDeps, body: unknown) => object | null>> = {
  'drop-webhook': (deps, body) => {
    deps.webhooks.drop(count.parse(body).count);
    return count.parse(body);
  },
  'duplicate-webhook': (deps, body) => {
    deps.webhooks.duplicate(count.parse(body).count);
    return count.parse(body);
  },
  /** The next card payments are declined, whatever the card. */
  decline: (deps, body) => {
    const shape = z.strictObject({
      code: z.string().default('generic_decline'),
      count: z.number().int().min(1).default(1),
    });
    const { code, count: times } = shape.prefault({}).parse(body);
    for (let n = 0; n < times; n += 1) deps.knobs.declines.push(code);
    return { declines: deps.knobs.declines };
  },
  /** The next writes are answered `lock_timeout`. */
  lock: (deps, body) => {
    deps.knobs.locks += count.parse(body).count;
    return { locks: deps.knobs.locks };
  },
  /** A field is not answered any more, as after a change of the API version. */
  'hide-field': (deps, body) => {
    const given = z.strictObject({ kind, field: z.string() }).parse(body);
    deps.knobs.hidden.add(`${given.kind}.${given.field}`);
    return { hidden: [...deps.knobs.hidden] };
  },
  /** A customer pays an open invoice. */
  'pay-invoice': (deps, body) => {
    const { id } = z.strictObject({ id: z.string() }).parse(body);
    const paid = payInvoice(deps.account, id, nobody);
    return paid === null ? null : { id, status: paid.status };
  },
  /** Changes a record as a person in the dashboard would. */
  touch: (deps, body) => {
    const given = z.strictObject({ kind, id: z.string(), fields: z.record(z.string(), z.json()) }).parse(body);
    if (live(deps.account, given.kind, given.id) === null) return null;
    change(deps.account, given.kind, given.id, given.fields, { origin: nobody, type: `${given.kind}.updated` });
    return { id: given.id };
  },
};

function plain(status: number, body: unknown): SimAnswer {
  return { status, headers: { 'content-type': 'application/json' }, bodyText: `${JSON.stringify(body)}\n` };
}
