import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fillBody, fillText, parseTemplate } from '../../shared/config/rest-template.ts';
import { fromLocal, toLocal } from '../../shared/connectors/rest/local-time.ts';
import { encodeBody } from '../../shared/http/digest.ts';
import { encodeQuery } from '../../shared/http/path.ts';
import type { Json } from '../../shared/model/json.ts';
import { loadOperations } from '../../shared/tools/operations.ts';
import { restConfig } from '../kit/portal-simulator.ts';

const config = restConfig(
  {
    headers: { 'X-Company': '12' },
    operations: {
      note: {
        ...{ kind: 'write', effect: 'append', method: 'POST', path: '/api/orders/{input.id}/notes/v-{input.id}' },
        query: { ref: 'r {input.text}', k: '{key}' },
        body: { text: '{input.text}', deep: { list: ['{input.text}', 7, '{input.gone?}'] }, whole: '{input.any}' },
        ...{
          object: 'note',
          id: '{input.id}',
          resend: { none: 'Nothing tells it.' },
          undo: { none: 'There is no way.' },
        },
      },
      form: {
        ...{ kind: 'write', effect: 'append', method: 'POST', path: '/f', form: { text: '{input.text}' } },
        ...{
          object: 'note',
          id: '{input.id}',
          resend: { none: 'Nothing tells it.' },
          undo: { none: 'There is no way.' },
        },
      },
    },
  },
  { account: { is: 'sandbox' } },
);
const operations = await loadOperations({ sys: config });

function request(name: string, properties: Record<string, Json>) {
  const operation = operations(`rest.sys.${name}`);
  if (operation?.kind !== 'write') throw new Error(name);
  return operation.request({ apiVersion: '1', providerKey: 'act_k_1' }, { properties });
}

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '..',
    '../..',
    '%2e%2e',
    'a/../b',
    '{key}',
    '{input.id}',
    '"},"x":{"',
    '&admin=1',
    'x?y=1#z',
    '\r\nHost: evil',
    '__proto__',
    '"',
    '\\',
  ),
);

it('a value becomes one path segment, or nothing is built', () => {
  fc.assert(
    fc.property(anyText, (id) => {
      let path: string;
      try {
        ({ path } = request('note', { id, text: 't', any: 1 }));
      } catch (error) {
        expect(error).toMatchObject({ code: 'invalid_input' });
        return;
      }
      const url = new URL(path, 'https://portal.supplier.example');
      expect(url.origin + url.pathname).toBe(`https://portal.supplier.example${path}`);
      const [, api, orders, first = '', notes, second = '', ...more] = path.split('/');
      expect([api, orders, notes, more]).toEqual(['api', 'orders', 'notes', []]);
      expect([decodeURIComponent(first), decodeURIComponent(second)]).toEqual([id, `v-${id}`]);
    }),
    { numRuns: 400 },
  );
});

it('a value stays in its query parameter, form field and JSON text', () => {
  fc.assert(
    fc.property(anyText, (raw) => {
      const text = raw.toWellFormed();
      const spec = request('note', { id: '1', text, any: text });
      const query = new URLSearchParams(encodeQuery(spec.query));
      expect([...query]).toEqual([
        ['ref', `r ${text}`],
        ['k', 'act_k_1'],
      ]);
      const body = JSON.parse(Buffer.from(encodeBody(spec)?.bytes ?? '').toString()) as Json;
      expect(body).toEqual({ text, deep: { list: [text, 7] }, whole: text });
      const form = new URLSearchParams(
        Buffer.from(encodeBody(request('form', { id: '1', text }))?.bytes ?? '').toString(),
      );
      expect([...form]).toEqual([['text', text]]);
    }),
    { numRuns: 400 },
  );
});

it('a whole value keeps its type; a list or object never becomes text', () => {
  const any = { list: [1, '{key}', null], flag: true };
  expect(request('note', { id: '1', text: 't', any }).body).toEqual({
    json: { text: 't', deep: { list: ['t', 7] }, whole: any },
  });
  expect(() => request('note', { id: { toString: 'x' }, text: 't', any: 1 })).toThrow('cannot be put into text');
  expect(() => request('note', { id: '1', text: ['a'], any: 1 })).toThrow('cannot be put into text');
});

it('inherited names are no inputs', () => {
  expect(() => fillText('{input.constructor}', { input: {}, key: '' })).toThrow('The input constructor is missing.');
  expect(fillBody({ a: '{input.toString?}' }, { input: {}, key: '' })).toEqual({});
});

it.each([
  '{',
  '}',
  '{}',
  '{{key}}',
  '{input}',
  '{input.}',
  '{env.HOME}',
  '{input.a.b}',
  '{key?}',
  '{input.a',
  'a}b',
  '{ key }',
])('%s is no template', (text) => expect(parseTemplate(text)).toBeNull());

it('a time without a zone means the clocks of its zone, also where they are changed', () => {
  const zone = 'Europe/Amsterdam';
  expect(fromLocal('2026-07-01 14:00:00', zone)).toBe('2026-07-01T12:00:00.000Z');
  expect(fromLocal('2026-12-01', zone)).toBe('2026-11-30T23:00:00.000Z');
  expect(fromLocal('2026-10-25 02:30', zone)).toBe('2026-10-25T00:30:00.000Z');
  expect(fromLocal('2026-03-29T02:30:00', zone)).toBe('2026-03-29T01:30:00.000Z');
  expect(fromLocal('2026-07-01T14:00:00+09:00', zone)).toBe('2026-07-01T05:00:00.000Z');
  for (const text of ['2026-02-30 10:00', '2026-07-01 25:00', 'yesterday', '1.7.2026', ''])
    expect(fromLocal(text, zone)).toBeNull();
});

it('a moment written for a zone and read back is the same moment', () => {
  const zones = fc.constantFrom('Europe/Amsterdam', 'America/New_York', 'Asia/Kolkata', 'UTC', 'Australia/Lord_Howe');
  const seconds = fc.integer({ min: Date.UTC(2020, 0, 1) / 1000, max: Date.UTC(2035, 0, 1) / 1000 });
  fc.assert(
    fc.property(zones, seconds, (zone, atS) => {
      const back = Date.parse(fromLocal(toLocal(atS * 1000, zone), zone) ?? '');
      // An hour that the clocks run through twice counts as the first one.
      expect([0, 3_600_000, 1_800_000]).toContain(atS * 1000 - back);
    }),
  );
});

it('what judges the answer is there before anything is sent', () => {
  expect(() => request('form', { text: 't' })).toThrow('The input id is missing.');
});
