import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Where a simulated system keeps what it holds, so that a restart keeps every applied write. */
export type StateFile = {
  load<T>(kind: string): T[];
  save(kind: string, id: string, value: unknown): void;
  remove(kind: string, id: string): void;
  /** Makes the saves inside one atomic write to the disk. */
  atomically<T>(work: () => T): T;
  close(): void;
};

/** Keeps nothing. */
export const noStateFile: StateFile = {
  load: () => [],
  save: () => undefined,
  remove: () => undefined,
  atomically: (work) => work(),
  close: () => undefined,
};

/**
 * Opens the SQLite file of one system. Survives a killed process; a power cut may lose the last writes.
 * @param directory created with mode 0700; @param system names the file
 */
export function openStateFile(directory: string, system: string): StateFile {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, `${system}.sqlite`);
  const database = new DatabaseSync(file);
  chmodSync(file, 0o600);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
  database.exec('CREATE TABLE IF NOT EXISTS entry (kind TEXT, id TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, id))');
  const select = database.prepare('SELECT body FROM entry WHERE kind = ? ORDER BY rowid');
  const upsert = database.prepare(
    'INSERT INTO entry (kind, id, body) VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body',
  );
  const remove = database.prepare('DELETE FROM entry WHERE kind = ? AND id = ?');
  let depth = 0;
  return {
    load: <T>(kind: string) => select.all(kind).map((row) => JSON.parse(String(row.body)) as T),
    save: (kind, id, value) => void upsert.run(kind, id, JSON.stringify(value)),
    remove: (kind, id) => void remove.run(kind, id),
    atomically(work) {
      if (depth > 0) return work();
      depth += 1;
      database.exec('BEGIN');
      try {
        return work();
      } finally {
        // What was changed in memory is written even where the request was refused later: both must agree.
        database.exec('COMMIT');
        depth -= 1;
      }
    },
    close: () => database.close(),
  };
}
