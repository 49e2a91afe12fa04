import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { place } from '../../infra/local/systems/salesforce/org.ts';
import { salesforce } from '../../shared/connectors/salesforce/calls.ts';
import type { SalesforceRecord } from '../../shared/connectors/salesforce/client.ts';
import { operationById } from '../../shared/connectors/salesforce/operations.ts';
import type { HttpAnswer, PlannedCall } from '../../shared/model/operation.ts';
import { callSalesforce, type SalesforceWorld, salesforceWorld } from '../kit/salesforce-simulator.ts';
import { read } from '../kit/system-world.ts';

let world: SalesforceWorld;
beforeEach(async () => {
  world = await salesforceWorld();
});
afterEach(() => world.close());

const ok = async <T>(call: PlannedCall): Promise<T> => {
  const verdict = await read(world, call);
  if (verdict.kind === 'error') throw new Error(verdict.error.code);
  return verdict.data as T;
};
const iso = (ms: number) => new Date(ms).toISOString();
const account = async (Name: string): Promise<string> =>
  (await callSalesforce(world.simulator, 'POST', 'sobjects/Account', { Name })).body.id;
const touch = (id: string, fields: object | null) =>
  callSalesforce(world.simulator, 'POST', '/_admin/touch', { type: 'Account', id, fields });

type Changed = {
  readonly results: readonly SalesforceRecord[];
  readonly next: { since: string; afterId: string } | null;
};

describe('changes of Salesforce since a mark', () => {
  /** Walks over all changes, page by page. */
  async function walk(since: string, limit: number, until?: string) {
    const names: unknown[] = [];
    let mark: Changed['next'] | { since: string } = { since };
    for (let pages = 1; pages < 100; pages += 1) {
      const ends = until === undefined ? {} : { until };
      const page: Changed = await ok(salesforce.accounts.changed({ ...mark, ...ends, limit, fields: ['Name'] }));
      names.push(...page.results.map(({ properties }) => properties.Name));
      if (page.next === null) return { names, pages };
      mark = page.next;
    }
    throw new Error('never ended');
  }

  it('are each seen once where many share a second', async () => {
    const since = iso(world.clock.now() - 1000);
    const expected = [];
    for (let n = 0; n < 23; n += 1) {
      await account(`A${n}`);
      expected.push(`A${n}`);
      if (n === 10) world.clock.advance(3000);
    }
    const { names, pages } = await walk(since, 5);
    expect([names.toSorted(), pages]).toEqual([expected.toSorted(), 5]);
  });

  it('leave out what is older than the mark, and what is newer than the end', async () => {
    await account('before');
    world.clock.advance(5000);
    const since = iso(world.clock.now() - 2000);
    await account('within');
    const until = iso(world.clock.now());
    world.clock.advance(5000);
    await account('after');
    expect((await walk(since, 10, until)).names).toEqual(['within']);
    expect((await walk(since, 10)).names).toEqual(['within', 'after']);
  });

  it('go on where Salesforce cuts a page into smaller ones', async () => {
    await world.close();
    world = await salesforceWorld({ batchSize: 3 });
    const since = iso(world.clock.now() - 1000);
    for (let n = 0; n < 8; n += 1) await account(`A${n}`);
    expect((await walk(since, 5)).names).toHaveLength(8);
  });

  it.each([{ since: 'yesterday' }, { since: iso(0), afterId: "x' OR Id != 'y" }, { since: iso(0), limit: 0 }])(
    'are not asked for with %j',
    (input) => {
      const { operation, input: planned } = salesforce.accounts.changed(input);
      expect(() => operationById(operation)?.request({ apiVersion: '62.0', providerKey: '' }, planned)).toThrow(
        expect.objectContaining({ code: 'invalid_input' }),
      );
    },
  );

  it('tell which records were deleted, and queryAll still shows them', async () => {
    const [kept, gone] = [await account('kept'), await account('gone')];
    await touch(gone, null);
    const span = { from: iso(world.clock.now() - 600_000), to: iso(world.clock.now() + 120_000) };
    const deleted = await ok<{ deleted: { id: string }[]; coveredUntil: string }>(salesforce.accounts.deleted(span));
    expect([deleted.deleted.map(({ id }) => id), Date.parse(deleted.coveredUntil) > 0]).toEqual([[gone], true]);
    expect(await ok(salesforce.accounts.updated(span))).toMatchObject({ ids: [kept] });
    const all = await ok<Changed>(salesforce.accounts.query({ fields: ['Name'], withDeleted: true }));
    expect(all.results.map(({ id, properties }) => [id, properties.IsDeleted])).toEqual([
      [kept, false],
      [gone, true],
    ]);
    expect((await ok<Changed>(salesforce.accounts.query({ fields: ['Name'] }))).results).toHaveLength(1);
  });

  it('of the schema are asked for by time, and unchanged is answered as such', async () => {
    const first = await ok<{ fingerprint: string }>(salesforce.accounts.describe());
    const since = iso(world.clock.now());
    expect(await ok(salesforce.accounts.describe(since))).toEqual({ unchanged: true });
    world.clock.advance(2000);
    for (const [knob, body] of [
      ['add-field', { type: 'Account', name: 'New__c' }],
      ['retype-field', { type: 'Account', name: 'Website', to: 'currency' }],
      ['remove-field', { type: 'Account', name: 'Industry' }],
    ] as const) {
      const before = await ok<{ fingerprint: string }>(salesforce.accounts.describe());
      expect((await callSalesforce(world.simulator, 'POST', `/_admin/${knob}`, body)).status).toBe(200);
      expect((await ok<{ fingerprint: string }>(salesforce.accounts.describe(since))).fingerprint).not.toBe(
        before.fingerprint,
      );
    }
    expect(await ok(salesforce.accounts.describe(since))).not.toMatchObject(first);
  });
});

describe('100,000 records of Salesforce', () => {
  it('are read in 100 requests, none of which holds more than one page', async () => {
    const { org } = world.simulator;
    for (let n = 0; n < 100_000; n += 1) place(org, 'Account', { Name: `A${n}` }, 0);
    let [seen, largest, last, pages] = [0, 0, '', 0];
    let call: PlannedCall | null = salesforce.accounts.query({ fields: ['Name'] });
    while (call) {
      const page: { results: readonly SalesforceRecord[]; after: string | null } = await ok(call);
      for (const { id } of page.results) {
        // Ascending ids: none twice, none left out, and no list of them is kept.
        expect(id > last).toBe(true);
        last = id;
      }
      [seen, largest, pages] = [seen + page.results.length, Math.max(largest, page.results.length), pages + 1];
      call = page.after === null ? null : salesforce.accounts.next(page.after, { fields: ['Name'] });
    }
    expect([seen, largest, pages]).toEqual([100_000, 1000, 100]);
  });

  it('cut short are an error and never a short answer', () => {
    const call = salesforce.accounts.query({ fields: ['Name'] });
    const record = { attributes: { type: 'Account' }, Id: '001000000000001AAA', Name: 'A' };
    const judged = (body: object) => {
      const answer: HttpAnswer = { status: 200, headers: {}, bodyText: JSON.stringify(body) };
      const operation = operationById(call.operation);
      return operation?.judge(answer, call.input);
    };
    const next = 'nextRecordsUrl';
    for (const body of [
      { totalSize: 100_000, done: true, records: [record] },
      { totalSize: 100_000, done: false, records: [record] },
      {
        totalSize: 100_000,
        done: false,
        [next]: 'https://evil.example/services/data/v62.0/query/01gxx0000000001AAA-2000',
        records: [record],
      },
      {
        totalSize: 100_000,
        done: false,
        [next]: '//evil.example/services/data/v62.0/query/01gxx0000000001AAA-2000',
        records: [record],
      },
      {
        totalSize: 100_000,
        done: false,
        [next]: '/services/data/v62.0/query/../../../id/01gxx0000000001AAA-2000',
        records: [record],
      },
      {
        totalSize: 100_000,
        done: false,
        [next]: '/services/data/v62.0/query/01gxx0000000001AAA-2000?q=x',
        records: [record],
      },
    ]) {
      expect(judged(body)).toMatchObject({ kind: 'error', error: { code: 'incomplete_result' } });
    }
  });
});
