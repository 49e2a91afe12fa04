import { hashOf } from '../effect-log.ts';
import type { SimAnswer, SimRequest } from '../loopback-server.ts';
import { keep, type Order, type Portal, wallTime } from './portal.ts';

/** A refusal in the portal's own words. It is answered with 200, as everything is. */
export class PortalError extends Error {
  readonly code: string;

  constructor(code: string, text: string) {
    super(text);
    this.code = code;
  }
}

/** One request under `/api`. @throws PortalError */
export function apiRoute(portal: Portal, request: SimRequest): SimAnswer {
  const [, area = '', id, verb, ...more] = request.segments;
  if (more.length > 0) throw notFound();
  const { method } = request;
  if (method === 'GET' && id === undefined) return listRoute(portal, request, area);
  if (area !== 'orders') throw notFound();
  if (method === 'POST' && id === undefined) return place(portal, request);
  const order = portal.orders.get(id ?? '');
  if (!order) throw new PortalError('E404', `ORDER ${id} DOES NOT EXIST`);
  if (method === 'GET' && verb === undefined) return ok(portal, { order });
  if (method === 'PUT' && verb === undefined) return change(portal, request, order);
  if (method === 'POST' && verb === 'cancel') return cancel(portal, request, order);
  throw notFound();
}

function notFound(): PortalError {
  return new PortalError('E404', 'UNKNOWN FUNCTION');
}

/** 200, and the names as the last release writes them. */
export function ok(portal: Portal, body: object): SimAnswer {
  const text = JSON.stringify({ result: 'OK', ...body }, (_name, value: unknown) => renamed(portal, value));
  return { status: 200, headers: { 'content-type': 'application/json; charset=iso-8859-1' }, bodyText: text };
}

function renamed({ knobs }: Portal, value: unknown): unknown {
  if (knobs.renamed.size === 0 || typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, held]) => [knobs.renamed.get(name) ?? name, held]));
}

function listRoute(portal: Portal, { query }: SimRequest, area: string): SimAnswer {
  if (area === 'whoami')
    return ok(portal, { customer: { number: portal.customerNo }, environment: portal.environment });
  if (area === 'prices') return pageOf(portal, 'prices', portal.articles.filter(contains(query, 'description')), query);
  if (area === 'ship-tos') return pageOf(portal, 'ship_tos', portal.shipTos.filter(contains(query, 'name')), query);
  if (area !== 'orders') throw notFound();
  const since = query.get('changed_after');
  const wanted = ['your_ref', 'status'].filter((name) => query.has(name));
  // Newest first, so that every new order moves all rows by one.
  const rows = [...portal.orders.values()].reverse().filter((order) => {
    const fits = wanted.every((name) => String(order[name as keyof Order]) === query.get(name));
    return fits && (since === null || order.changed_at >= since.replace('T', ' '));
  });
  const shown = rows.flatMap((order) => (portal.knobs.shownTwice.has(order.order_no) ? [order, order] : [order]));
  return pageOf(portal, 'orders', shown, query);
}

function contains(query: URLSearchParams, field: 'description' | 'name') {
  const wanted = (query.get('q') ?? '').toUpperCase();
  return (row: { readonly description?: string; readonly name?: string }) => (row[field] ?? '').includes(wanted);
}

function pageOf(portal: Portal, name: string, rows: readonly object[], query: URLSearchParams): SimAnswer {
  const [offset, limit] = [Number(query.get('offset') ?? '0'), Number(query.get('limit') ?? '25')];
  if (!Number.isSafeInteger(offset) || offset < 0) throw new PortalError('E100', 'OFFSET IS NOT NUMERIC');
  const page = rows.slice(offset, offset + Math.min(Math.max(limit, 1), 100));
  return ok(portal, { count: page.length, [name]: page });
}

function bodyOf(request: SimRequest): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(request.bodyText);
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  } catch {
    // Falls through to the refusal.
  }
  throw new PortalError('E101', 'MESSAGE CANNOT BE READ');
}

/** Places an order. The portal knows no repeat: the same request twice is two orders. */
function place(portal: Portal, request: SimRequest): SimAnswer {
  const body = bodyOf(request);
  const article = portal.articles.find(({ article_no }) => article_no === String(body.article_no));
  if (!article) throw new PortalError('E310', `ARTICLE ${String(body.article_no)} IS NOT IN THE ASSORTMENT`);
  const quantity = Number(body.quantity);
  if (!Number.isSafeInteger(quantity) || quantity < 1) throw new PortalError('E311', 'QUANTITY IS NOT NUMERIC');
  if (quantity > article.stock) throw new PortalError('E320', 'NOT ENOUGH STOCK');
  const shipTo = String(body.ship_to ?? portal.shipTos[0]?.code ?? '');
  if (!portal.shipTos.some(({ code }) => code === shipTo)) throw new PortalError('E312', 'SHIP-TO IS NOT YOURS');
  article.stock -= quantity;
  const given = { quantity, article_no: article.article_no, ship_to: shipTo };
  const order = store(portal, request, body, given);
  if (portal.knobs.doubled > 0) {
    portal.knobs.doubled -= 1;
    store(portal, request, body, given);
  }
  return ok(portal, { order });
}

function store(
  portal: Portal,
  request: SimRequest,
  body: Record<string, unknown>,
  given: Pick<Order, 'quantity' | 'article_no' | 'ship_to'>,
): Order {
  const now = wallTime(portal);
  const order: Order = {
    ...given,
    order_no: `P${String(50_000 + portal.orders.size)}`,
    status: 'NEW',
    your_ref: String(body.your_ref ?? '').slice(0, 60),
    wanted_date: typeof body.wanted_date === 'string' ? body.wanted_date : null,
    placed_at: now,
    changed_at: now,
  };
  keep(portal, order);
  log(portal, request, order, 'create', body);
  return order;
}

function change(portal: Portal, request: SimRequest, order: Order): SimAnswer {
  const body = bodyOf(request);
  if (order.status === 'SHIPPED' || order.status === 'CANCELLED') throw new PortalError('E340', 'ORDER IS CLOSED');
  if (typeof body.wanted_date !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(body.wanted_date)) {
    throw new PortalError('E313', 'DATE IS NOT VALID');
  }
  order.wanted_date = body.wanted_date;
  return changed(portal, request, order, body);
}

function cancel(portal: Portal, request: SimRequest, order: Order): SimAnswer {
  if (order.status === 'SHIPPED') throw new PortalError('E341', 'ORDER HAS LEFT THE HOUSE');
  if (order.status === 'CANCELLED') throw new PortalError('E342', 'ORDER WAS CANCELLED BEFORE');
  order.status = 'CANCELLED';
  return changed(portal, request, order, { status: 'CANCELLED' });
}

function changed(portal: Portal, request: SimRequest, order: Order, given: Record<string, unknown>): SimAnswer {
  order.changed_at = wallTime(portal);
  keep(portal, order);
  log(portal, request, order, 'update', given);
  return ok(portal, { order });
}

function log(
  portal: Portal,
  request: SimRequest,
  order: Order,
  change: 'create' | 'update',
  properties: Record<string, unknown>,
): void {
  portal.effects.applied({
    ...{ atMs: portal.clock.now(), method: request.method, path: request.path, change, properties },
    ...{ object: 'order', id: order.order_no, key: order.your_ref || null, requestHash: hashOf(request) },
  });
}
