import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseCsv } from '../../infra/local/systems/salesforce/csv.ts';
import { salesforce } from '../../shared/connectors/salesforce/calls.ts';
import { csvOf, readCsv } from '../../shared/connectors/salesforce/csv.ts';
import { operationById } from '../../shared/connectors/salesforce/operations.ts';
import type { Json } from '../../shared/model/json.ts';
import type { HttpAnswer, PlannedCall } from '../../shared/model/operation.ts';
import { callSalesforce, type SalesforceWorld, salesforceWorld } from '../kit/salesforce-simulator.ts';
import { exchange, read, write } from '../kit/system-world.ts';

const invalid = expect.objectContaining({ code: 'invalid_input' });
const context = { apiVersion: '62.0', providerKey: 'act_k_1' };
const request = (call: PlannedCall) => operationById(call.operation)?.request(context, call.input);
const { jobs } = salesforce;

describe('rows for a bulk job', () => {
  const texts = fc.string({ unit: 'binary', maxLength: 30 });

  it('stay in their cell and row whatever their text is', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(texts, texts), { minLength: 1, maxLength: 5 }), (rows) => {
        let csv: string;
        try {
          csv = csvOf(['A', 'B__c'], rows);
        } catch (error) {
          expect(error).toEqual(invalid);
          return;
        }
        const kept = (text: string) => (text === '' ? '#N/A' : text.replaceAll(/\r\n?/g, '\n'));
        expect(parseCsv(csv, ',')).toEqual([['A', 'B__c'], ...rows.map((row) => row.map(kept))]);
      }),
    );
  });

  it('empty a field where there is no value, and never by a text', () => {
    expect(
      csvOf(
        ['A', 'B'],
        [
          [null, ''],
          [0, false],
        ],
      ),
    ).toBe('A,B\n"#N/A","#N/A"\n"0","false"\n');
    for (const cell of ['#N/A', ' #N/A ', 'a\u0000b', '\ud800', Number.NaN])
      expect(() => csvOf(['A'], [[cell]])).toThrow(invalid);
    for (const columns of [[], ['A', 'a'], ['A,B'], ['A\nB'], ['"A"']])
      expect(() => csvOf(columns, [])).toThrow(invalid);
    expect(() => csvOf(['A', 'B'], [['only one']])).toThrow(invalid);
  });

  it('are read back as they were written, and not at all where the text is cut off', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 10 }), { minLength: 1, maxLength: 4 }), fc.nat(), (cells, cut) => {
        const quoted = cells.map((cell) => `"${cell.replaceAll('"', '""')}"`);
        const text = `${cells.map((_, n) => `"c${n}"`).join(',')}\n${quoted.join(',')}\n`;
        expect(readCsv(text)).toEqual([Object.fromEntries(cells.map((cell, n) => [`c${n}`, cell]))]);
        const at = text.indexOf('\n') + 2 + (cut % (text.length - text.indexOf('\n') - 3 || 1));
        if (at < text.length) expect(readCsv(text.slice(0, at))).toBeNull();
      }),
    );
  });

  it('go in one upload of at least one row and at most 4 MB', () => {
    const upload = (rows: readonly string[][]) =>
      request(jobs.upload({ jobId: '750000000000001AAA', columns: ['Name'], rows }));
    expect(upload([['A']])).toMatchObject({ method: 'PUT', body: { text: 'Name\n"A"\n', contentType: 'text/csv' } });
    expect(() => upload([])).toThrow(invalid);
    expect(() => upload(Array.from({ length: 5 }, () => ['x'.repeat(1_000_000)]))).toThrow(invalid);
  });

  it.each(['001000000000001AAA', '../limits', '750', ''])('go to no job %j', (jobId) => {
    for (const call of [jobs.get(jobId), jobs.close(jobId), jobs.abort(jobId), jobs.results(jobId, 'failed')]) {
      expect(() => request(call)).toThrow(invalid);
    }
  });
});

describe('a bulk job', () => {
  let world: SalesforceWorld;
  beforeEach(async () => {
    world = await salesforceWorld();
  });
  afterEach(() => world.close());
  let serial = 0;
  const done = async (call: PlannedCall) => {
    serial += 1;
    const verdict = await write(world, call, `act_bulk_${serial}`);
    if (verdict.kind !== 'applied') throw new Error(JSON.stringify(verdict.error));
    return verdict.data as { readonly jobId: string; readonly state: string };
  };
  const data = async <T>(call: PlannedCall): Promise<T> => {
    const verdict = await read(world, call);
    if (verdict.kind === 'error') throw new Error(verdict.error.code);
    return verdict.data as T;
  };
  const upsert = { object: 'account', operation: 'upsert', externalIdField: 'HubSpot_Id__c' } as const;
  type Rows = {
    readonly rows: readonly {
      readonly id: string | null;
      readonly created: boolean;
      readonly error: { readonly class: string; readonly code: string } | null;
      readonly values: Readonly<Record<string, string>>;
    }[];
  };

  it('loads 2,500 records in eight requests and names each one that was refused', async () => {
    const { jobId } = await done(jobs.create(upsert));
    const rows = Array.from({ length: 2500 }, (_, n) => [`${n}`, n % 500 === 7 ? null : `=SUM(A${n}),"\n`]);
    await done(jobs.upload({ jobId, columns: ['HubSpot_Id__c', 'Name'], rows }));
    expect(world.simulator.effects.effects()).toEqual([]);
    await done(jobs.close(jobId));
    const states = [await data<{ state: string }>(jobs.get(jobId)), await data<{ state: string }>(jobs.get(jobId))];
    expect(states).toMatchObject([{ state: 'InProgress' }, { state: 'JobComplete', processed: 2500, failed: 5 }]);
    const [good, bad] = [
      await data<Rows>(jobs.results(jobId, 'successful')),
      await data<Rows>(jobs.results(jobId, 'failed')),
    ];
    expect([good.rows.length, good.rows[0]]).toMatchObject([
      2495,
      { created: true, error: null, values: { HubSpot_Id__c: '0', Name: '=SUM(A0),"\n' } },
    ]);
    expect(bad.rows.map(({ id, error, values }) => [id, error?.class, error?.code, values.HubSpot_Id__c])).toEqual(
      ['7', '507', '1007', '1507', '2007'].map((id) => [null, 'business', 'REQUIRED_FIELD_MISSING', id]),
    );
    expect(await data(jobs.results(jobId, 'unprocessed'))).toEqual({ rows: [] });
    expect(world.simulator.effects.requests().length).toBe(8);
  });

  it('takes one upload: a second one is refused, and the first is what is loaded', async () => {
    const { jobId } = await done(jobs.create(upsert));
    await done(jobs.upload({ jobId, columns: ['HubSpot_Id__c', 'Name'], rows: [['1', 'A']] }));
    const again = await write(
      world,
      jobs.upload({ jobId, columns: ['HubSpot_Id__c', 'Name'], rows: [['2', 'B']] }),
      'k',
    );
    expect(again).toMatchObject({ kind: 'not_applied', error: { class: 'business' } });
    await done(jobs.close(jobId));
    expect(world.simulator.effects.effects().map(({ properties }) => properties.Name)).toEqual(['A']);
  });

  it('that is aborted loads nothing, and says so of every row', async () => {
    const { jobId } = await done(jobs.create({ object: 'account', operation: 'update' }));
    await done(jobs.upload({ jobId, columns: ['Id', 'Name'], rows: [['001000000000001AAA', 'A']] }));
    expect(await done(jobs.abort(jobId))).toMatchObject({ state: 'Aborted' });
    expect(await write(world, jobs.close(jobId), 'k')).toMatchObject({
      kind: 'not_applied',
      error: { class: 'conflict', code: 'INVALIDJOBSTATE' },
    });
    expect((await data<Rows>(jobs.results(jobId, 'unprocessed'))).rows).toHaveLength(1);
  });

  it('of a column that is not there fails as a whole', async () => {
    const { jobId } = await done(jobs.create(upsert));
    await done(jobs.upload({ jobId, columns: ['HubSpot_Id__c', 'Nope__c'], rows: [['1', 'A']] }));
    await done(jobs.close(jobId));
    await data(jobs.get(jobId));
    expect(await data(jobs.get(jobId))).toMatchObject({ state: 'Failed', error: expect.stringContaining('Nope__c') });
  });

  it('that is there no more is not found, and results that are cut off are an error', async () => {
    expect(await read(world, jobs.get('750000000000009AAA'))).toMatchObject({ error: { class: 'not_found' } });
    const cut: HttpAnswer = { status: 200, headers: {}, bodyText: '"sf__Id","sf__Created"\n"001000000000001AAA","tr' };
    const { operation, input } = jobs.results('750000000000001AAA', 'successful');
    expect(operationById(operation)?.judge(cut, input as Json)).toMatchObject({ error: { code: 'unreadable_answer' } });
  });

  it('is closed once more only where the first time did not happen', async () => {
    const { jobId } = await done(jobs.create(upsert));
    await done(jobs.upload({ jobId, columns: ['HubSpot_Id__c', 'Name'], rows: [['1', 'A']] }));
    const operation = operationById('salesforce.jobs.close');
    if (operation?.kind !== 'write' || !operation.probe) throw new Error('no probe');
    const probed = async () => {
      const spec = operation.probe?.request(context, { jobId });
      if (!spec) throw new Error('no probe');
      return operation.probe?.judge(await exchange(world, spec, 'read'), { jobId }, null, 'k').kind;
    };
    expect(await probed()).toBe('before');
    await done(jobs.close(jobId));
    expect(await probed()).toBe('equal');
    const { body } = await callSalesforce(world.simulator, 'POST', 'jobs/ingest', {
      object: 'Account',
      operation: 'update',
    });
    await callSalesforce(world.simulator, 'PATCH', `jobs/ingest/${body.id}`, { state: 'Aborted' });
    const spec = operation.probe.request(context, { jobId: body.id });
    expect(operation.probe.judge(await exchange(world, spec, 'read'), { jobId: body.id }, null, 'k').kind).toBe(
      'different',
    );
  });
});
