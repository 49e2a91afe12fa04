import { SalesforceError } from './errors.ts';

/** The rows of a CSV text, fields in quotes or not. @throws SalesforceError 400 where a quote is never closed */
export function parseCsv(text: string, delimiter: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = '';
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (quoted) {
      if (char !== '"') field += char;
      else if (text.charAt(at + 1) === '"') {
        field += '"';
        at += 1;
      } else quoted = false;
    } else if (char === '"' && field === '') quoted = true;
    else if (char === delimiter) {
      row.push(field);
      field = '';
    } else if (char === '\n') {
      rows.push([...row, field]);
      [row, field] = [[], ''];
    } else if (char !== '\r' || text.charAt(at + 1) !== '\n') field += char;
  }
  if (quoted) throw new SalesforceError(400, 'CLIENTINPUTERROR', 'Unterminated quoted field at end of CSV line.');
  if (field !== '' || row.length > 0) rows.push([...row, field]);
  return rows.filter((cells) => cells.length > 1 || cells[0] !== '');
}

/** Rows as CSV, every field in quotes, as the result files of jobs have it. */
export function writeCsv(rows: readonly (readonly string[])[], delimiter: string): string {
  const cell = (value: string) => `"${value.replaceAll('"', '""')}"`;
  return rows.map((row) => `${row.map(cell).join(delimiter)}\n`).join('');
}

/** What `columnDelimiter` of a job stands for. */
export const delimiters: Readonly<Record<string, string>> = {
  ...{ COMMA: ',', SEMICOLON: ';', TAB: '\t', PIPE: '|', CARET: '^', BACKQUOTE: '`' },
};
