import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type SoqlCondition, type SoqlQuery, soql } from '../../shared/connectors/salesforce/soql.ts';

const query = (where: readonly SoqlCondition[], more: Partial<SoqlQuery> = {}) =>
  soql({ object: 'Contact', fields: ['Id'], where: [where], ...more });

type Token = { readonly kind: 'text' | 'bare'; readonly value: string };

/** Reads a statement as the grammar says: quoted texts with their escapes undone, and everything between them. */
function tokens(text: string): Token[] {
  const out: Token[] = [];
  const meant: Record<string, string> = {
    n: '\n',
    r: '\r',
    t: '\t',
    b: '\b',
    f: '\f',
    '"': '"',
    "'": "'",
    '\\': '\\',
  };
  let bare = '';
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] !== "'") {
      bare += text[at];
      continue;
    }
    out.push({ kind: 'bare', value: bare });
    bare = '';
    let value = '';
    for (at += 1; text[at] !== "'"; at += 1) {
      if (at >= text.length) throw new Error('a text does not end');
      if (text[at] !== '\\') value += text[at];
      else {
        at += 1;
        const char = text[at] ?? '';
        // `\%` and `\_` keep their backslash: they mean the sign itself to LIKE only.
        value += char === '%' || char === '_' ? `\\${char}` : (meant[char] ?? `?${char}`);
      }
    }
    out.push({ kind: 'text', value });
  }
  return [...out, { kind: 'bare', value: bare }];
}

const built = (make: () => string): string | null => {
  try {
    return make();
  } catch (error) {
    expect((error as { code?: string }).code).toBe('invalid_input');
    return null;
  }
};

// Random text alone rarely tries to break out.
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({
    unit: fc.constantFrom("'", '\\', '"', '%', '_', '\n', '\u2028', ' ', 'OR', '--', '(', ')', '\\u0027', 'x'),
    maxLength: 30,
  }),
);

describe('a query', () => {
  it('is written from names and values', () => {
    const text = soql({
      object: 'Contact',
      fields: ['Id', 'Owner.Name', 'Id'],
      where: [
        [
          { field: 'Email', operator: '=', value: "o'neil@example.com" },
          { field: 'SystemModstamp', operator: '>', value: { dateTime: '2026-01-01T00:00:00Z' } },
        ],
        [
          { field: 'AccountId', operator: 'in', values: ['001000000000001', null] },
          { field: 'CloseDate', operator: '<=', value: { date: '2026-01-31' } },
          { field: 'Amount', operator: '!=', value: -1.5 },
          { field: 'IsWon', operator: '=', value: true },
        ],
      ],
      orderBy: [{ field: 'SystemModstamp', direction: 'asc' }],
      limit: 10,
    });
    expect(text).toBe(
      "SELECT Id, Owner.Name FROM Contact WHERE (Email = 'o\\'neil@example.com' AND SystemModstamp > 2026-01-01T00:00:00Z) OR (AccountId IN ('001000000000001', null) AND CloseDate <= 2026-01-31 AND Amount != -1.5 AND IsWon = true) ORDER BY SystemModstamp ASC LIMIT 10",
    );
  });

  it('holds any text as one literal that means exactly it', () => {
    fc.assert(
      fc.property(hostile, (value) => {
        const text = built(() => query([{ field: 'Name', operator: '=', value }]));
        if (text === null) return;
        expect(tokens(text)).toEqual([
          { kind: 'bare', value: 'SELECT Id FROM Contact WHERE (Name = ' },
          { kind: 'text', value },
          { kind: 'bare', value: ')' },
        ]);
      }),
      { numRuns: 2000 },
    );
  });

  it('holds every text of a list as a literal of its own', () => {
    fc.assert(
      fc.property(fc.array(hostile, { minLength: 1, maxLength: 4 }), (values) => {
        const text = built(() => query([{ field: 'Name', operator: 'not_in', values }]));
        if (text === null) return;
        const parts = tokens(text);
        expect(parts.filter(({ kind }) => kind === 'text').map(({ value }) => value)).toEqual(values);
        const between = parts.filter(({ kind }) => kind === 'bare').map(({ value }) => value);
        expect(between.join('')).toBe(`SELECT Id FROM Contact WHERE (Name NOT IN (${', '.repeat(values.length - 1)}))`);
      }),
    );
  });

  it('searches for text in which % and _ mean themselves', () => {
    fc.assert(
      fc.property(hostile, fc.constantFrom('starts_with' as const, 'contains' as const), (value, operator) => {
        const text = built(() => query([{ field: 'Name', operator, value }]));
        if (text === null) return;
        const [, literal, end] = tokens(text);
        const said = `${operator === 'contains' ? '%' : ''}${value.replaceAll(/[%_]/g, '\\$&')}%`;
        expect([literal?.value, end?.value]).toEqual([said, ')']);
      }),
    );
  });

  it('takes no name that is not an identifier', () => {
    const names = fc
      .string({ maxLength: 40 })
      .filter((name) => !/^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*$/.test(name));
    fc.assert(
      fc.property(names, (name) => {
        const refusal = expect.objectContaining({ code: 'invalid_input' });
        expect(() => soql({ object: 'Contact', fields: [name] })).toThrow(refusal);
        expect(() => soql({ object: name, fields: ['Id'] })).toThrow(refusal);
        expect(() => query([{ field: name, operator: '=', value: 1 }])).toThrow(refusal);
        expect(() => query([], { orderBy: [{ field: name, direction: 'asc' }] })).toThrow(refusal);
      }),
    );
  });

  it.each<[string, () => string]>([
    ['no field', () => soql({ object: 'Contact', fields: [] })],
    ['an operator of its own', () => query([{ field: 'Name', operator: "= 'a' OR Name =" as '=', value: 'b' }])],
    ['an inherited operator', () => query([{ field: 'Name', operator: 'constructor' as '=', value: 'b' }])],
    ['a direction of its own', () => query([], { orderBy: [{ field: 'Id', direction: 'asc, Name' as 'asc' }] })],
    [
      'a time that is none',
      () => query([{ field: 'A', operator: '=', value: { dateTime: '2026-01-01T00:00:00Z OR Id != null' } }]),
    ],
    ['a day that is none', () => query([{ field: 'A', operator: '=', value: { date: '2026-13-01' } }])],
    ['an infinite number', () => query([{ field: 'A', operator: '=', value: Number.POSITIVE_INFINITY }])],
    ['an empty list', () => query([{ field: 'A', operator: 'in', values: [] }])],
    ['an empty search', () => query([{ field: 'A', operator: 'contains', value: '' }])],
    ['a limit of its own', () => query([], { limit: '1 OFFSET 2' as unknown as number })],
    ['a control character', () => query([{ field: 'A', operator: '=', value: 'a\u0000b' }])],
    ['more text than one request holds', () => query([{ field: 'A', operator: '=', value: 'ü'.repeat(2500) }])],
  ])('with %s is refused', (_name, make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'invalid_input' }));
  });
});
