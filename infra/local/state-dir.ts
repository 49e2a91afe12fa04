import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Random } from '../../shared/model/clock.ts';

/** Creates a directory that only its owner can enter, and tightens one that exists. */
export function privateDirectory(path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700);
  return path;
}

/**
 * Takes a directory for this process until the returned function is called or the process ends, however it ends.
 * Throws a sentence where another process has it: two deployments on the same files would undo each other's work.
 */
export function lockDirectory(directory: string): () => void {
  const database = new DatabaseSync(join(privateDirectory(directory), 'lock.sqlite'));
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    throw new Error(
      `The state in ${directory} is in use by another Plumbline. Stop it (Ctrl-C where it was started) and try again.`,
      { cause: error },
    );
  }
  return () => database.close();
}

/**
 * Opens a SQLite file of the local target. What was acknowledged survives a killed process; a power cut may lose the last writes.
 * @param directory created with mode 0700; @param name file name without ending; @param schema statements that create what is missing
 */
export function openDatabase(directory: string, name: string, schema: string): DatabaseSync {
  privateDirectory(directory);
  const file = join(directory, `${name}.sqlite`);
  const database = new DatabaseSync(file);
  chmodSync(file, 0o600);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;');
  database.exec(schema);
  return database;
}

/** Runs `work` as one transaction: all of it is on the disk, or none of it. */
export function atomically<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

/** Random bytes made once per install and kept in a file that only its owner can read. */
export function installKey(directory: string, name: string, bytes: number, random: Random): Buffer {
  privateDirectory(directory);
  const file = join(directory, name);
  if (!existsSync(file)) writePrivateFile(file, Buffer.from(random(bytes)).toString('base64url'));
  return Buffer.from(readFileSync(file, 'utf8').trim(), 'base64url');
}

/** Writes a file of mode 0600 in one step: readers see the old content or all of the new. */
export function writePrivateFile(file: string, content: string): void {
  const draft = `${file}.${process.pid}.draft`;
  const handle = openSync(draft, 'w', 0o600);
  try {
    writeSync(handle, content);
  } finally {
    closeSync(handle);
  }
  renameSync(draft, file);
}
