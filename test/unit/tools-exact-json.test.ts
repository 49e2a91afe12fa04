import { describe, expect, it } from 'vitest';
import { readContext } from '../../shared/tools/context.ts';
import { inexactIn, maxInputErrors } from '../../shared/tools/exact-json.ts';

describe('a JSON value that would change on its way', () => {
  it.each([
    ['half a surrogate pair', { text: 'half \ud83d' }, ['text']],
    ['half a surrogate pair in a list', { list: ['ok', '\udc00'] }, ['list.1']],
    ['a name that is half a surrogate pair', { a: { '\ud800': 1 } }, ['a']],
    ['a whole number that no double holds', JSON.parse('{"id":9007199254740993}'), ['id']],
    ['a number beyond every double', JSON.parse('{"n":-1e999}'), ['n']],
    ['the name __proto__', JSON.parse('{"arguments":{"__proto__":{"a":1}}}'), ['arguments']],
  ])('is named by its place: %s', (_what, value, paths) => {
    expect(inexactIn(value, '').map(({ path }) => path)).toEqual(paths);
  });

  it('is not what can be kept', () => {
    const value = { text: 'a 🚀 b', n: [0.1, -0, 1e-7, 9007199254740991, null, true], '': {} };
    expect(inexactIn(value, '')).toEqual([]);
  });

  it('is named at most fifty times', () => {
    expect(inexactIn(Array(1000).fill('\ud83d'), '')).toHaveLength(maxInputErrors);
  });

  it.each([
    ['body', { arguments: {}, context: { model_output: '\ud83d' } }, {}, 'context.model_output'],
    ['header', { arguments: {} }, { note: 2 ** 60 }, 'X-Agent-Context.note'],
  ])('is refused in the context of a %s', (_where, body, header, path) => {
    const headers = { 'x-agent-context': Buffer.from(JSON.stringify(header)).toString('base64url') };
    const read = readContext(body, headers, 0);
    expect(read.kind === 'invalid' && read.errors.map((error) => error.path)).toEqual([path]);
  });
});
