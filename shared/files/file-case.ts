import type { CaseStore } from '../ledger/ports.ts';
import type { CaseOpening } from '../model/case.ts';
import { maskContacts } from '../model/personal-shape.ts';
import type { CallDeps } from '../tools/call-deps.ts';
import type { FileCursor } from './ports.ts';
import type { FileWork } from './work-file.ts';

const waitsLongMs = 3_600_000;

/** Where the cases of files are opened and settled. */
export type FileCases = { readonly cases: Pick<CaseStore, 'open' | 'settle'> };

/**
 * Opens the case that a file's place calls for, before that place is written: bad rows when it is done, a file that cannot be
 * read on, and one that waits for an hour; that one is settled once the file goes on. A repeat is the same case.
 */
export async function fileCase(
  deps: FileCases & Pick<CallDeps, 'kernel'>,
  work: FileWork,
  { before, cursor }: { readonly before: FileCursor; readonly cursor: FileCursor },
): Promise<void> {
  const nowMs = deps.kernel.clock.now();
  const since = before.phase === 'waits' ? before.waiting?.sinceMs : undefined;
  if (since !== undefined && since !== cursor.waiting?.sinceMs) {
    const settled = { by: 'service:files', atMs: nowMs, reason: 'The file goes on.', decision: 'over' };
    await deps.cases.settle(waitsKey(cursor), settled);
  }
  const opening = openingOf(work, cursor, nowMs);
  if (opening) await deps.cases.open(opening, nowMs);
}

const waitsKey = ({ id }: Pick<FileCursor, 'id'>) => `file-waits:${id}`;

function openingOf({ source, config, file: { key } }: FileWork, cursor: FileCursor, nowMs: number): CaseOpening | null {
  const { phase, waiting, bad, rows, line, contentHash } = cursor;
  const file = maskContacts(key);
  const common = {
    ...{ kind: 'exception' as const, owner: config.owner, actionId: null, system: null, eventIdentity: null },
    runId: contentHash === null ? null : `file:${source}:${contentHash.slice(0, 16)}`,
    facts: { source, file, contentHash, rows, bad, badRows: cursor.badObject, line },
    dueInMs: 4 * 3_600_000,
  };
  const lines = cursor.badSample.map((row) => `line ${row.line}: ${row.why}`).join('\n');
  const shown = bad > cursor.badSample.length ? `${lines}\n… and ${bad - cursor.badSample.length} more.` : lines;
  if (phase === 'done' && bad > 0) {
    const title = `${bad} of ${rows} rows of ${file} were not carried out`;
    const detail = `${shown}\nCorrect these rows and drop them as a new file; the others were carried out.`;
    return { ...common, reason: 'file_bad_rows', title, detail, dedupeKey: `file-rows:${cursor.id}` };
  }
  if (phase === 'stopped') {
    const title = `${file} cannot be read from line ${line} on`;
    const detail = `${waiting?.why ?? ''}.\n${shown}\nCorrect the file and drop it again.`;
    return { ...common, reason: 'file_stopped', title, detail, dedupeKey: `file-stopped:${cursor.id}` };
  }
  if (phase !== 'waits' || waiting === null || nowMs - waiting.sinceMs < waitsLongMs) return null;
  const title = `${file} waits at line ${line}`;
  const detail = `${waiting.why} It goes on by itself as soon as this is over; ${rows} rows were worked on.`;
  return { ...common, reason: 'file_waits', title, detail, dedupeKey: waitsKey(cursor) };
}
