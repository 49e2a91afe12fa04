import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../../shared/model/clock.ts';
import { type Listener, type LocalAnswer, type LocalRequest, listen } from '../listener.ts';
import { openDatabase } from '../state-dir.ts';
import type { Callers } from './callers.ts';

/** Objects of local buckets, for those who need them in the deployment's own process. */
export type ObjectFile = {
  createBucket(bucket: string): void;
  put(bucket: string, key: string, body: Uint8Array): void;
  keys(bucket: string): readonly string[];
  get(bucket: string, key: string): Uint8Array | null;
  readonly database: DatabaseSync;
  close(): void;
};

const schema = `
CREATE TABLE IF NOT EXISTS bucket (name TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS object (
  bucket TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL, etag TEXT NOT NULL, headers TEXT NOT NULL,
  modified_ms INTEGER NOT NULL, PRIMARY KEY (bucket, key));`;

const upsert = `INSERT INTO object (bucket, key, body, etag, headers, modified_ms) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (bucket, key) DO UPDATE SET body = excluded.body, etag = excluded.etag, headers = excluded.headers,
  modified_ms = excluded.modified_ms`;

/** Opens the buckets below a directory. */
export function openObjectFile(directory: string, clock: Clock): ObjectFile {
  const database = openDatabase(directory, 's3', schema);
  return {
    createBucket: (bucket) => void database.prepare('INSERT OR IGNORE INTO bucket (name) VALUES (?)').run(bucket),
    put: (bucket, key, body) => void database.prepare(upsert).run(bucket, key, body, etagOf(body), '{}', clock.now()),
    keys: (bucket) =>
      database
        .prepare('SELECT key FROM object WHERE bucket = ? ORDER BY key')
        .all(bucket)
        .map((row) => String(row['key'])),
    get(bucket, key) {
      const row = database.prepare('SELECT body FROM object WHERE bucket = ? AND key = ?').get(bucket, key);
      return row === undefined ? null : (row['body'] as Uint8Array);
    },
    database,
    close: () => database.close(),
  };
}

/**
 * Serves buckets with path-style addresses on 127.0.0.1: PutObject (with `If-None-Match: *`), GetObject (with `Range` and
 * `If-Match`), HeadObject,
 * DeleteObject, ListObjectsV2. Everything else is answered NotImplemented.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/
 */
export function serveS3(file: ObjectFile, clock: Clock, callers: Callers, port = 0): Promise<Listener> {
  return listen({
    name: 's3 stand-in',
    port,
    origins: 'none',
    maxBodyBytes: 67_108_864,
    handle: async (request) => serve(file, clock, callers, request),
  });
}

function serve(file: ObjectFile, clock: Clock, callers: Callers, request: LocalRequest): LocalAnswer {
  const caller = callers.callerOf(request.headers);
  if (caller === null) return failure(403, 'InvalidAccessKeyId', 'The access key is not known here.');
  const url = new URL(`http://127.0.0.1${request.target}`);
  const [, bucket = '', ...rest] = url.pathname.split('/');
  const key = decodeURIComponent(rest.join('/'));
  if (file.database.prepare('SELECT 1 FROM bucket WHERE name = ?').get(bucket) === undefined) {
    return failure(404, 'NoSuchBucket', 'The specified bucket does not exist.');
  }
  const operation = operationOf(request, url, key);
  callers.count(caller, `s3:${operation}`);
  switch (operation) {
    case 'PutObject':
      return put(file, clock, bucket, key, request);
    case 'GetObject':
    case 'HeadObject':
      return read(file, bucket, key, request.headers);
    case 'DeleteObject':
      file.database.prepare('DELETE FROM object WHERE bucket = ? AND key = ?').run(bucket, key);
      return { status: 204 };
    case 'ListObjectsV2':
      return list(file, bucket, url.searchParams);
    default:
      return failure(501, 'NotImplemented', 'The local S3 does not have this operation.');
  }
}

function operationOf(request: LocalRequest, url: URL, key: string): string {
  const { method, headers } = request;
  const plain = [...url.searchParams.keys()].every((name) => name === 'x-id' || name.startsWith('X-Amz-'));
  if (key === '') return method === 'GET' && url.searchParams.get('list-type') === '2' ? 'ListObjectsV2' : 'Unknown';
  const chunked = headers['content-encoding']?.includes('aws-chunked') || headers['x-amz-copy-source'] !== undefined;
  if (!plain || chunked) return 'Unknown';
  const names: Record<string, string> = {
    PUT: 'PutObject',
    GET: 'GetObject',
    HEAD: 'HeadObject',
    DELETE: 'DeleteObject',
  };
  return names[method] ?? 'Unknown';
}

function put(file: ObjectFile, clock: Clock, bucket: string, key: string, request: LocalRequest): LocalAnswer {
  const { headers, body } = request;
  if (headers['if-none-match'] === '*' && file.get(bucket, key) !== null) {
    return failure(412, 'PreconditionFailed', 'The object exists.');
  }
  const kept = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-') || name === 'content-type');
  const etag = etagOf(body);
  file.database.prepare(upsert).run(bucket, key, body, etag, JSON.stringify(Object.fromEntries(kept)), clock.now());
  return { status: 200, headers: { etag } };
}

function read(file: ObjectFile, bucket: string, key: string, asked: LocalRequest['headers']): LocalAnswer {
  const row = file.database.prepare('SELECT * FROM object WHERE bucket = ? AND key = ?').get(bucket, key);
  if (row === undefined) return failure(404, 'NoSuchKey', 'The specified key does not exist.');
  const body = row['body'] as Uint8Array;
  const kept = JSON.parse(String(row['headers'])) as Record<string, string>;
  const modified = new Date(Number(row['modified_ms'])).toUTCString();
  const etag = String(row['etag']);
  if (asked['if-match'] !== undefined && asked['if-match'] !== etag) {
    return failure(412, 'PreconditionFailed', 'The object is another one.');
  }
  const headers = { ...kept, etag, 'last-modified': modified };
  const range = /^bytes=(\d+)-(\d+)$/.exec(asked['range'] ?? '');
  if (!range) return { status: 200, headers, body };
  const [from, to] = [Number(range[1]), Math.min(Number(range[2]), body.length - 1)];
  if (from >= body.length) return failure(416, 'InvalidRange', 'The requested range is not satisfiable.');
  const part = `bytes ${from}-${to}/${body.length}`;
  return { status: 206, headers: { ...headers, 'content-range': part }, body: body.subarray(from, to + 1) };
}

function list(file: ObjectFile, bucket: string, query: URLSearchParams): LocalAnswer {
  const prefix = query.get('prefix') ?? '';
  const after = query.get('continuation-token') ?? query.get('start-after') ?? '';
  const max = Math.min(1000, Number(query.get('max-keys') ?? '1000') || 1000);
  const keys = file.keys(bucket).filter((key) => key.startsWith(prefix) && key > after);
  const page = keys.slice(0, max);
  const more = keys.length > page.length;
  const contents = page.map((key) => {
    const row = file.database
      .prepare('SELECT etag, length(body) AS size, modified_ms FROM object WHERE bucket = ? AND key = ?')
      .get(bucket, key);
    const modified = new Date(Number(row?.['modified_ms'])).toISOString();
    return `<Contents><Key>${xml(key)}</Key><LastModified>${modified}</LastModified><ETag>${xml(String(row?.['etag']))}</ETag><Size>${row?.['size']}</Size></Contents>`;
  });
  const next = more ? `<NextContinuationToken>${xml(page.at(-1) ?? '')}</NextContinuationToken>` : '';
  const body = `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>${xml(bucket)}</Name><Prefix>${xml(prefix)}</Prefix><KeyCount>${page.length}</KeyCount><MaxKeys>${max}</MaxKeys><IsTruncated>${more}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`;
  return { status: 200, headers: { 'content-type': 'application/xml' }, body };
}

function failure(status: number, code: string, message: string): LocalAnswer {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { status, headers: { 'content-type': 'application/xml' }, body };
}

function etagOf(body: Uint8Array): string {
  return `"${createHash('md5').update(body).digest('hex')}"`;
}

function xml(text: string): string {
  return text.replace(/[<>&"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
