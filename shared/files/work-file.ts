import { createHash } from 'node:crypto';
import type { FileConfig } from '../config/file-schema.ts';
import { sha256Hex } from '../model/ids.ts';
import type { Json } from '../model/json.ts';
import type { CallDeps } from '../tools/call-deps.ts';
import { type FileCases, fileCase } from './file-case.ts';
import type { BadRow, DroppedFile, DropStore, FileCursor, FileCursorStore } from './ports.ts';
import { readHeader, readRow } from './read-row.ts';
import { callRow, type RowOutcome } from './row-call.ts';
import { maxRowBytes, type RawRow, splitRows } from './split-rows.ts';

/** What working on files needs: a tool call's dependencies, the files, and where each stands. */
export type FileDeps = CallDeps & FileCases & { readonly drops: DropStore; readonly cursors: FileCursorStore };

/** One file of one source. */
export type FileWork = {
  readonly source: string;
  readonly config: FileConfig;
  readonly file: DroppedFile;
  /** No row is begun after it, milliseconds. */
  readonly untilMs: number;
};

/** `settled`: nothing is left to do. `open`: it goes on with the next round. `gone`: it was removed or replaced. */
export type FileProgress = 'settled' | 'open' | 'gone';

/** Largest file, bytes: all of it is read for its hash in one round. */
const maxFileBytes = 268_435_456;

/** Rows between two writes of the cursor: as many as are repeated, without an effect, after a crash. */
const chunkRows = 100;
/** Bytes that are held at a time. Longer than any row. */
const partBytes = 262_144;
const hashBytes = 4_194_304;
const shownBad = 50;

/** What names one content at one place. */
export function fileId({ key, etag }: Pick<DroppedFile, 'key' | 'etag'>): string {
  return sha256Hex(`${key}\n${etag}`);
}

/**
 * Works on one file until it is done, has to wait, or the time is over. The cursor is written after every chunk of rows; a
 * process that dies in between repeats that chunk, and each row of it answers what it was answered before. Two workers at one
 * file harm nothing: the slower one loses the cursor and stops.
 */
export async function workFile(deps: FileDeps, work: FileWork): Promise<FileProgress> {
  const now = () => deps.kernel.clock.now();
  let cursor = (await deps.cursors.get(fileId(work.file))) ?? freshCursor(work, now());
  while (now() < work.untilMs) {
    if (cursor.phase === 'done' || cursor.phase === 'stopped') return 'settled';
    const step = cursor.contentHash === null ? await hashFile(deps, work, cursor) : await workChunk(deps, work, cursor);
    if (step === 'gone' || step === 'open') return step;
    const { rests, ...reached } = step;
    const next = { ...reached, epoch: cursor.epoch + 1, updatedAtMs: now() };
    await fileCase(deps, work, { before: cursor, cursor: next });
    if ((await deps.cursors.write(next, cursor.epoch)) === 'lost') return 'open';
    cursor = next;
    if (rests || cursor.phase === 'waits') return 'open';
  }
  return cursor.phase === 'done' || cursor.phase === 'stopped' ? 'settled' : 'open';
}

function freshCursor({ source, file }: FileWork, nowMs: number): FileCursor {
  return {
    ...{ id: fileId(file), source, key: file.key, epoch: 0, phase: 'hashing', contentHash: null, header: null },
    ...{ byte: 0, line: 1, rows: 0, bad: 0, badSample: [], badObject: null, waiting: null, updatedAtMs: nowMs },
  };
}

/** The place that was reached. `rests`: the system takes no more for longer than this round. */
type Reached = FileCursor & { readonly rests?: boolean };

/** Reads all of a file for its hash: rows are named by content, so that one content under two names is one file. */
async function hashFile(deps: FileDeps, work: FileWork, cursor: FileCursor): Promise<Reached | 'gone' | 'open'> {
  const { file, config } = work;
  if (file.size > maxFileBytes) return stopped(cursor, `it is larger than ${maxFileBytes} bytes: split it`);
  const hash = createHash('sha256');
  let first: Uint8Array | null = null;
  for (let at = 0; at < file.size; at += hashBytes) {
    if (deps.kernel.clock.now() >= work.untilMs) return 'open';
    const part = await deps.drops.read(file, at, hashBytes);
    if (part === null) return 'gone';
    first ??= part;
    hash.update(part);
  }
  const contentHash = hash.digest('hex');
  // A byte order mark is no part of the first cell.
  const byte = first?.[0] === 0xef && first[1] === 0xbb && first[2] === 0xbf ? 3 : 0;
  return { ...cursor, phase: 'rows', contentHash, byte, header: config.format === 'csv' ? [] : null };
}

function stopped(cursor: FileCursor, why: string): FileCursor {
  return { ...cursor, phase: 'stopped', waiting: { sinceMs: cursor.updatedAtMs, why } };
}

/** The next rows of a file, at most a chunk. */
async function workChunk(deps: FileDeps, work: FileWork, cursor: FileCursor): Promise<Reached | 'gone'> {
  const { file, config } = work;
  if (cursor.byte >= file.size) return { ...cursor, phase: 'done' };
  const bytes = await deps.drops.read(file, cursor.byte, partBytes);
  if (bytes === null) return 'gone';
  const { rows, at, tooLong } = splitRows({
    ...{ bytes, start: cursor, last: cursor.byte + bytes.length >= file.size, maxRows: chunkRows },
    separator: config.format === 'csv' ? config.separator : null,
  });
  const [first] = rows;
  if (first === undefined ? tooLong : isTooLong(first)) {
    const { line } = first ?? at;
    return stopped(cursor, `line ${line} begins a row that is too long to be one: perhaps a quote is not closed`);
  }
  if (first === undefined) return { ...cursor, byte: file.size, phase: 'done' };
  if (cursor.header?.length === 0) {
    const read = readHeader(first.bytes, config);
    if (read.kind === 'bad') return stopped(cursor, read.why);
    return { ...cursor, header: read.header, byte: first.next, line: first.nextLine };
  }
  const long = rows.findIndex(isTooLong);
  return carryOut(deps, work, cursor, long < 0 ? rows : rows.slice(0, long));
}

const isTooLong = ({ bytes }: RawRow) => bytes.length > maxRowBytes;

async function carryOut(deps: FileDeps, work: FileWork, cursor: FileCursor, rows: readonly RawRow[]): Promise<Reached> {
  const { clock } = deps.kernel;
  const bad: BadRow[] = [];
  let [place, done]: [Pick<FileCursor, 'byte' | 'line'>, number] = [cursor, 0];
  let [waits, rests]: [string | null, boolean] = [null, false];
  for (const row of rows) {
    if (rests || clock.now() >= work.untilMs) break;
    const outcome = await oneRow(deps, work, cursor, row);
    if (outcome.kind === 'wait') {
      waits = outcome.why;
      break;
    }
    if (outcome.kind === 'bad') bad.push({ line: row.line, why: spanOf(row) + outcome.why });
    place = { byte: row.next, line: row.nextLine };
    done += 1;
    if (outcome.kind === 'done' && outcome.restMs > 0) {
      // More rows would only wait as well, each with attempts of its own.
      rests = clock.now() + outcome.restMs >= work.untilMs;
      if (!rests) await clock.sleep(outcome.restMs);
    }
  }
  const badObject = await keepBad(deps, cursor.badObject, bad);
  return {
    ...advanced(cursor, place, { done, bad, badObject }),
    ...waitingOf(cursor, { waits, done, nowMs: clock.now() }),
    rests,
  };
}

type Worked = { readonly done: number; readonly bad: readonly BadRow[]; readonly badObject: string | null };

function advanced(cursor: FileCursor, { byte, line }: Pick<FileCursor, 'byte' | 'line'>, worked: Worked): FileCursor {
  return {
    ...{ ...cursor, byte, line, badObject: worked.badObject },
    rows: cursor.rows + worked.done,
    bad: cursor.bad + worked.bad.length,
    badSample: [...cursor.badSample, ...worked.bad].slice(0, shownBad),
  };
}

/** Since when a file waits: since the first round in which its next row could not be begun. */
function waitingOf(
  cursor: FileCursor,
  { waits, done, nowMs }: { readonly waits: string | null; readonly done: number; readonly nowMs: number },
): Pick<FileCursor, 'phase' | 'waiting'> {
  if (waits === null) return { phase: 'rows', waiting: null };
  const sinceMs = done === 0 ? (cursor.waiting?.sinceMs ?? nowMs) : nowMs;
  return { phase: 'waits', waiting: { sinceMs, why: waits } };
}

/** A row of several lines says so: a quote that is not closed takes the lines after it. */
function spanOf({ line, nextLine }: RawRow): string {
  return nextLine - line > 1 ? `up to line ${nextLine - 1}, ` : '';
}

/** All bad rows stand in payload objects, each with the name of the one before it: the cursor stays small. */
async function keepBad(deps: FileDeps, previous: string | null, bad: readonly BadRow[]): Promise<string | null> {
  if (bad.length === 0) return previous;
  return deps.payloads.put(new TextEncoder().encode(JSON.stringify({ previous, bad })));
}

async function oneRow(deps: FileDeps, work: FileWork, cursor: FileCursor, row: RawRow): Promise<RowOutcome> {
  const { source, config } = work;
  const read = readRow(row.bytes, config, cursor.header);
  if (read.kind === 'bad') return read;
  const natural: Json =
    read.rowKey === null ? ['file', source, cursor.contentHash, row.line] : ['row', source, ...read.rowKey];
  const runId = `file:${source}:${cursor.contentHash?.slice(0, 16)}`;
  return callRow(deps, { source, config, runId, input: read.input, natural });
}
