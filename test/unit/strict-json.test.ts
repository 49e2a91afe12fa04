import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStrictJson } from '../../shared/webhooks/strict-json.ts';

const parse = (text: string) => parseStrictJson(new TextEncoder().encode(text));

/** Looks at every value, however long that takes: what the fast way must agree with. */
function slowly(text: string): unknown {
  return JSON.parse(text, (_key, value, context?: { source?: string }) => {
    if (typeof value !== 'number') return value;
    const exact = Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
    return exact ? value : context?.source;
  });
}

const digits = fc.stringMatching(/^[1-9][0-9]{0,24}$/);
const number = fc.oneof(
  digits,
  fc.tuple(digits, fc.stringMatching(/^[0-9]{1,20}$/)).map(([whole, rest]) => `-${whole}.${rest}`),
  fc.tuple(digits, fc.integer({ min: 0, max: 400 })).map(([whole, power]) => `${whole}e${power}`),
  fc.tuple(digits, fc.integer({ min: 0, max: 30 })).map(([whole, power]) => `${whole}.5E+${power}`),
);
const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string()).map((one) => JSON.stringify(one.toWellFormed()));
const { value } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    number,
    text,
    fc.constantFrom('true', 'false', 'null', '""', '"\\\\"', '"\\"e1\\""'),
    fc.array(tie('value'), { maxLength: 4 }).map((all) => `[${all.join(', ')}]`),
    fc.array(tie('value'), { maxLength: 4 }).map((all) => `{${all.map((one, i) => `"k${i}" : ${one}`).join(',')}}`),
  ),
}));

describe('strict JSON', () => {
  it('reads every text as a parser does that looks at each value: no digit is lost', () => {
    fc.assert(
      fc.property(value, (given) => {
        expect(parse(given)).toEqual({ ok: true, value: slowly(given) });
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['{"a":1,"a":2}', 'duplicate_key'],
    ['{"a":1,"\\u0061":2}', 'duplicate_key'],
    ['{"__proto__":1}', 'dangerous_key'],
    ['{"\\u005f_proto__":1}', 'dangerous_key'],
    ['"\\ud800"', 'lone_surrogate'],
    ['"\\uDFFF and more"', 'lone_surrogate'],
    ['{"\\ud800":1}', 'lone_surrogate'],
    [`${'['.repeat(65)}${']'.repeat(65)}`, 'too_deep'],
    ['"\\', 'invalid_json'],
    ['"\\"', 'invalid_json'],
    ['{"a":"b}', 'invalid_json'],
    ['', 'empty'],
  ])('refuses %s', (given, reason) => {
    expect(parse(given)).toEqual({ ok: false, reason });
  });

  it('takes a pair of escaped surrogates for the letter it is', () => {
    expect(parse('"\\ud83d\\ude00"')).toEqual({ ok: true, value: '😀' });
  });

  it('reads a megabyte of backslashes in time that grows with its length', () => {
    const long = `"${'\\\\'.repeat(500_000)}"`;
    expect(parse(long)).toEqual({ ok: true, value: '\\'.repeat(500_000) });
  });
});
