import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hubspot } from '../../shared/connectors/hubspot/calls.ts';
import { operationById } from '../../shared/connectors/hubspot/operations.ts';
import type { BatchForm, BatchItem, HttpAnswer, PlannedCall, WriteVerdict } from '../../shared/model/operation.ts';
import { account, closeAccount, contact, exchange, key, next, openAccount } from '../kit/hubspot-account.ts';

beforeAll(openAccount);
afterAll(closeAccount);
beforeEach(() => account.effects.clear());

function formOf(call: PlannedCall | undefined): BatchForm {
  const operation = operationById(call?.operation ?? '');
  if (operation?.kind !== 'write' || !operation.batch) throw new Error(`${call?.operation} has no batch form`);
  return operation.batch;
}
const itemsOf = (calls: readonly PlannedCall[]): BatchItem[] =>
  calls.map(({ input }) => ({ providerKey: key(next()), input }));

/** Sends the calls in one request; the class of what was refused, else the kind of each verdict. */
async function sendAll(calls: readonly PlannedCall[], apiVersion = '2026-09') {
  const form = formOf(calls[0]);
  const items = itemsOf(calls);
  const answer = await exchange(form.request({ apiVersion, providerKey: 'req_1' }, items));
  return { judged: form.judge(answer, items), items };
}
const word = (verdict: WriteVerdict) => (verdict.kind === 'not_applied' ? verdict.error.class : verdict.kind);
const said = (form: BatchForm, answer: HttpAnswer, items: readonly BatchItem[]) => {
  const judged = form.judge(answer, items);
  return judged.kind === 'whole' ? `whole ${word(judged.verdict)}` : judged.verdicts.map(word);
};
const words = ({ judged }: Awaited<ReturnType<typeof sendAll>>) =>
  judged.kind === 'whole' ? `whole ${word(judged.verdict)}` : judged.verdicts.map(word);
const create = (properties: Record<string, string>) => hubspot.contacts.create(properties);
const email = () => `b${next()}@example.test`;

describe('a batch of HubSpot', () => {
  it.each(['2026-09', 'v3'])('of creates gives each its verdict, in version %s', async (version) => {
    const sent = await sendAll(
      [create({ email: email() }), create({ nonsense: '1' }), create({ email: email() })],
      version,
    );
    expect(words(sent)).toEqual(['applied', 'schema', 'applied']);
    expect(account.effects.effects().map(({ key: ref }) => ref)).toEqual(
      [0, 2].map((at) => sent.items[at]?.providerKey),
    );
  });

  it('of notes leaves each findable by its own value', async () => {
    const { id } = await contact();
    account.effects.clear();
    const notes = ['one', 'two'].map((text) =>
      hubspot.notes.append({ text, on: { object: 'contact', id }, atMs: 1_800_000_000_000 }),
    );
    const sent = await sendAll(notes);
    expect(words(sent)).toEqual(['applied', 'applied']);
    expect(account.effects.effects().map(({ key: ref }) => ref)).toEqual(sent.items.map((item) => item.providerKey));
  });

  it('of updates tells the record that is not there from the others', async () => {
    const [one, two] = [await contact(), await contact()];
    const update = (id: string) => hubspot.contacts.update(id, { firstname: 'Grace' });
    const sent = await sendAll([update(one.id), update('99999999'), update(two.id)]);
    expect(words(sent)).toEqual(['applied', 'not_found', 'applied']);
    expect(sent.judged).toMatchObject({ verdicts: [{ records: [['hubspot', 'contact', one.id]] }, {}, {}] });
  });

  it('of upserts says which it created', async () => {
    const known = await contact();
    const sent = await sendAll([
      hubspot.contacts.upsert({ email: known.email }, { firstname: 'A' }),
      hubspot.contacts.upsert({ email: email() }, { firstname: 'B' }),
    ]);
    expect(sent.judged).toMatchObject({
      verdicts: [
        { kind: 'applied', created: false },
        { kind: 'applied', created: true },
      ],
    });
  });

  it('of 100 is one request', async () => {
    const before = account.effects.requests().length;
    const sent = await sendAll(Array.from({ length: 100 }, () => create({ email: email() })));
    expect(new Set(words(sent))).toEqual(new Set(['applied']));
    expect([account.effects.requests().length - before, account.effects.effects().length]).toEqual([1, 100]);
  });

  it('keeps apart what HubSpot would refuse or could not tell apart', () => {
    const upsert = (id: string) => hubspot.contacts.upsert({ email: id }, {}).input;
    const form = formOf(hubspot.contacts.upsert({ email: 'a' }, {}));
    expect(form.same?.(upsert('A@example.test '))).toBe(form.same?.(upsert('a@example.test')));
    expect(
      form.group(
        hubspot.contacts.upsertMany('email', [
          { id: 'a', properties: {} },
          { id: 'b', properties: {} },
        ]).input,
      ),
    ).toBeNull();
    expect(form.group(upsert('a'))).not.toBe(form.group(hubspot.contacts.upsert({ other: 'a' }, {}).input));
  });
});

describe('an answer to a batch of updates', () => {
  const form = formOf(hubspot.contacts.update('1', {}));
  const items = itemsOf([hubspot.contacts.update('1', {}), hubspot.contacts.update('2', {})]);
  const row = (id: string, trace?: string) => ({
    id,
    properties: {},
    ...(trace === undefined ? {} : { objectWriteTraceId: trace }),
  });
  const answer = (status: number, body: unknown): HttpAnswer => ({
    status,
    headers: {},
    bodyText: JSON.stringify(body),
  });
  const complete = (results: unknown[], errors: unknown[] = []) =>
    answer(errors.length > 0 ? 207 : 200, { status: 'COMPLETE', results, errors, numErrors: errors.length });
  const refusal = (context: object) => ({ category: 'OBJECT_NOT_FOUND', message: 'not there', context });
  const [one, two] = items.map(({ providerKey }) => providerKey);

  it.each<[string, HttpAnswer, readonly string[] | string]>([
    ['in another order, by reference', complete([row('2', two), row('1', one)]), ['applied', 'applied']],
    ['without references, by id', complete([row('2'), row('1')]), ['applied', 'applied']],
    ['with one missing', complete([row('1', one)]), ['applied', 'unknown']],
    ['twice about one', complete([row('1', one), row('1', one)]), ['unknown', 'unknown']],
    ['one record for both', complete([row('1', one), row('1', two)]), ['unknown', 'unknown']],
    [
      'as written and refused',
      complete([row('1', one), row('2', two)], [refusal({ objectWriteTraceId: [one] })]),
      ['unknown', 'applied'],
    ],
    ['refused by id', complete([row('1')], [refusal({ ids: ['2'] })]), ['applied', 'not_found']],
    ['refused without a name', complete([row('1', one)], [refusal({})]), ['applied', 'unknown']],
    ['unreadable results', complete([{ id: 5 }, null]), ['unknown', 'unknown']],
    ['no results', answer(200, { status: 'COMPLETE' }), 'whole unknown'],
    ['a failing server', answer(502, '<html>'), 'whole unknown'],
    [
      'refused as a whole',
      answer(400, { category: 'VALIDATION_ERROR', message: 'Duplicate IDs found' }),
      'whole business',
    ],
    ['too many calls', answer(429, { category: 'RATE_LIMITS', policyName: 'SECONDLY', message: 'm' }), 'whole rate'],
  ])('%s', (_name, given, expected) => {
    expect(said(form, given, items)).toEqual(expected);
  });
});
