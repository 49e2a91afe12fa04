/** The bytes of one row, without its line end. `line` counts physical lines from 1. `next` is the first byte after it. */
export type RawRow = {
  readonly bytes: Uint8Array;
  readonly line: number;
  readonly next: number;
  readonly nextLine: number;
};

/** Longest row, bytes: a quote that is never closed would otherwise take the rest of the file. */
export const maxRowBytes = 65_536;

/** The rows that are whole, and where the rest begins. `tooLong`: the rest passes {@link maxRowBytes} and is no whole row yet. */
export type Split = {
  readonly rows: readonly RawRow[];
  readonly at: { readonly byte: number; readonly line: number };
  readonly tooLong: boolean;
};

const [quote, lf, cr] = [0x22, 0x0a, 0x0d];

/**
 * Splits bytes into rows by RFC 4180: CRLF, LF or CR alone end a row, except inside quotes; a quote opens only where a cell
 * begins. Works on bytes, so that every row has an exact place to begin again at. Empty lines are no rows.
 * @param input.start the byte and line of `bytes[0]` in the file; @param input.last nothing comes after `bytes`
 * @param input.separator of CSV; null for JSON lines, where quotes mean nothing
 * @see https://www.rfc-editor.org/rfc/rfc4180
 */
export function splitRows(input: {
  readonly bytes: Uint8Array;
  readonly start: { readonly byte: number; readonly line: number };
  readonly last: boolean;
  readonly separator: string | null;
  readonly maxRows: number;
}): Split {
  const { bytes, start, last, maxRows } = input;
  const separator = input.separator?.charCodeAt(0) ?? null;
  const rows: RawRow[] = [];
  let [from, at, line, rowLine] = [0, 0, start.line, start.line];
  let [quoted, cellBegins] = [false, true];
  while (at < bytes.length && rows.length < maxRows) {
    const byte = bytes[at];
    if (separator !== null && byte === quote && (quoted || cellBegins)) {
      // Two quotes inside quotes are one of the text: they close and open again.
      quoted = !quoted;
      cellBegins = false;
    } else if (byte === lf || byte === cr) {
      // The LF of a CRLF may still be to come.
      if (byte === cr && at + 1 === bytes.length && !last) break;
      const width = byte === cr && bytes[at + 1] === lf ? 2 : 1;
      line += 1;
      if (!quoted) {
        const next = start.byte + at + width;
        if (at > from) rows.push({ bytes: bytes.subarray(from, at), line: rowLine, next, nextLine: line });
        from = at + width;
        rowLine = line;
        cellBegins = true;
      }
      at += width;
      continue;
    } else cellBegins = !quoted && byte === separator;
    at += 1;
  }
  if (last && at === bytes.length && from < at && rows.length < maxRows) {
    rows.push({ bytes: bytes.subarray(from), line: rowLine, next: start.byte + at, nextLine: line });
    from = at;
  }
  const tooLong = at - from > maxRowBytes;
  return { rows, at: { byte: start.byte + from, line: rowLine }, tooLong };
}
