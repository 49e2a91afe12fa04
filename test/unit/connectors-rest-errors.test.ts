import { describe, expect, it } from 'vitest';
import type { HttpAnswer, Operation } from '../../shared/model/operation.ts';
import { loadOperations } from '../../shared/tools/operations.ts';
import { restConfig } from '../kit/portal-simulator.ts';

const record = { object: 'thing', id: 'id', fields: ['id', 'name'] };
const ends = { resend: { none: 'Nothing tells it.' }, undo: { none: 'There is no way.' } };

/** A read and a write of a system with these rules for its errors. */
async function described(errors: readonly object[] = []) {
  const rest = {
    ...{ errorCode: 'code', errorText: 'text', errors },
    operations: {
      get: { kind: 'read', path: '/things/{input.id}', record: '.', ...record },
      put: { kind: 'write', effect: 'update', method: 'PUT', path: '/things', object: 'thing', id: 'id', ...ends },
    },
  };
  const operations = await loadOperations({ sys: restConfig(rest, { account: { is: 'sandbox' } }) });
  const [read, write] = [operations('rest.sys.get'), operations('rest.sys.put')];
  const input = { properties: { id: '1' } };
  const judge = (operation: Operation | null, answer: HttpAnswer) => {
    const verdict = operation?.judge(answer, input);
    return verdict && 'error' in verdict ? [verdict.kind, verdict.error.class] : [verdict?.kind];
  };
  return (status: number, body: unknown, headers: Record<string, string> = {}) => {
    const bodyText = typeof body === 'string' ? body : JSON.stringify(body);
    const answer = { status, headers, bodyText };
    return { read: judge(read, answer), write: judge(write, answer) };
  };
}

const html = '<html>Error</html>';

describe('an answer that no rule knows', () => {
  it.each([
    [400, 'business'],
    [401, 'auth'],
    [403, 'permission'],
    [404, 'not_found'],
    [405, 'schema'],
    [409, 'conflict'],
    [422, 'business'],
    [429, 'rate'],
  ])('with status %i and a body of the system is a refusal: %s', async (status, kind) => {
    const judged = (await described())(status, { code: 'X' });
    expect(judged).toEqual({ read: ['error', kind], write: ['not_applied', kind] });
  });

  it.each([400, 403, 404, 409, 422, 302, 418, 500, 502, 503])(
    'with status %i and a page of something in between proves nothing',
    async (status) => {
      const judged = (await described())(status, html);
      expect(judged).toEqual({ read: ['error', 'transient'], write: ['unknown', 'unknown_outcome'] });
    },
  );

  it.each([500, 502, 503, 504])('with status %i proves nothing, also with a body of the system', async (status) => {
    expect((await described())(status, { code: 'DOWN' }).write).toEqual(['unknown', 'unknown_outcome']);
  });

  it.each([401, 429])('with status %i is refused in front, whoever says it', async (status) => {
    expect((await described())(status, html).write[0]).toBe('not_applied');
  });

  it('with a success that cannot be read leaves a write unknown, and a read without an answer', async () => {
    const judge = await described();
    expect(judge(200, html)).toEqual({ read: ['error', 'transient'], write: ['unknown', 'unknown_outcome'] });
    expect(judge(200, { name: 'no id' })).toEqual({ read: ['error', 'schema'], write: ['unknown', 'unknown_outcome'] });
    expect(judge(200, '').write).toEqual(['unknown', 'unknown_outcome']);
  });
});

describe('a rule of the description', () => {
  it('the first one that holds decides, on every part it names', async () => {
    const judge = await described([
      { when: { status: 400, at: 'code', equals: ['A', 7] }, class: 'duplicate' },
      { when: { at: 'text', contains: 'LIMIT' }, class: 'business' },
      { when: { status: '4xx', bodyContains: 'maintenance' }, class: 'rate' },
    ]);
    expect(judge(400, { code: 'A' }).write).toEqual(['not_applied', 'duplicate']);
    expect(judge(400, { code: '7' }).write).toEqual(['not_applied', 'duplicate']);
    expect(judge(409, { code: 'A' }).write).toEqual(['not_applied', 'conflict']);
    expect(judge(409, { text: 'credit limit' }).write).toEqual(['not_applied', 'business']);
    expect(judge(404, '<h1>MAINTENANCE</h1>').write).toEqual(['not_applied', 'rate']);
  });

  it('proves nothing of a write by a 5xx or as transient, unless it says that nothing was written', async () => {
    const busy = { when: { status: 503 }, class: 'rate' };
    const later = { when: { at: 'code', equals: 'LATER' }, class: 'transient' };
    const careful = await described([busy, later]);
    expect(careful(503, html).write).toEqual(['unknown', 'unknown_outcome']);
    expect(careful(400, { code: 'LATER' }).write).toEqual(['unknown', 'unknown_outcome']);
    const sure = await described([
      { ...busy, nothingWritten: true },
      { ...later, nothingWritten: true },
    ]);
    expect(sure(503, html).write).toEqual(['not_applied', 'rate']);
    expect(sure(400, { code: 'LATER' }).write).toEqual(['not_applied', 'transient']);
  });

  it('that says the outcome is unknown is believed', async () => {
    const judge = await described([{ when: { status: 409 }, class: 'unknown_outcome' }]);
    expect(judge(409, { code: 'BUSY' }).write).toEqual(['unknown', 'unknown_outcome']);
  });
});
