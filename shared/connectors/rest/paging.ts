import type { RestPaging, RestRead } from '../../config/rest-schema.ts';
import { PlumblineError } from '../../model/errors.ts';
import { isObject, type Json } from '../../model/json.ts';
import type { Classified, HttpAnswer } from '../../model/operation.ts';
import { bodyOf, type RequestParts, type RestInput, valueAt } from './client.ts';
import { toLocal } from './local-time.ts';

/** Where a list stands between two pages. It travels as the opaque `after`. */
type Place = {
  /** Page number, offset, cursor, or the query of the next link. */
  readonly at: number | string | readonly (readonly [string, string])[];
  /** Rows seen so far. */
  readonly seen: number;
  readonly pages: number;
  readonly lastId: string | null;
  /** What the first page said of the total, where it says so. */
  readonly total: number | null;
};

type Pair = readonly [string, string];

/** The query of a page: what the operation asks for, or all of it as a next link had it. Throws `invalid_input` where `after` is none of ours. */
export function pageQuery(read: RestRead, input: RestInput): Pick<RequestParts, 'query' | 'more'> {
  const { paging, query } = read;
  const place = placeOf(paging, input);
  if (place !== null && paging.kind === 'link-header') return { query: {}, more: place.at as readonly Pair[] };
  return {
    query,
    more: [...sincePairs(read, input), ...(place === null ? firstPairs(paging) : nextPairs(paging, place))],
  };
}

function sincePairs({ modifiedSince }: RestRead, { sinceMs }: RestInput): readonly Pair[] {
  if (sinceMs === undefined) return [];
  if (!modifiedSince) throw invalid('This list cannot be narrowed to what changed.', 'Leave out the time.');
  const { param, format, zone } = modifiedSince;
  const told = {
    iso: () => new Date(sinceMs).toISOString(),
    epoch: () => String(Math.floor(sinceMs / 1000)),
    'epoch-ms': () => String(sinceMs),
    local: () => toLocal(sinceMs, zone ?? 'UTC'),
  };
  return [[param, told[format]()]];
}

function sizePair(paging: RestPaging): readonly Pair[] {
  return 'size' in paging && paging.size ? [[paging.size.param, String(paging.size.value)]] : [];
}

function firstPairs(paging: RestPaging): readonly Pair[] {
  if (paging.kind === 'page') return [[paging.param, String(paging.first)], ...sizePair(paging)];
  if (paging.kind === 'offset') return [[paging.param, '0'], ...sizePair(paging)];
  return sizePair(paging);
}

function nextPairs(paging: RestPaging, { at }: Place): readonly Pair[] {
  return paging.kind === 'none' || paging.kind === 'link-header'
    ? []
    : [[paging.param, String(at)], ...sizePair(paging)];
}

function placeOf(paging: RestPaging, { after }: RestInput): Place | null {
  if (after === undefined) return null;
  try {
    const place = JSON.parse(Buffer.from(after, 'base64url').toString('utf8')) as Json;
    const kind = Array.isArray(isObject(place) ? place.at : null)
      ? 'link-header'
      : typeof (isObject(place) ? place.at : null);
    const wanted = { page: 'number', offset: 'number', cursor: 'string', 'link-header': 'link-header', none: '' }[
      paging.kind
    ];
    const pairs = isObject(place) && Array.isArray(place.at) ? (place.at as readonly Json[]) : [];
    if (isObject(place) && kind === wanted && pairs.every(isPair)) return place as unknown as Place;
  } catch {
    // Falls through to the refusal.
  }
  throw invalid('`after` is not one that this list gave.', 'Repeat the `after` of the page before, or leave it out.');
}

function isPair(value: Json): boolean {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string');
}

function invalid(message: string, hint: string): PlumblineError {
  return new PlumblineError(message, { code: 'invalid_input', retry: 'never', hint });
}

/** What a page says of the ones after it. `rows`: those of its rows that the page before did not hold. */
export type PageVerdict<T> =
  | { readonly kind: 'page'; readonly rows: readonly T[]; readonly after: string | null }
  | { readonly kind: 'error'; readonly error: Classified };

/** The page that was asked for: where, and with which input. */
export type PageAsked = { readonly input: RestInput; readonly origin: string; readonly path: string };

/**
 * Judges where a list goes on. The end is a page without rows, or the total that the system itself tells: a page that is only
 * short ends nothing. Offset pages overlap by one row, so that rows which moved between two pages are seen and nothing is left
 * out silently: then the answer is an error, and the list begins again.
 */
export function judgePage<T extends { readonly id: string }>(
  read: RestRead,
  answer: HttpAnswer,
  rows: readonly T[],
  { input, origin, path }: PageAsked,
): PageVerdict<T> {
  const { paging } = read;
  if (paging.kind === 'none') return { kind: 'page', rows, after: null };
  const place = placeOf(paging, input);
  const total = totalOf(paging, answer);
  const moved = place !== null && hasMoved(paging, place, rows, total);
  if (moved) return failed('rows_shifted', 'conflict', 'The list changed between two pages: begin again.');
  const fresh = paging.kind === 'offset' && place !== null ? rows.slice(1) : rows;
  const seen = (place?.seen ?? 0) + fresh.length;
  const at = nextAt(paging, answer, { place, rows: fresh.length, seen, origin, path });
  if (at === 'foreign') return failed('foreign_next_link', 'schema', 'The next page is said to be somewhere else.');
  if (at === null || (total !== null && seen >= total)) return ended(fresh, seen, total);
  const pages = (place?.pages ?? 0) + 1;
  if (pages >= paging.max) return failed('too_many_pages', 'business', `The list has more than ${paging.max} pages.`);
  if (place !== null && JSON.stringify(at) === JSON.stringify(place.at)) {
    return failed('page_repeats', 'schema', 'The system names the same page as the next one.');
  }
  const next: Place = { at, seen, pages, lastId: fresh.at(-1)?.id ?? place?.lastId ?? null, total };
  return { kind: 'page', rows: fresh, after: Buffer.from(JSON.stringify(next)).toString('base64url') };
}

function failed(
  code: string,
  kind: Classified['class'],
  message: string,
): { readonly kind: 'error'; readonly error: Classified } {
  return { kind: 'error', error: { class: kind, code, message } };
}

function ended<T>(rows: readonly T[], seen: number, total: number | null): PageVerdict<T> {
  if (total !== null && seen < total) {
    return failed('cut_short', 'transient', `The list ended after ${seen} of ${total} rows.`);
  }
  return { kind: 'page', rows, after: null };
}

function totalOf(paging: RestPaging, answer: HttpAnswer): number | null {
  if (!('total' in paging) || paging.total === undefined) return null;
  const value = Number(valueAt(bodyOf(answer), paging.total));
  return Number.isSafeInteger(value) && value >= 0 ? value : null;
}

function hasMoved(
  paging: RestPaging,
  place: Place,
  rows: readonly { readonly id: string }[],
  total: number | null,
): boolean {
  if (total !== place.total) return true;
  if (paging.kind === 'offset') return rows[0]?.id !== place.lastId;
  return paging.kind === 'page' && rows.length > 0 && rows[0]?.id === place.lastId;
}

type Progress = Omit<PageAsked, 'input'> & {
  readonly place: Place | null;
  readonly rows: number;
  readonly seen: number;
};

function nextAt(paging: RestPaging, answer: HttpAnswer, now: Progress): Place['at'] | null | 'foreign' {
  switch (paging.kind) {
    case 'none':
      return null;
    case 'page':
      return now.rows === 0 ? null : Number(now.place?.at ?? paging.first) + 1;
    case 'offset':
      return now.rows === 0 ? null : now.seen - 1;
    case 'cursor': {
      const next = valueAt(bodyOf(answer), paging.next);
      return (typeof next === 'string' && next !== '') || typeof next === 'number' ? String(next) : null;
    }
    case 'link-header':
      return nextLink(answer, now);
  }
}

/**
 * The query of the link that is marked `next`; nothing else of it is taken. A link to another origin or another path is refused.
 * @see https://www.rfc-editor.org/rfc/rfc8288
 */
function nextLink(answer: HttpAnswer, { origin, path }: Progress): readonly Pair[] | null | 'foreign' {
  const header = (answer.headers.link ?? '').slice(0, 8000);
  for (const part of header.split(/,(?=\s*<)/)) {
    const end = part.indexOf('>');
    const [target, params] = [part.slice(part.indexOf('<') + 1, Math.max(end, 0)), part.slice(end + 1)];
    if (!/;\s*rel="?next"?\s*(?:;|$)/i.test(params)) continue;
    if (target === '' || !URL.canParse(target, origin + path)) return 'foreign';
    const url = new URL(target, origin + path);
    return url.origin === origin && url.pathname === path ? [...url.searchParams] : 'foreign';
  }
  return null;
}
