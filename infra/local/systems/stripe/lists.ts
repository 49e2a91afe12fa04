import type { SimAnswer } from '../loopback-server.ts';
import { type Body, type Entry, indexedBody, type Kind } from './account.ts';
import { type Call, words } from './call.ts';
import { invalid, json, noSuch } from './errors.ts';
import type { Params } from './form.ts';
import { type Field, listFields, readParams } from './params.ts';
import { matcher } from './search.ts';

/** A filter of a list: the field it compares; `types` of events is a list of names. */
export type Filters = Readonly<Record<string, Field>>;

/** Newest first; records of one second by the order of their making. */
function newestFirst(a: Entry, b: Entry): number {
  return createdOf(b.body) - createdOf(a.body) || b.seq - a.seq;
}

function createdOf(body: Body): number {
  return Number(body.created ?? body.date ?? 0);
}

/** A page of a list. @see https://docs.stripe.com/api/pagination */
export function listRoute(call: Call, kind: Kind, filters: Filters): SimAnswer {
  const given = readParams(call.params, { ...listFields, ...filters });
  const { starting_after: after, ending_before: before } = given;
  if (after !== undefined && before !== undefined) {
    throw invalid('You can only specify one of these parameters: starting_after, ending_before.');
  }
  const inTime = timeFilter(given.created as string | Params | null | undefined);
  const wanted = Object.keys(filters).filter((name) => given[name] !== undefined && given[name] !== null);
  const types = typesOf(given.types as Params | undefined);
  const all = [...call.account.entries[kind].values()]
    .filter(({ deleted }) => !deleted)
    .sort(newestFirst)
    .map(({ body }) => body);
  const matching = all.filter(
    (body) =>
      inTime(createdOf(body)) &&
      (types === null || types.includes(String(body.type))) &&
      wanted.every((name) => name === 'types' || body[name] === given[name]),
  );
  const limit = typeof given.limit === 'number' ? given.limit : 10;
  const { data, more } = pageOf(call, kind, matching, { after, before, limit });
  return json(200, { object: 'list', data, has_more: more, url: call.request.path });
}

function pageOf(
  call: Call,
  kind: Kind,
  matching: readonly Body[],
  at: { after: unknown; before: unknown; limit: number },
): { data: readonly Body[]; more: boolean } {
  const cursor = at.after ?? at.before;
  if (cursor === undefined) return { data: matching.slice(0, at.limit), more: matching.length > at.limit };
  const name = at.after === undefined ? 'ending_before' : 'starting_after';
  const held = call.account.entries[kind].get(String(cursor));
  if (!held) throw noSuch(words[kind], String(cursor), name);
  const position = (body: Body) => call.account.entries[kind].get(body.id) as Entry;
  const older = matching.filter((body) => newestFirst(position(body), held) > 0);
  if (at.after !== undefined) return { data: older.slice(0, at.limit), more: older.length > at.limit };
  const newer = matching.filter((body) => newestFirst(position(body), held) < 0);
  return { data: newer.slice(-at.limit), more: newer.length > at.limit };
}

function timeFilter(given: string | Params | null | undefined): (createdS: number) => boolean {
  if (given === undefined || given === null) return () => true;
  const bounds = typeof given === 'string' ? { is: given } : given;
  const tests = Object.entries(bounds).map(([name, raw]) => {
    const value = Number(raw);
    if (typeof raw !== 'string' || !/^[0-9]{1,12}$/.test(raw)) {
      throw invalid(`Invalid integer: ${String(raw)}`, `created[${name}]`, 'parameter_invalid_integer');
    }
    const test = comparisons[name];
    if (!test) throw invalid(`Received unknown parameter: created[${name}]`, `created[${name}]`, 'parameter_unknown');
    return (createdS: number) => test(createdS, value);
  });
  return (createdS) => tests.every((test) => test(createdS));
}

const comparisons: Readonly<Record<string, (one: number, other: number) => boolean>> = {
  is: (one, other) => one === other,
  gt: (one, other) => one > other,
  gte: (one, other) => one >= other,
  lt: (one, other) => one < other,
  lte: (one, other) => one <= other,
};

function typesOf(given: Params | undefined): readonly string[] | null {
  return given === undefined ? null : Object.values(given).map(String);
}

/** A page of a search over the lagging index. @see https://docs.stripe.com/search */
export function searchRoute(call: Call, kind: Kind): SimAnswer {
  const given = readParams(call.params, {
    query: { type: 'string', required: true },
    limit: { type: 'int', min: 1, max: 100 },
    page: { type: 'string' },
  });
  const matches = matcher(String(given.query));
  const hits = [...call.account.entries[kind].values()]
    .sort(newestFirst)
    .map((entry) => indexedBody(call.account, entry))
    .filter((body): body is Body => body !== null && matches(body));
  const start = startOf(given.page);
  const limit = typeof given.limit === 'number' ? given.limit : 10;
  const more = hits.length > start + limit;
  const next = more ? Buffer.from(`at:${start + limit}`).toString('base64url') : null;
  const data = hits.slice(start, start + limit);
  return json(200, { object: 'search_result', data, has_more: more, next_page: next, url: call.request.path });
}

function startOf(page: unknown): number {
  if (typeof page !== 'string') return 0;
  const start = /^at:([0-9]{1,9})$/.exec(Buffer.from(page, 'base64url').toString())?.[1];
  if (start === undefined) throw invalid('Invalid page token.', 'page');
  return Number(start);
}
