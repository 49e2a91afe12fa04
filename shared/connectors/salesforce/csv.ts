import { refuse, type SalesforceValue } from './client.ts';

/**
 * Rows as the CSV of a bulk job. Every cell stands in quotes, so that no value can begin another cell or row. No value and empty
 * text become `#N/A`, which empties a field; a text that says `#N/A` itself is refused, as are control characters other than
 * tab and line ends. Throws `invalid_input`; a value is never part of the text.
 * @see https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/datafiles_prepare_csv.htm
 */
export function csvOf(columns: readonly string[], rows: readonly (readonly SalesforceValue[])[]): string {
  if (columns.length === 0 || new Set(columns.map((name) => name.toLowerCase())).size !== columns.length) {
    refuse('a job has no columns or one twice', 'Name every field once.');
  }
  for (const name of columns) {
    if (!/^[A-Za-z][A-Za-z0-9_.]{0,250}$/.test(name))
      refuse('a column is no identifier', 'Name fields as describe lists them.');
  }
  const lines = rows.map((row) => {
    if (row.length !== columns.length)
      refuse('a row has another number of cells than columns', 'Give one value a column.');
    return row.map(cellOf).join(',');
  });
  return `${columns.join(',')}\n${lines.map((line) => `${line}\n`).join('')}`;
}

function cellOf(value: SalesforceValue): string {
  if (value === null || value === '') return '"#N/A"';
  if (typeof value === 'number' && !Number.isFinite(value)) refuse('a number is none', 'Give a decimal number.');
  const text = String(value).replaceAll(/\r\n?/g, '\n');
  if (text.trim() === '#N/A') refuse('a text would empty its field', 'Leave out the text #N/A.');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused
  if (!text.isWellFormed() || /[\u0000-\u0008\u000b-\u001f\u007f]/.test(text)) {
    refuse('a value holds a control character', 'Give plain text.');
  }
  return `"${text.replaceAll('"', '""')}"`;
}

/** The rows of a CSV text as objects by column, or null where it is cut short or a row does not fit its header. */
export function readCsv(text: string): readonly Readonly<Record<string, string>>[] | null {
  const rows = cellsOf(text);
  const [header, ...records] = rows ?? [];
  if (!header || new Set(header).size !== header.length) return null;
  if (records.some((cells) => cells.length !== header.length)) return null;
  return records.map((cells) => Object.fromEntries(header.map((name, at) => [name, cells[at] ?? ''])));
}

/** Every row ends with a line end: one that does not was cut off. */
function cellsOf(text: string): string[][] | null {
  const rows: string[][] = [];
  let row: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n)/y;
  while (cell.lastIndex < text.length) {
    const match = cell.exec(text);
    if (!match) return null;
    row.push(match[1] === undefined ? (match[2] ?? '') : match[1].replaceAll('""', '"'));
    if (match[3] === ',') continue;
    rows.push(row);
    row = [];
  }
  return row.length > 0 ? null : rows;
}
