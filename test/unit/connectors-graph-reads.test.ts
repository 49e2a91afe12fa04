import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { place } from '../../infra/local/systems/graph/tenant.ts';
import { graph } from '../../shared/connectors/graph/calls.ts';
import type { DeltaPage } from '../../shared/connectors/graph/delta.ts';
import { operationById } from '../../shared/connectors/graph/operations.ts';
import type { PlannedCall } from '../../shared/model/operation.ts';
import { annaId, apiVersion, callGraph, type GraphWorld, graphWorld, senderTo } from '../kit/graph-simulator.ts';
import { read } from '../kit/system-world.ts';

let world: GraphWorld;
beforeEach(async () => {
  world = await graphWorld();
});
afterEach(() => world.close());

type Page = { results: { id: string; properties: Record<string, unknown> }[]; after: string | null };
async function page(call: PlannedCall): Promise<Page> {
  const verdict = await read(world, call);
  if (verdict.kind !== 'ok') throw new Error(JSON.stringify(verdict.error));
  return verdict.data as unknown as Page;
}
async function changes(call: PlannedCall): Promise<DeltaPage> {
  const verdict = await read(world, call);
  if (verdict.kind !== 'ok') throw new Error(JSON.stringify(verdict.error));
  return verdict.data as unknown as DeltaPage;
}
const admin = (name: string, body: unknown) => callGraph(world.simulator, 'POST', `/_admin/${name}`, body);
const arrive = async (n: number, over: object = {}) => {
  const mail = { to: annaId, from: `p${n}@example.com`, subject: `Mail ${n}`, text: 'Hello', ...over };
  return (await admin('receive', mail)).body.id as string;
};

describe('mail', () => {
  it('is read as text, with its reference and without markup', async () => {
    const id = await arrive(1, { text: 'Hello <b>you</b>' });
    const verdict = await read(world, graph.messages.get(annaId, id));
    expect(verdict).toMatchObject({
      kind: 'ok',
      data: {
        ...{ id, ref: null, etag: expect.stringMatching(/^W\//) },
        properties: { subject: 'Mail 1', from: 'p1@example.com', body: 'Hello <b>you</b>\r\n', isDraft: false },
      },
    });
  });

  it('is listed page by page, newest first, by its filter and by its conversation', async () => {
    for (let n = 0; n < 7; n += 1) {
      world.clock.advance(1000);
      await arrive(n);
    }
    const first = await page(graph.messages.list(annaId, { limit: 3 }));
    const second = await page(graph.messages.next(first.after ?? ''));
    const third = await page(graph.messages.next(second.after ?? ''));
    const subjects = [first, second, third].flatMap(({ results }) =>
      results.map(({ properties }) => properties.subject),
    );
    expect(subjects).toEqual([6, 5, 4, 3, 2, 1, 0].map((n) => `Mail ${n}`));
    expect(third.after).toBeNull();
    const where = [{ property: 'from/emailAddress/address', operator: 'eq' as const, value: 'p3@example.com' }];
    const found = await page(graph.messages.list(annaId, { where, folder: 'inbox' }));
    expect(found.results.map(({ properties }) => properties.subject)).toEqual(['Mail 3']);
    const conversationId = String(found.results[0]?.properties.conversationId);
    expect((await page(graph.messages.thread(annaId, conversationId))).results).toHaveLength(1);
  });

  it('is searched by words, sender and subject', async () => {
    await arrive(1, { subject: 'Offer for you', text: 'blue chairs' });
    await arrive(2, { subject: 'Invoice', text: 'blue tables' });
    const subjects = async (search: object) =>
      (await page(graph.messages.search(annaId, search))).results.map(({ properties }) => properties.subject).sort();
    expect(await subjects({ words: 'blue' })).toEqual(['Invoice', 'Offer for you']);
    expect(await subjects({ words: 'blue', from: 'p2@example.com' })).toEqual(['Invoice']);
    expect(await subjects({ subject: 'offer' })).toEqual(['Offer for you']);
    expect(await subjects({ words: 'subject:offer' })).toEqual([]);
  });

  it.each([
    ['subject', 'schema'],
    ['conversationId', 'schema'],
  ])('without the field %s is an error of the schema, never an empty field', async (name, kind) => {
    const id = await arrive(1);
    await admin('remove-property', { type: 'message', name });
    expect(await read(world, graph.messages.get(annaId, id))).toMatchObject({
      kind: 'error',
      error: { class: kind, target: name },
    });
  });

  it('of a person whose mailbox is not in the cloud is a refusal, of nobody not found', async () => {
    expect(await read(world, graph.messages.list('nobody@acme.example'))).toMatchObject({
      error: { class: 'not_found' },
    });
    for (const user of world.simulator.tenant.users.values()) user.hasMailbox = false;
    expect(await read(world, graph.messages.list(annaId))).toMatchObject({
      error: { class: 'business', code: 'MailboxNotEnabledForRESTAPI' },
    });
  });
});

it('events are listed in a span of time, in order', async () => {
  const at = (hour: string) => ({ dateTime: `2030-01-01T${hour}:00:00`, timeZone: 'UTC' });
  for (const hour of ['12', '09', '23']) {
    const event = { subject: hour, start: at(hour), end: at(hour) };
    await callGraph(world.simulator, 'POST', `users/${annaId}/events`, event);
  }
  const span = { from: '2030-01-01T08:00:00Z', to: '2030-01-01T20:00:00Z' };
  const { results } = await page(graph.events.list(annaId, span));
  expect(results.map(({ properties }) => [properties.subject, properties.start])).toEqual([
    ['09', '2030-01-01T09:00:00Z'],
    ['12', '2030-01-01T12:00:00Z'],
  ]);
});

describe('changes', () => {
  async function round(start: PlannedCall, next: (after: string) => PlannedCall) {
    const pages: Extract<DeltaPage, { kind: 'page' }>[] = [];
    for (let call = start; ; ) {
      const one = await changes(call);
      if (one.kind === 'resync') return { kind: 'resync' as const };
      pages.push(one);
      if (one.after === null) return { kind: 'round' as const, pages, cursor: one.cursor ?? '' };
      call = next(one.after);
    }
  }
  const ofMail = (after: string) => graph.messages.delta({ after });

  it('come in rounds, empty pages and all, with what was removed', async () => {
    await admin('empty-pages', { on: true });
    const ids = [await arrive(1), await arrive(2), await arrive(3)];
    const first = await round(graph.messages.delta({ userId: annaId }), ofMail);
    if (first.kind !== 'round') throw new Error(first.kind);
    expect(first.pages[0]?.results).toEqual([]);
    expect(first.pages.flatMap(({ results }) => results.map(({ id }) => id)).sort()).toEqual([...ids].sort());
    await admin('touch', { id: ids[0], values: { isRead: true } });
    await admin('touch', { id: ids[1], values: null });
    const second = await round(ofMail(first.cursor), ofMail);
    if (second.kind !== 'round') throw new Error(second.kind);
    expect(second.pages.flatMap(({ results }) => results.map(({ id, properties }) => [id, properties.isRead]))).toEqual(
      [[ids[0], true]],
    );
    expect(second.pages.flatMap(({ removed }) => removed)).toEqual([{ id: ids[1], reason: 'deleted' }]);
    const third = await round(ofMail(second.cursor), ofMail);
    expect(third.kind === 'round' && third.pages.flatMap(({ results, removed }) => [...results, ...removed])).toEqual(
      [],
    );
  });

  it('of a user show what changed and leave out the rest', async () => {
    const first = await changes(graph.users.delta());
    if (first.kind !== 'page') throw new Error(first.kind);
    await admin('touch-user', { id: annaId, values: { jobTitle: 'Head' } });
    const second = await changes(graph.users.delta({ after: first.cursor ?? '' }));
    expect(second).toMatchObject({ kind: 'page', results: [{ id: annaId, properties: { jobTitle: 'Head' } }] });
    expect(second.kind === 'page' && Object.keys(second.results[0]?.properties ?? {})).toEqual(['jobTitle']);
  });

  it.each([400, 410])('whose cursor has ended (%i) say that everything is to be read again', async (status) => {
    await arrive(1);
    const first = await round(graph.messages.delta({ userId: annaId }), ofMail);
    if (first.kind !== 'round') throw new Error(first.kind);
    await admin('expire-cursors', { status });
    expect(await changes(ofMail(first.cursor))).toEqual({ kind: 'resync' });
  });

  it('of users cannot be asked for after seven days', async () => {
    const first = await changes(graph.users.delta());
    world.clock.advance(8 * 86_400_000);
    const cursor = first.kind === 'page' ? (first.cursor ?? '') : '';
    expect(await changes(graph.users.delta({ after: cursor }))).toEqual({ kind: 'resync' });
  });

  it('that neither go on nor end are an error', () => {
    const operation = operationById('graph.users.delta');
    const answer = { status: 200, headers: {}, bodyText: JSON.stringify({ value: [] }) };
    expect(operation?.judge(answer, {})).toMatchObject({ kind: 'error', error: { code: 'incomplete_result' } });
  });
});

describe('hostile links', () => {
  it('end a list with an error, and nothing is sent to where they lead', async () => {
    const asked: string[] = [];
    const thief = createServer((request, response) => {
      asked.push(request.headers.authorization ?? 'none');
      response.end('{}');
    });
    await new Promise<void>((done) => thief.listen(0, '127.0.0.1', done));
    for (let n = 0; n < 3; n += 1) await arrive(n);
    for (const origin of ['https://graph.microsoft.com.evil.example', 'https://10.0.0.1']) {
      await admin('link-origin', { origin });
      expect(await read(world, graph.messages.list(annaId, { limit: 2 }))).toMatchObject({
        error: { code: 'incomplete_result' },
      });
      expect(await read(world, graph.users.delta())).toMatchObject({ kind: 'error' });
    }
    // A loopback address is a place of the local target: its path is asked of the configured origin, never of it.
    await admin('link-origin', { origin: `http://127.0.0.1:${(thief.address() as AddressInfo).port}` });
    const first = await page(graph.messages.list(annaId, { limit: 2 }));
    expect((await page(graph.messages.next(first.after ?? ''))).results).toHaveLength(1);
    expect(asked).toEqual([]);
    thief.closeAllConnections();
    thief.close();
  });
});

it('100,000 users are paged through holding one page', async () => {
  const total = 100_000;
  const size = 999;
  const row = (n: number) => ({
    ...{
      id: `user-${n}`,
      displayName: `Person ${n}`,
      userPrincipalName: `p${n}@acme.example`,
      mail: `p${n}@acme.example`,
    },
    ...{
      givenName: 'P',
      surname: String(n),
      jobTitle: null,
      department: null,
      officeLocation: null,
      mobilePhone: null,
    },
  });
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://127.0.0.1');
    const from = Number(url.searchParams.get('$skiptoken') ?? 0);
    const value = Array.from({ length: Math.min(size, total - from) }, (_, at) => row(from + at));
    const more = from + size < total;
    const next = `https://graph.microsoft.com/v1.0/users?$skiptoken=${from + size}`;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ value, ...(more ? { '@odata.nextLink': next } : {}) }));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const send = senderTo({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  let [seen, last, mostMb] = [0, '', 0];
  const beforeMb = process.memoryUsage().rss / 1_048_576;
  for (let call: PlannedCall | null = graph.users.list({ limit: size }); call !== null; ) {
    const operation = operationById(call.operation);
    const spec = operation?.request({ apiVersion, providerKey: '' }, call.input);
    if (!operation || !spec) throw new Error(call.operation);
    const sent = await send({ system: 'graph', spec, purpose: 'read', deadlineMs: Date.now() + 5000 });
    const verdict = sent.kind === 'answer' ? operation.judge(sent.answer, call.input) : sent;
    if (verdict.kind !== 'ok') throw new Error(JSON.stringify(verdict));
    const { results, after } = verdict.data as unknown as Page;
    expect(results.length).toBeLessThanOrEqual(size);
    seen += results.length;
    last = results.at(-1)?.id ?? '';
    mostMb = Math.max(mostMb, process.memoryUsage().rss / 1_048_576);
    call = after === null ? null : graph.users.next(after);
  }
  server.closeAllConnections();
  server.close();
  expect([seen, last]).toEqual([total, `user-${total - 1}`]);
  // Server and client share this process; all rows at once would take more than 100 MB.
  expect(mostMb - beforeMb).toBeLessThan(90);
});

it('a record that another place writes meanwhile is not lost between pages of changes', async () => {
  const { tenant } = world.simulator;
  const values = { subject: 'x', isDraft: false, toRecipients: [], conversationId: 'c', body: { content: '' } };
  const items = Array.from({ length: 250 }, () =>
    place(tenant, { kind: 'message', userId: annaId, folder: 'inbox', values: { ...values } }),
  );
  const seen = new Set<string>();
  let call = graph.messages.delta({ userId: annaId });
  for (let pages = 0; pages < 20; pages += 1) {
    const one = await changes(call);
    if (one.kind !== 'page') throw new Error(one.kind);
    for (const { id } of one.results) seen.add(id);
    // What is changed during a round comes with the next one.
    if (pages === 0) await admin('touch', { id: items[240]?.id, values: { isRead: true } });
    if (one.after === null) {
      const next = await changes(graph.messages.delta({ after: one.cursor ?? '' }));
      if (next.kind === 'page') for (const { id } of next.results) seen.add(id);
      break;
    }
    call = graph.messages.delta({ after: one.after });
  }
  expect(seen.size).toBe(250);
});
