import { expect, it } from 'vitest';
import type { Json } from '../../shared/model/json.ts';
import type { HttpAnswer, Operation, ReadOperation } from '../../shared/model/operation.ts';
import { loadOperations } from '../../shared/tools/operations.ts';
import { restConfig } from '../kit/portal-simulator.ts';

const origin = 'https://portal.supplier.example';

async function listWith(paging: object): Promise<ReadOperation> {
  const list = { kind: 'read', path: '/v1/things', rows: 'data', object: 'thing', id: 'id', fields: ['id'], paging };
  const config = restConfig(
    { operations: { things: { ...list, query: { kind: 'a b' } } } },
    { account: { is: 'sandbox' } },
  );
  const operation: Operation | null = (await loadOperations({ sys: config }))('rest.sys.things');
  if (operation?.kind !== 'read') throw new Error('no read');
  return operation;
}

type Served = { readonly rows: readonly number[]; readonly more?: object; readonly link?: string };

/** Walks a list over what `serve` answers to each query; the ids, or the code of the error that ended it. */
async function walk(paging: object, serve: (query: URLSearchParams) => Served) {
  const list = await listWith(paging);
  const ids: string[] = [];
  const queries: string[] = [];
  let input: Json = { properties: {} };
  for (let page = 0; page < 50; page += 1) {
    const { query } = list.request({ apiVersion: '1', providerKey: '' }, input);
    const asked = new URLSearchParams((query ?? []).map(([name, value]): [string, string] => [name, value]));
    queries.push(asked.toString());
    const { rows, more = {}, link } = serve(asked);
    const answer: HttpAnswer = {
      ...{ status: 200, headers: link === undefined ? {} : { link } },
      bodyText: JSON.stringify({ data: rows.map((id) => ({ id })), ...more }),
    };
    const verdict = list.judge(answer, input);
    if (verdict.kind === 'error') return { ids, queries, error: verdict.error.code };
    const { results, after } = verdict.data as unknown as { results: { id: string }[]; after: string | null };
    ids.push(...results.map(({ id }) => id));
    if (after === null) return { ids, queries, error: null };
    input = { properties: {}, after };
  }
  throw new Error('no end');
}

const numbers = (from: number, to: number) => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
const texts = (to: number) => numbers(0, to).map(String);
const page = { kind: 'page', param: 'page', size: { param: 'per', value: 10 } };
const offset = { kind: 'offset', param: 'from', size: { param: 'per', value: 10 } };

const byPage =
  (total: number, size = 10) =>
  (query: URLSearchParams) => {
    const at = Number(query.get('page')) - 1;
    return { rows: numbers(at * size, Math.min(total, (at + 1) * size)), more: { total } };
  };

it('walks numbered pages to the first empty one, and to the total where it is told', async () => {
  const plain = await walk(page, byPage(25));
  expect([plain.ids, plain.queries.length]).toEqual([texts(25), 4]);
  const told = await walk({ ...page, total: 'total' }, byPage(25));
  expect([told.ids, told.queries]).toEqual([texts(25), [1, 2, 3].map((n) => `kind=a+b&page=${n}&per=10`)]);
});

it('does not take a short page for the end: a system may give fewer rows than it was asked for', async () => {
  expect((await walk(page, byPage(25, 7))).ids).toEqual(texts(25));
  const capped = (query: URLSearchParams) => {
    const from = Number(query.get('from'));
    return { rows: numbers(from, Math.min(25, from + 4)) };
  };
  expect((await walk(offset, capped)).ids).toEqual(texts(25));
});

it('a list that ends before its total is an error, never a short answer', async () => {
  const cut = (query: URLSearchParams) => ({
    rows: query.get('page') === '1' ? numbers(0, 10) : [],
    more: { total: 25 },
  });
  expect(await walk({ ...page, total: 'total' }, cut)).toMatchObject({ error: 'cut_short' });
});

it('a total that changes between two pages is an error', async () => {
  const grown = (query: URLSearchParams) => ({ ...byPage(25)(query), more: { total: 24 + Number(query.get('page')) } });
  expect(await walk({ ...page, total: 'total' }, grown)).toMatchObject({ error: 'rows_shifted' });
});

it.each([
  ['a row that was added before', (n: number) => n - 1],
  ['a row that was removed before', (n: number) => n + 1],
])('offset pages overlap, so that %s is seen', async (_what, moved) => {
  let asked = 0;
  const shifting = (query: URLSearchParams) => {
    const from = Number(query.get('from'));
    asked += 1;
    return { rows: numbers(from, Math.min(25, from + 10)).map((n) => (asked > 1 ? moved(n) : n)) };
  };
  expect(await walk(offset, shifting)).toMatchObject({ error: 'rows_shifted' });
});

it('follows a cursor to its end, and stops where it does not move', async () => {
  const cursor = { kind: 'cursor', param: 'cursor', next: 'meta.next' };
  const serve = (query: URLSearchParams) => {
    const at = Number(query.get('cursor') ?? '0');
    return { rows: numbers(at, at + 5), more: { meta: { next: at < 10 ? String(at + 5) : null } } };
  };
  expect((await walk(cursor, serve)).ids).toEqual(texts(15));
  const stuck = () => ({ rows: [1], more: { meta: { next: 'same' } } });
  expect(await walk(cursor, stuck)).toMatchObject({ error: 'page_repeats' });
});

it('has an end: more pages than were expected are an error', async () => {
  let n = 0;
  const endless = () => {
    n += 1;
    return { rows: [n], more: { meta: { next: `c${n}` } } };
  };
  const cursor = { kind: 'cursor', param: 'cursor', next: 'meta.next', max: 5 };
  expect(await walk(cursor, endless)).toMatchObject({ error: 'too_many_pages', ids: ['1', '2', '3', '4'] });
});

it.each(['/v1/things?at=2', `${origin}/v1/things?at=2`, '?at=2'])(
  'follows the next link %s by its query alone',
  async (target) => {
    const serve = (query: URLSearchParams) =>
      query.get('at') === '2'
        ? { rows: [2] }
        : { rows: [1], link: `</v1/things?at=1>; rel="prev", <${target}>; rel="next"` };
    expect(await walk({ kind: 'link-header' }, serve)).toMatchObject({
      ids: ['1', '2'],
      queries: ['kind=a+b', 'at=2'],
      error: null,
    });
  },
);

it.each([
  'https://evil.example/v1/things?at=2',
  '//evil.example/v1/things?at=2',
  'http://portal.supplier.example/v1/things?at=2',
  '/v1/secrets?at=2',
  '/v1/things/../secrets?at=2',
])('does not follow the next link %s', async (target) => {
  const serve = () => ({ rows: [1], link: `<${target}>; rel=next` });
  expect(await walk({ kind: 'link-header' }, serve)).toMatchObject({ ids: [], error: 'foreign_next_link' });
});
