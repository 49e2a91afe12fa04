import { isObject, type Json } from '../../model/json.ts';
import type { Feed, FeedChange, FeedMark } from '../feed.ts';
import { hubspotOn } from './calls.ts';
import { type HubspotObject, hubspotObjects } from './client.ts';

const pageSize = 200;

/** `tie` walks by id through the records of one millisecond, where a whole page of them shares it. */
type Mark = { readonly fromMs: number; readonly newestMs: number; readonly tie: string | null };

/**
 * What changed in HubSpot, by the search: oldest change first. A page begins again at the last time seen, which no change of
 * another record can move; its index shows changes some seconds late, for which walks overlap.
 * @see https://developers.hubspot.com/docs/api-reference/search/guide
 */
export const feeds: Readonly<Record<string, Feed>> = {
  contacts: feedOf('contact', 'lastmodifieddate'),
  companies: feedOf('company', 'hs_lastmodifieddate'),
  deals: feedOf('deal', 'hs_lastmodifieddate'),
  tickets: feedOf('ticket', 'hs_lastmodifieddate'),
};

function feedOf(object: HubspotObject, modified: string): Feed {
  const calls = (system: string) => hubspotOn(system)[hubspotObjects[object].plural as 'contacts'];
  return {
    object,
    begin: (nowMs) => markOf({ fromMs: nowMs, newestMs: nowMs, tie: null }),
    page(system, given) {
      const { fromMs, tie } = given as Mark;
      const at = String(fromMs);
      const filters =
        tie === null
          ? [{ property: modified, operator: 'GTE' as const, value: at }]
          : [
              { property: modified, operator: 'EQ' as const, value: at },
              { property: 'hs_object_id', operator: 'GT' as const, value: tie },
            ];
      const sort = { property: tie === null ? modified : 'hs_object_id', direction: 'ASCENDING' as const };
      return calls(system).search({ filters: [filters], properties: [modified], sort, limit: pageSize });
    },
    read(data, given) {
      const mark = given as Mark;
      const rows = rowsOf(data, modified);
      const changes = rows.map(({ id, atMs }): FeedChange => ({ object, id, version: String(atMs) }));
      const newestMs = Math.max(mark.newestMs, ...rows.map(({ atMs }) => atMs));
      const whole = rows.length < pageSize;
      const [first, last] = [rows[0], rows.at(-1)];
      if (mark.tie !== null) {
        const next = whole ? { fromMs: mark.fromMs + 1, tie: null } : { fromMs: mark.fromMs, tie: last?.id ?? '0' };
        return { changes, next: markOf({ ...next, newestMs }), more: true };
      }
      const stuck = first !== undefined && first.atMs === last?.atMs;
      const next = { fromMs: last?.atMs ?? mark.fromMs, tie: stuck && !whole ? '0' : null };
      return { changes, next: markOf({ ...next, newestMs }), more: !whole };
    },
    again: (given, overlapMs) => {
      const { newestMs } = given as Mark;
      return markOf({ fromMs: newestMs - overlapMs, newestMs, tie: null });
    },
    get: (system, id) => calls(system).get(id),
  };
}

const markOf = (mark: Mark): FeedMark => mark;

/** Throws where a row lacks its time: a page that is not understood moves no mark. */
function rowsOf(data: Json, modified: string): readonly { readonly id: string; readonly atMs: number }[] {
  const rows = isObject(data) && Array.isArray(data.results) ? (data.results as readonly Json[]) : [];
  return rows.map((row) => {
    const properties = isObject(row) && isObject(row.properties) ? row.properties : {};
    const atMs = Date.parse(String(properties[modified]));
    if (!isObject(row) || typeof row.id !== 'string' || Number.isNaN(atMs)) throw new TypeError('a change has no time');
    return { id: row.id, atMs };
  });
}
