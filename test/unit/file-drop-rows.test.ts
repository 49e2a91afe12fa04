import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fileSchema } from '../../shared/config/file-schema.ts';
import { parseCells } from '../../shared/files/csv.ts';
import { readHeader, readRow } from '../../shared/files/read-row.ts';
import { splitRows } from '../../shared/files/split-rows.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Splits a text that comes in parts of `size` bytes, as a file is read. */
function rowsOf(content: string | Uint8Array, size = 1_000_000, separator: string | null = ',') {
  const all = typeof content === 'string' ? bytesOf(content) : content;
  const rows: { text: string; line: number }[] = [];
  let start = { byte: 0, line: 1 };
  for (let rounds = 0; start.byte < all.length; rounds += 1) {
    if (rounds > 10_000) throw new Error('it does not move');
    const bytes = all.subarray(start.byte, start.byte + size);
    const split = splitRows({ bytes, start, last: start.byte + bytes.length >= all.length, separator, maxRows: 3 });
    rows.push(...split.rows.map((row) => ({ text: textOf(row.bytes), line: row.line })));
    if (split.at.byte === start.byte && split.rows.length === 0) return { rows, rest: start, tooLong: split.tooLong };
    start = split.at;
  }
  return { rows, rest: start, tooLong: false };
}

const cell = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom('', 'a"b', 'x,y', 'x;y', 'two\r\nlines', 'two\nlines', '=1+1', '"', '""', ' padded '),
);
const quoted = (text: string, separator: string) =>
  /["\r\n]/.test(text) || text.includes(separator) ? `"${text.replaceAll('"', '""')}"` : text;

describe('rows of CSV', () => {
  it('come back as they were written, wherever the parts of the file end', () => {
    const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(
        table,
        fc.constantFrom(',', ';'),
        fc.constantFrom('\n', '\r\n'),
        fc.integer({ min: 200, max: 400 }),
        fc.boolean(),
        (rows, separator, end, size, closed) => {
          // A row that is only empty cells still has its separators, so it is no empty line.
          const text =
            rows.map((row) => row.map((one) => quoted(one, separator)).join(separator)).join(end) + (closed ? end : '');
          const split = rowsOf(text, size, separator).rows;
          expect(split.map((row) => parseCells(row.text, separator))).toEqual(
            rows.map((cells) => ({ kind: 'cells', cells })),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it('carry the line on which they begin', () => {
    const { rows } = rowsOf('a,b\r\n"one\r\ntwo",2\r\n\r\nx,y\n', 20);
    expect(rows).toEqual([
      { text: 'a,b', line: 1 },
      { text: '"one\r\ntwo",2', line: 2 },
      { text: 'x,y', line: 5 },
    ]);
  });

  it.each(['\r', '\n', '\r\n'])('end at %j, also where a part of the file ends inside it', (end) => {
    for (const size of [5, 6, 7, 20])
      expect(rowsOf(['a,b', 'c,d'].join(end) + end, size).rows.map(({ line }) => line)).toEqual([1, 2]);
  });

  it('a quote that is never closed does not take more than a row may have', () => {
    const { rows, tooLong, rest } = rowsOf(`a,b\nc,"${'x\n'.repeat(200_000)}`, 262_144);
    expect([rows.map(({ text }) => text), tooLong, rest.line]).toEqual([['a,b'], true, 2]);
  });

  it.each([
    ['a,"b', 'a quote is not closed'],
    ['"a"b,c', 'text stands after a closing quote'],
    ['a"b,c', 'a quote stands in a cell that does not begin with one'],
  ])('%s is told', (text, why) => expect(parseCells(text, ',')).toEqual({ kind: 'bad', why }));
});

const config = fileSchema.parse({
  ...{ owner: 'revops', as: 'files', prefix: 'in/', format: 'csv', tool: 'some_tool', ignore: ['note'] },
  columns: { no: 'reference', pieces: { input: 'quantity', as: 'number' }, express: { input: 'fast', as: 'yes-no' } },
  rowKey: ['no'],
});
const header = ['no', 'pieces', 'express', 'note'];
const read = (text: string | Uint8Array) => readRow(typeof text === 'string' ? bytesOf(text) : text, config, header);

describe('what a row means', () => {
  it('is what its columns say; empty cells give no input', () => {
    expect(read('A-1, 12 ,yes,anything')).toEqual({
      kind: 'row',
      input: { reference: 'A-1', quantity: 12, fast: true },
      rowKey: ['A-1'],
    });
    expect(read('A-1,,,')).toEqual({ kind: 'row', input: { reference: 'A-1' }, rowKey: ['A-1'] });
  });

  it.each(['=1+1', '+49 30', '-2', '@SUM(A1)', "'text"])('a cell that begins like the formula %s is text', (text) => {
    expect(read(`${text},,,`)).toMatchObject({ input: { reference: text } });
  });

  it.each([
    ['A-1,twelve,,', '"pieces" is no number'],
    ['A-1,1e3,,', '"pieces" is no number'],
    ['A-1,"1,5",,', '"pieces" is no number'],
    ['A-1,123456789012.3456,,', '"pieces" is no number'],
    ['A-1,0x10,,', '"pieces" is no number'],
    ['A-1,,maybe,', '"express" is no yes or no'],
    ['A-1,1', 'it has 2 cells, and the first line has 4'],
    [',1,,', 'what names it is empty: no'],
    ['A-1,"1,,', 'a quote is not closed'],
  ])('%s is bad: %s', (text, why) => expect(read(text)).toEqual({ kind: 'bad', why }));

  it('bytes that are not in the encoding are told, and read in the one that is named', () => {
    const latin = Buffer.from('M\u00fcller,1,,', 'latin1');
    expect(read(latin)).toEqual({ kind: 'bad', why: 'it holds bytes that are not utf-8' });
    expect(readRow(latin, { ...config, encoding: 'windows-1252' }, header)).toMatchObject({
      input: { reference: 'Müller' },
    });
  });

  it('a first line that does not fit is told with every column', () => {
    const bad = readHeader(bytesOf('no,no,price,note'), config);
    expect(bad).toMatchObject({ kind: 'bad' });
    for (const text of [
      '"pieces" is missing',
      '"express" is missing',
      'column 3 has a name that is not known',
      'column 2 has a name that stands there before',
    ]) {
      expect((bad as { why: string }).why).toContain(text);
    }
    const unnamed = readHeader(bytesOf('maria@example.com,1,2,3'), config);
    expect(JSON.stringify(unnamed)).not.toContain('maria');
    expect(readHeader(Buffer.from('\ufeffno,pieces', 'utf16le'), config)).toMatchObject({
      why: 'the file is UTF-16: save it as CSV in UTF-8',
    });
  });

  it('JSON lines are objects with known names', () => {
    const lines = { ...config, format: 'json-lines' as const };
    const line = (text: string) => readRow(bytesOf(text), lines, null);
    const exact = 'whole numbers up to 9007199254740991; longer ones as text';
    expect(line('{"no":"A-1","pieces":3,"express":false}')).toMatchObject({
      kind: 'row',
      input: { reference: 'A-1', quantity: 3, fast: false },
    });
    expect(line('{"no":"A-1","pieces":"123456.123456789"}')).toMatchObject({ input: { quantity: 123456.123456789 } });
    expect(line('{"no":"A-1","pieces":"3"}')).toMatchObject({ input: { quantity: 3 } });
    for (const [text, why] of [
      ['[1]', 'it is no JSON object'],
      ['{"no":', 'it is no JSON'],
      // Two ids that one number would make the same: the second row would count as the first.
      ...['9007199254740992', '9007199254740993'].map(
        (id) => [`{"no":${id}}`, `it holds what cannot be kept exactly: allowed are ${exact}`] as const,
      ),
      ['{"no":"A-1","prise":3}', '1 of its names are not known: allowed are no, pieces, express, note'],
    ] as const) {
      expect(line(text)).toEqual({ kind: 'bad', why });
    }
    expect(rowsOf('{"a":"x, \\"y"}\n{"a":1}\n', 100, null).rows).toHaveLength(2);
  });
});
