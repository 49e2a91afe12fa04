import { isObject, type Json } from '../../model/json.ts';
import type { Feed, FeedChange, FeedMark } from '../feed.ts';
import { erpnextOn } from './calls.ts';

type Mark = { readonly since: string; readonly after: string | null; readonly newest: string };
type Plural = 'customers' | 'suppliers' | 'items' | 'salesOrders' | 'purchaseOrders' | 'salesInvoices';

/** Clocks of a site may be those of any zone, so the first walk begins this much before ours. */
const widestZoneMs = 14 * 3_600_000;

/** Hours that clocks run through twice when summer ends, in any country. */
const putBack = [22, 23, 0, 1, 2, 3];

/** What changed on a site, by `modified` in the site's own time and, within one microsecond, by name: oldest change first. */
export const feeds: Readonly<Record<string, Feed>> = {
  customers: feedOf('customer', 'customers'),
  suppliers: feedOf('supplier', 'suppliers'),
  items: feedOf('item', 'items'),
  'sales-orders': feedOf('sales_order', 'salesOrders'),
  'purchase-orders': feedOf('purchase_order', 'purchaseOrders'),
  'sales-invoices': feedOf('sales_invoice', 'salesInvoices'),
};

function feedOf(object: string, plural: Plural): Feed {
  return {
    object,
    begin(nowMs) {
      const since = siteTime(nowMs - widestZoneMs);
      return markOf({ since, after: null, newest: since });
    },
    page(system, given) {
      const { since, after } = given as Mark;
      return erpnextOn(system)[plural].changed(since, { fields: [], ...(after === null ? {} : { after }) });
    },
    read(data, given) {
      const mark = given as Mark;
      const page = isObject(data) ? data : {};
      const rows = Array.isArray(page.results) ? (page.results as readonly Json[]) : [];
      const changes = rows.map((row) => changeOf(object, row));
      const last = changes.at(-1)?.version ?? '';
      const newest = last > mark.newest ? last : mark.newest;
      const after = typeof page.after === 'string' ? page.after : null;
      return { changes, next: markOf({ ...mark, after, newest }), more: after !== null };
    },
    again(given, overlapMs) {
      const { newest } = given as Mark;
      // Both are times of the site: read as those of any one zone, they keep their distance.
      const newestMs = Date.parse(`${newest.replace(' ', 'T').slice(0, 23)}Z`);
      // At night the clocks of the site may have been put back since: what changes then has an earlier time than what was seen.
      const backMs = putBack.includes(new Date(newestMs).getUTCHours()) ? 3_600_000 : 0;
      return markOf({ since: siteTime(newestMs - overlapMs - backMs), after: null, newest });
    },
    get: (system, id) => erpnextOn(system)[plural].get(id),
  };
}

const markOf = (mark: Mark): FeedMark => mark;

/** A time as a site writes it. */
function siteTime(atMs: number): string {
  return `${new Date(atMs).toISOString().replace('T', ' ').replace('Z', '')}000`;
}

/** Throws where a row lacks its version: a page that is not understood moves no mark. */
function changeOf(object: string, row: Json): FeedChange {
  if (!isObject(row) || typeof row.id !== 'string' || typeof row.version !== 'string') {
    throw new TypeError('a change has no version');
  }
  return { object, id: row.id, version: row.version };
}
