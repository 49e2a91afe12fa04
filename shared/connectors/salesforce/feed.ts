import { isObject, type Json } from '../../model/json.ts';
import type { Feed, FeedChange, FeedMark } from '../feed.ts';
import { salesforceOn } from './calls.ts';

type Mark = { readonly since: string; readonly afterId: string | null; readonly newest: string };

/** What changed in Salesforce, by `SystemModstamp` and, within one second, by id: oldest change first. */
export const feeds: Readonly<Record<string, Feed>> = {
  accounts: feedOf('account', 'accounts'),
  contacts: feedOf('contact', 'contacts'),
  opportunities: feedOf('opportunity', 'opportunities'),
  cases: feedOf('case', 'cases'),
};

function feedOf(object: string, plural: 'accounts' | 'contacts' | 'opportunities' | 'cases'): Feed {
  return {
    object,
    begin: (nowMs) => markOf({ since: isoOf(nowMs), afterId: null, newest: isoOf(nowMs) }),
    page(system, given) {
      const { since, afterId } = given as Mark;
      return salesforceOn(system)[plural].changed({ since, ...(afterId === null ? {} : { afterId }), fields: [] });
    },
    read(data, given) {
      const mark = given as Mark;
      const page = isObject(data) ? data : {};
      const rows = Array.isArray(page.results) ? (page.results as readonly Json[]) : [];
      const changes = rows.map((row) => changeOf(object, row));
      const last = changes.at(-1)?.version;
      const newest = last !== undefined && Date.parse(last) > Date.parse(mark.newest) ? last : mark.newest;
      const next = isObject(page.next) ? page.next : null;
      if (next === null) return { changes, next: markOf({ ...mark, newest }), more: false };
      return {
        changes,
        next: markOf({ since: String(next.since), afterId: String(next.afterId), newest }),
        more: true,
      };
    },
    again(given, overlapMs) {
      const { newest } = given as Mark;
      return markOf({ since: isoOf(Date.parse(newest) - overlapMs), afterId: null, newest });
    },
    get: (system, id) => salesforceOn(system)[plural].get(id),
  };
}

const markOf = (mark: Mark): FeedMark => mark;
const isoOf = (atMs: number) => new Date(atMs).toISOString();

/** Throws where a row lacks its time: a page that is not understood moves no mark. */
function changeOf(object: string, row: Json): FeedChange {
  const properties = isObject(row) && isObject(row.properties) ? row.properties : {};
  const stamp = String(properties.SystemModstamp ?? '').replace(/([+-]\d{2})(\d{2})$/, '$1:$2');
  const atMs = Date.parse(stamp);
  if (!isObject(row) || typeof row.id !== 'string' || Number.isNaN(atMs)) throw new TypeError('a change has no time');
  return { object, id: row.id, version: isoOf(atMs) };
}
