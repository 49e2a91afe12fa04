import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { manifestOf } from '../../shared/connectors/rest/manifest.ts';
import { restSystem } from '../../shared/connectors/rest/operations.ts';
import type { HttpAnswer, WriteOperation } from '../../shared/model/operation.ts';
import { loadOperations } from '../../shared/tools/operations.ts';
import { restConfig } from '../kit/portal-simulator.ts';

const record = { object: 'thing', id: 'id', fields: ['id', 'name'] };
const undo = { none: 'There is no way back.' };
const get = { kind: 'read', path: '/things/{input.id}', record: '.', ...record };
const set = {
  ...{ kind: 'write', effect: 'update', method: 'PUT', path: '/things/{input.id}', object: 'thing', id: '{input.id}' },
  ...{ writes: { name: 'new' }, returns: ['name', 'stock'], resend: { readBack: 'get' }, undo },
};
const remove = {
  ...{ kind: 'write', effect: 'delete', method: 'DELETE', path: '/things/{input.id}', object: 'thing' },
  ...{ id: '{input.id}', resend: { gone: 'get' }, undo },
};
const add = {
  ...{
    kind: 'write',
    effect: 'create',
    method: 'POST',
    path: '/things',
    body: { name: 'new' },
    object: 'thing',
    id: 'id',
  },
  ...{ resend: { none: 'Nothing tells it.' }, undo },
};
const list = {
  ...{ kind: 'read', path: '/things', rows: '.', paging: { kind: 'link-header' }, ...record },
};
const html = '<html>Please sign in</html>';
const answer = (status: number, body: unknown): HttpAnswer => ({
  ...{ status, headers: {} },
  bodyText: typeof body === 'string' ? body : JSON.stringify(body),
});

async function described(rest: object = {}) {
  const config = restConfig({ operations: { get, set, remove, add, list }, ...rest }, { account: { is: 'sandbox' } });
  const operations = await loadOperations({ sys: config });
  const write = (name: string) => operations(`rest.sys.${name}`) as WriteOperation;
  return { config, operations, write };
}
const input = { properties: { id: '7' } };

describe('a write that is answered 200', () => {
  it('with a page of something in between is unknown, also where its inputs name the record', async () => {
    const { write } = await described();
    expect(write('set').judge(answer(200, html), input).kind).toBe('unknown');
    expect(write('remove').judge(answer(200, html), input).kind).toBe('unknown');
  });

  it('with nothing, or with the record, is done', async () => {
    const { write } = await described();
    expect(write('set').judge(answer(200, ''), input)).toMatchObject({ kind: 'applied', data: { id: '7' } });
    expect(write('set').judge(answer(200, { id: '7' }), input).kind).toBe('applied');
  });

  it('tells the fields that were answered, and none that was not as empty', async () => {
    const { write } = await described();
    const verdict = write('set').judge(answer(200, { id: '7', stock: null }), input);
    expect(verdict).toMatchObject({ data: { properties: { name: 'new', stock: null } } });
    expect(verdict.kind === 'applied' && Object.keys((verdict.data as { properties: object }).properties)).toEqual([
      'name',
      'stock',
    ]);
    const without = write('set').judge(answer(200, { id: '7' }), input);
    expect(without).toMatchObject({ data: { id: '7', properties: { name: 'new' } } });
    expect(JSON.stringify(without)).not.toContain('stock');
  });
});

describe('a rule that knows a status alone', () => {
  const errors = [
    { when: { status: 404 }, class: 'not_found' },
    { when: { status: 403 }, class: 'permission' },
    { when: { status: 409, bodyContains: 'ordered already' }, class: 'duplicate' },
    { when: { status: 423 }, class: 'business', nothingWritten: true },
  ];

  it('proves nothing of a write where a page of something in between answered', async () => {
    const { write } = await described({ errors });
    expect(write('add').judge(answer(403, html), input).kind).toBe('unknown');
    expect(write('add').judge(answer(404, html), input).kind).toBe('unknown');
    expect(write('add').judge(answer(403, { code: 'NO' }), input).kind).toBe('not_applied');
  });

  it('is no proof that a record is gone', async () => {
    const { write } = await described({ errors });
    const judge = (given: HttpAnswer) => write('remove').probe?.judge(given, input, null, 'k').kind;
    expect(judge(answer(404, html))).toBe('inconclusive');
    expect(judge(answer(404, { code: 'GONE' }))).toBe('equal');
  });

  it('is believed where it looks into the page, or says that nothing was written', async () => {
    const { write } = await described({ errors });
    expect(write('add').judge(answer(409, '<p>Ordered already</p>'), input).kind).toBe('not_applied');
    expect(write('add').judge(answer(423, html), input).kind).toBe('not_applied');
  });
});

describe('what any answer means', () => {
  it('is no refused credential where the answer is a success of an operation, whatever words are in it', async () => {
    const errors = [{ when: { bodyContains: 'unauthorized' }, class: 'auth' }];
    const { config } = await described({ errors });
    const { classify } = manifestOf(restSystem('sys', config), new Map());
    expect(classify(answer(200, { id: '7', name: 'Sign for unauthorized persons' }))).toBeNull();
    expect(classify(answer(401, 'unauthorized'))?.class).toBe('auth');
  });

  it('is a refused credential where no operation would take the answer for a success', async () => {
    const errors = [{ when: { at: 'error', equals: 'E401' }, class: 'auth' }];
    const { config } = await described({ errors, success: { when: { at: 'result', equals: 'OK' } } });
    const { classify } = manifestOf(restSystem('sys', config), new Map());
    expect(classify(answer(200, { result: 'ERROR', error: 'E401' }))?.class).toBe('auth');
    expect(classify(answer(200, { result: 'OK', error: 'E401' }))).toBeNull();
  });
});

describe('a whole number that no double holds', () => {
  it('keeps its digits as an id, and texts keep theirs', async () => {
    const { write, operations } = await described();
    const digits = '12345678901234567891';
    const text = `{"id":${digits},"name":"no \\" 99999999999999999999 \\\\","n":12,"f":0.10000000000000001}`;
    expect(write('add').judge(answer(201, text), input).kind).toBe('unknown');
    expect(write('add').judge(answer(200, text), input)).toMatchObject({ data: { id: digits } });
    expect(operations('rest.sys.get')?.judge(answer(200, text), input)).toMatchObject({
      data: { id: digits, properties: { name: 'no " 99999999999999999999 \\' } },
    });
  });

  it('changes no other JSON', async () => {
    const { operations } = await described();
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.maxSafeInteger(), fc.double({ noNaN: true }), (name, n, f) => {
        const body = {
          id: 'x',
          name: [name, n, Number.isFinite(f) && !Number.isInteger(f) ? f : 0, '1234567890123456'],
        };
        const verdict = operations('rest.sys.get')?.judge(answer(200, JSON.stringify(body)), input);
        expect(verdict).toMatchObject({ data: { properties: { name: JSON.parse(JSON.stringify(body.name)) } } });
      }),
    );
  });
});

describe('an `after` that nobody gave', () => {
  it.each([[[1]], [['a']], [[['a', 1]]], [[null]], [[['a', 'b', 'c']]]])('%j is refused as input', async (at) => {
    const { operations } = await described();
    const after = Buffer.from(JSON.stringify({ at, seen: 1, pages: 1, lastId: null, total: null })).toString(
      'base64url',
    );
    const ask = () =>
      operations('rest.sys.list')?.request({ apiVersion: 'none', providerKey: '' }, { properties: {}, after });
    expect(ask).toThrow(expect.objectContaining({ code: 'invalid_input' }));
  });
});
