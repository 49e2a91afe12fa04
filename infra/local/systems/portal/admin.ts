import * as z from 'zod';
import type { FaultBook } from '../faults.ts';
import type { SimAnswer, SimRequest } from '../loopback-server.ts';
import { keep, type Portal, wallTime } from './portal.ts';

/** The routes under `/_`: logs, faults and the knobs of the person who runs the simulator. They are no part of the portal. */
export function adminRoute(portal: Portal, faults: FaultBook, request: SimRequest): SimAnswer {
  try {
    const body: unknown = request.bodyText === '' ? {} : JSON.parse(request.bodyText);
    return request.method === 'GET' ? show(portal, faults, request.path) : turn(portal, faults, request, body);
  } catch (error) {
    if (error instanceof z.ZodError) return plain(400, { error: z.prettifyError(error) });
    if (error instanceof SyntaxError) return plain(400, { error: 'The body is not JSON.' });
    throw error;
  }
}

function show({ effects }: Portal, faults: FaultBook, path: string): SimAnswer {
  if (path === '/_effects') return plain(200, { effects: effects.effects() });
  if (path === '/_requests') return plain(200, { requests: effects.requests() });
  if (path === '/_faults') return plain(200, { faults: faults.list() });
  return plain(404, { error: 'GET /_effects, /_requests or /_faults' });
}

function turn(portal: Portal, faults: FaultBook, { method, path }: SimRequest, body: unknown): SimAnswer {
  if (method === 'DELETE' && path === '/_faults') {
    faults.clear();
    return plain(200, { faults: [] });
  }
  if (method === 'DELETE' && path === '/_effects') {
    portal.effects.clear();
    return plain(200, { effects: [] });
  }
  if (method !== 'POST') return plain(405, { error: 'GET, POST or DELETE' });
  if (path === '/_faults') return plain(201, { faults: [body].flat().map((spec) => faults.add(spec)) });
  const name = /^\/_admin\/([a-z-]+)$/.exec(path)?.[1] ?? '';
  const knob = Object.hasOwn(knobs, name) ? knobs[name] : undefined;
  return knob ? plain(200, knob(portal, body)) : plain(404, { error: `One of ${Object.keys(knobs).join(', ')}` });
}

const knobs: Readonly<Record<string, (portal: Portal, body: unknown) => object>> = {
  /** A release of which nobody was told: a field has another name from now on. */
  'rename-field': ({ knobs: { renamed } }, body) => {
    const { from, to } = z.strictObject({ from: z.string(), to: z.string() }).parse(body);
    renamed.set(from, to);
    return Object.fromEntries(renamed);
  },
  /** Every list shows this order twice. */
  'show-twice': ({ knobs: { shownTwice } }, body) => {
    shownTwice.add(z.strictObject({ order_no: z.string() }).parse(body).order_no);
    return { shownTwice: [...shownTwice] };
  },
  /** The next orders are stored twice, under two numbers. */
  'double-orders': ({ knobs: own }, body) => {
    own.doubled += z
      .strictObject({ count: z.number().int().min(1).default(1) })
      .prefault({})
      .parse(body).count;
    return { doubled: own.doubled };
  },
  /** Somebody orders by telephone: one more row before all others. */
  telephone: (portal) => {
    const [last] = [...portal.orders.values()].slice(-1);
    const now = wallTime(portal);
    const order_no = `P${String(50_000 + portal.orders.size)}`;
    const [article] = portal.articles;
    keep(portal, {
      ...{ order_no, article_no: article?.article_no ?? '', quantity: 1, status: 'NEW', your_ref: 'BY PHONE' },
      ...{ wanted_date: null, ship_to: last?.ship_to ?? 'ST7000', placed_at: now, changed_at: now },
    });
    return { order_no };
  },
};

function plain(status: number, body: unknown): SimAnswer {
  return { status, headers: { 'content-type': 'application/json' }, bodyText: `${JSON.stringify(body)}\n` };
}
