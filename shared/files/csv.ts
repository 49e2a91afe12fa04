/** The cells of one row, or what is wrong with it. */
export type Cells =
  | { readonly kind: 'cells'; readonly cells: readonly string[] }
  | { readonly kind: 'bad'; readonly why: string };

/**
 * The cells of one row by RFC 4180. A cell is its text, whatever it begins with: nothing is a formula here.
 * @see https://www.rfc-editor.org/rfc/rfc4180
 */
export function parseCells(text: string, separator: string): Cells {
  const cells: string[] = [];
  let at = 0;
  for (;;) {
    if (text[at] === '"') {
      const end = closingQuote(text, at + 1);
      if (end < 0) return { kind: 'bad', why: 'a quote is not closed' };
      const after = text[end + 1];
      if (after !== undefined && after !== separator) return { kind: 'bad', why: 'text stands after a closing quote' };
      cells.push(text.slice(at + 1, end).replaceAll('""', '"'));
      at = end + 1;
    } else {
      const next = text.indexOf(separator, at);
      const cell = text.slice(at, next < 0 ? undefined : next);
      if (cell.includes('"')) return { kind: 'bad', why: 'a quote stands in a cell that does not begin with one' };
      cells.push(cell);
      at = next < 0 ? text.length : next;
    }
    if (at >= text.length) return { kind: 'cells', cells };
    at += 1;
  }
}

function closingQuote(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    if (text[at] !== '"') continue;
    if (text[at + 1] !== '"') return at;
    at += 1;
  }
  return -1;
}
