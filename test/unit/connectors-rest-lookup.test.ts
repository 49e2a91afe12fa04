import { describe, expect, it } from 'vitest';
import type { Json } from '../../shared/model/json.ts';
import type { WriteOperation } from '../../shared/model/operation.ts';
import { loadOperations } from '../../shared/tools/operations.ts';
import { restConfig } from '../kit/portal-simulator.ts';

const key = 'act_k_1';

/** A write that is looked up in a list of at most `size` rows a page, or of one page. */
async function writeWith(paging: object, query: object = { ref: '{key}' }): Promise<WriteOperation> {
  const list = { kind: 'read', path: '/things', query, rows: 'data', object: 'thing', id: 'id' };
  const write = { kind: 'write', effect: 'create', method: 'POST', path: '/things', body: { ref: '{key}' } };
  const rest = {
    operations: {
      find: { ...list, fields: ['id', 'ref'], paging },
      make: {
        ...write,
        object: 'thing',
        id: 'id',
        resend: { lookup: 'find', by: 'ref' },
        undo: { none: 'No way back.' },
      },
    },
  };
  const operation = (await loadOperations({ sys: restConfig(rest, { account: { is: 'sandbox' } }) }))('rest.sys.make');
  if (operation?.kind !== 'write') throw new Error('no write');
  return operation;
}

async function verdictOf(
  rows: readonly (readonly [id: string, ref: string])[],
  paging: object = { kind: 'none' },
  query?: object,
) {
  const { probe } = await writeWith(paging, query);
  const data = rows.map(([id, ref]) => ({ id, ref }));
  const answer = { status: 200, headers: {}, bodyText: JSON.stringify({ data }) };
  return probe?.judge(answer, { properties: {} }, null, key).kind;
}

const pages = { kind: 'page', param: 'page', size: { param: 'per', value: 2 } };

describe('looking up whether a write happened', () => {
  it('asks with our key', async () => {
    const { probe } = await writeWith({ kind: 'none' });
    const { query } = probe?.request({ apiVersion: '1', providerKey: key }, { properties: {} }) ?? {};
    expect(query).toEqual([['ref', key]] satisfies Json);
  });

  it('finds the record that carries our key, among those of others', async () => {
    expect(
      await verdictOf([
        ['1', 'other'],
        ['2', key],
      ]),
    ).toBe('equal');
    expect(
      await verdictOf([
        ['2', key],
        ['2', key],
      ]),
    ).toBe('equal');
  });

  it('shows two records of one request to a person', async () => {
    expect(
      await verdictOf([
        ['1', key],
        ['2', key],
      ]),
    ).toBe('different');
  });

  it('takes only a whole list for absence', async () => {
    expect(await verdictOf([])).toBe('absent');
    expect(await verdictOf([], pages)).toBe('absent');
    const others = [['1', 'other']] as const;
    expect(await verdictOf(others, { kind: 'none' }, {})).toBe('absent');
    expect(await verdictOf(others, pages, {})).toBe('inconclusive');
  });

  it('takes a list that was not narrowed to our key for no proof: the system may not know the parameter any more', async () => {
    expect(await verdictOf([['1', 'other']])).toBe('inconclusive');
  });

  it('takes no failure and no strange answer for absence', async () => {
    const { probe } = await writeWith({ kind: 'none' });
    for (const bodyText of ['<html>', '{}', '{"data":[{"id":"1"}]}', '{"data":null}']) {
      for (const status of [200, 404, 500]) {
        const verdict = probe?.judge({ status, headers: {}, bodyText }, { properties: {} }, null, key);
        expect(verdict?.kind).toBe('inconclusive');
      }
    }
  });
});
