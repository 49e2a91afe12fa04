import type { FileConfig } from '../config/file-schema.ts';
import type { Json, JsonObject } from '../model/json.ts';
import { inexactIn } from '../tools/exact-json.ts';
import { parseCells } from './csv.ts';

/** A row as the tool gets it, with what names it; or what is wrong with it, in words that repeat no value. */
export type ReadRow =
  | { readonly kind: 'row'; readonly input: JsonObject; readonly rowKey: readonly Json[] | null }
  | { readonly kind: 'bad'; readonly why: string };

const bad = (why: string): ReadRow => ({ kind: 'bad', why });

/** The text of a row's bytes; null where they are not in the encoding. */
export function textOf(bytes: Uint8Array, encoding: FileConfig['encoding']): string | null {
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** The columns of a CSV file, or everything that is wrong with them: then no row of the file can be read. */
export function readHeader(
  bytes: Uint8Array,
  config: FileConfig,
): { readonly kind: 'header'; readonly header: readonly string[] } | { readonly kind: 'bad'; readonly why: string } {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return { kind: 'bad', why: 'the file is UTF-16: save it as CSV in UTF-8' };
  }
  const text = textOf(bytes, config.encoding);
  if (text === null) return { kind: 'bad', why: `the first line is not ${config.encoding}` };
  const parsed = parseCells(text, config.separator);
  if (parsed.kind === 'bad') return { kind: 'bad', why: `in the first line ${parsed.why}` };
  const header = parsed.cells.map((cell) => cell.trim());
  const wanted = Object.keys(config.columns);
  const known = [...wanted, ...config.ignore];
  // A file without names has a row there: its cells are not repeated.
  const told = [
    ...wanted.filter((name) => !header.includes(name)).map((name) => `the column "${name}" is missing`),
    ...header.flatMap((name, at) => (known.includes(name) ? [] : [`column ${at + 1} has a name that is not known`])),
    ...header.flatMap((name, at) =>
      header.indexOf(name) === at ? [] : [`column ${at + 1} has a name that stands there before`],
    ),
  ];
  if (told.length === 0) return { kind: 'header', header };
  return { kind: 'bad', why: `${told.slice(0, 20).join('; ')}. Known columns: ${known.join(', ')}` };
}

/** Reads one row: its cells or members by the names of the columns. */
export function readRow(bytes: Uint8Array, config: FileConfig, header: readonly string[] | null): ReadRow {
  const text = textOf(bytes, config.encoding);
  if (text === null) return bad(`it holds bytes that are not ${config.encoding}`);
  const values = header === null ? membersOf(text) : cellsOf(text, config.separator, header);
  if (typeof values === 'string') return bad(values);
  const known = [...Object.keys(config.columns), ...config.ignore];
  const strange = Object.keys(values).filter((name) => !known.includes(name));
  if (strange.length > 0) return bad(`${strange.length} of its names are not known: allowed are ${known.join(', ')}`);
  const input: Record<string, Json> = {};
  for (const [column, to] of Object.entries(config.columns)) {
    const { input: name, as } = typeof to === 'string' ? { input: to, as: null } : to;
    const value = values[column];
    if (value === undefined || value === null || value === '') continue;
    const typed = as === null ? value : typedOf(value, as);
    if (typed === undefined)
      return bad(`"${column}" is no ${{ text: 'text', number: 'number', 'yes-no': 'yes or no' }[as ?? 'text']}`);
    input[name] = typed;
  }
  if (!config.rowKey) return { kind: 'row', input, rowKey: null };
  const rowKey = config.rowKey.map((column) => values[column] ?? '');
  if (rowKey.some((value) => value === '' || typeof value === 'object')) {
    return bad(`what names it is empty: ${config.rowKey.join(', ')}`);
  }
  return { kind: 'row', input, rowKey: rowKey.map((value) => String(value).trim().normalize('NFC')) };
}

function cellsOf(text: string, separator: string, header: readonly string[]): JsonObject | string {
  const parsed = parseCells(text, separator);
  if (parsed.kind === 'bad') return parsed.why;
  if (parsed.cells.length !== header.length) {
    return `it has ${parsed.cells.length} cells, and the first line has ${header.length}`;
  }
  return Object.fromEntries(header.map((name, i) => [name, (parsed.cells[i] ?? '').trim()]));
}

function membersOf(text: string): JsonObject | string {
  try {
    const value = JSON.parse(text) as Json;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'it is no JSON object';
    const [inexact] = inexactIn(value, '');
    return inexact === undefined
      ? (value as JsonObject)
      : `it holds what cannot be kept exactly: allowed are ${inexact.allowed}`;
  } catch {
    return 'it is no JSON';
  }
}

/** A cell as the tool's input wants it; undefined where it is none. */
function typedOf(value: Json, as: 'text' | 'number' | 'yes-no'): Json | undefined {
  if (as === 'text') return typeof value === 'object' ? undefined : String(value);
  if (as === 'yes-no') {
    const word = String(value).toLowerCase();
    return ['yes', 'true', '1'].includes(word) ? true : ['no', 'false', '0'].includes(word) ? false : undefined;
  }
  const text = String(value);
  // A number keeps fifteen digits; with more of them it would become another one.
  const kept = /^-?[0-9]{1,15}(\.[0-9]{1,9})?$/.test(text) && text.replace(/^-?0*|\./g, '').length <= 15;
  return kept ? Number(text) : undefined;
}
