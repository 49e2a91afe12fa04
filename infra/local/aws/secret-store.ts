import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../../shared/model/clock.ts';
import { atomically, openDatabase } from '../state-dir.ts';
import { AwsError } from './json-protocol.ts';

/** One version of a secret, decrypted. */
export type StoredVersion = {
  readonly versionId: string;
  readonly value: string;
  readonly stages: readonly string[];
  readonly createdMs: number;
};

/** Secrets in one SQLite file, their values encrypted with a key of this install. */
export type SecretFile = {
  names(): readonly string[];
  exists(name: string): boolean;
  create(name: string): void;
  remove(name: string): void;
  versions(name: string): readonly StoredVersion[];
  /** Writes a version under its id once; the same id with another value is refused. */
  put(name: string, version: { versionId: string; value: string; stages: readonly string[] }): void;
  /** Moves a stage label, conditionally on the version that holds it now. */
  moveStage(name: string, stage: string, to: string | undefined, from: string | undefined): void;
  close(): void;
};

const schema = `
CREATE TABLE IF NOT EXISTS secret (name TEXT PRIMARY KEY, created_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS version (
  name TEXT NOT NULL, version_id TEXT NOT NULL, sealed BLOB NOT NULL, created_ms INTEGER NOT NULL,
  PRIMARY KEY (name, version_id));
CREATE TABLE IF NOT EXISTS stage (
  name TEXT NOT NULL, stage TEXT NOT NULL, version_id TEXT NOT NULL, PRIMARY KEY (name, stage));`;

type Context = { readonly database: DatabaseSync; readonly key: Buffer; readonly clock: Clock };

/** Opens the secrets below a directory. @param key 32 bytes, the same at every start */
export function openSecretFile(directory: string, key: Buffer, clock: Clock): SecretFile {
  const database = openDatabase(directory, 'secrets', schema);
  const context = { database, key, clock };
  const run = (sql: string, ...values: (string | number)[]) => void database.prepare(sql).run(...values);
  return {
    names: () =>
      database
        .prepare('SELECT name FROM secret ORDER BY name')
        .all()
        .map((row) => String(row['name'])),
    exists: (name) => database.prepare('SELECT 1 FROM secret WHERE name = ?').get(name) !== undefined,
    create: (name) => run('INSERT INTO secret (name, created_ms) VALUES (?, ?)', name, clock.now()),
    remove(name) {
      for (const table of ['stage', 'version', 'secret']) run(`DELETE FROM ${table} WHERE name = ?`, name);
    },
    versions: (name) => versionsOf(context, name),
    put: (name, version) => atomically(database, () => putVersion(context, name, version)),
    moveStage: (name, stage, to, from) => atomically(database, () => moveStage(context, name, stage, to, from)),
    close: () => database.close(),
  };
}

function versionsOf(context: Context, name: string): readonly StoredVersion[] {
  const stages = context.database.prepare('SELECT stage, version_id FROM stage WHERE name = ?').all(name);
  const rows = context.database.prepare('SELECT * FROM version WHERE name = ? ORDER BY created_ms, rowid').all(name);
  return rows.map((row) => {
    const versionId = String(row['version_id']);
    return {
      versionId,
      value: unseal(context.key, `${name}#${versionId}`, Buffer.from(row['sealed'] as Uint8Array)),
      stages: stages.filter((one) => one['version_id'] === versionId).map((one) => String(one['stage'])),
      createdMs: Number(row['created_ms']),
    };
  });
}

function putVersion(
  context: Context,
  name: string,
  version: { versionId: string; value: string; stages: readonly string[] },
): void {
  const existing = versionsOf(context, name);
  const same = existing.find((one) => one.versionId === version.versionId);
  if (same !== undefined) {
    if (same.value === version.value) return;
    throw new AwsError('ResourceExistsException', 'A version with this ClientRequestToken has another value.');
  }
  const sealed = seal(context.key, `${name}#${version.versionId}`, version.value);
  const insert = 'INSERT INTO version (name, version_id, sealed, created_ms) VALUES (?, ?, ?, ?)';
  context.database.prepare(insert).run(name, version.versionId, sealed, context.clock.now());
  // The first version is current whatever was asked, as in Secrets Manager.
  const stages = existing.length === 0 ? new Set([...version.stages, 'AWSCURRENT']) : version.stages;
  for (const stage of stages) setStage(context, name, stage, version.versionId);
}

function moveStage(
  context: Context,
  name: string,
  stage: string,
  to: string | undefined,
  from: string | undefined,
): void {
  const holder = holderOf(context, name, stage);
  if (holder !== undefined && from !== holder && to !== holder) {
    throw new AwsError(
      'InvalidParameterException',
      `The parameter RemoveFromVersionId must be the version that ${stage} is attached to.`,
    );
  }
  if (to !== undefined) {
    setStage(context, name, stage, to);
    return;
  }
  if (stage === 'AWSCURRENT') throw new AwsError('InvalidParameterException', 'AWSCURRENT can only be moved.');
  context.database.prepare('DELETE FROM stage WHERE name = ? AND stage = ?').run(name, stage);
}

function setStage(context: Context, name: string, stage: string, versionId: string): void {
  const known = context.database
    .prepare('SELECT 1 FROM version WHERE name = ? AND version_id = ?')
    .get(name, versionId);
  if (known === undefined) throw new AwsError('ResourceNotFoundException', 'The version does not exist.');
  const holder = holderOf(context, name, stage);
  const upsert = context.database.prepare(
    'INSERT INTO stage (name, stage, version_id) VALUES (?, ?, ?) ON CONFLICT (name, stage) DO UPDATE SET version_id = excluded.version_id',
  );
  upsert.run(name, stage, versionId);
  if (stage === 'AWSCURRENT' && holder !== undefined && holder !== versionId) upsert.run(name, 'AWSPREVIOUS', holder);
}

function holderOf({ database }: Context, name: string, stage: string): string | undefined {
  const row = database.prepare('SELECT version_id FROM stage WHERE name = ? AND stage = ?').get(name, stage);
  return row === undefined ? undefined : String(row['version_id']);
}

/** AES-256-GCM; the place is authenticated, so that a value cannot be moved to another secret or version. */
function seal(key: Buffer, place: string, value: string): Buffer {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(place));
  const sealed = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]);
}

function unseal(key: Buffer, place: string, sealed: Buffer): string {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12)).setAAD(Buffer.from(place));
  decipher.setAuthTag(sealed.subarray(12, 28));
  return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString('utf8');
}
