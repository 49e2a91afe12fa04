import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../../shared/model/clock.ts';
import type { ObjectFile } from '../aws/s3.ts';
import type { FunctionPool } from '../lambda/pool.ts';
import type { SourcePlan } from '../template/plan.ts';
import { idle, type Loop, startLoop } from './loop.ts';
import { failedItems } from './queue-source.ts';
import type { StreamReader, StreamRecord } from './stream-reader.ts';

type StreamPlan = Extract<SourcePlan, { kind: 'stream' }>;

/** What delivering a stream needs. */
export type StreamDeps = {
  readonly reader: StreamReader;
  readonly checkpoints: Checkpoints;
  readonly objects: Pick<ObjectFile, 'put'>;
  readonly pool: FunctionPool;
  readonly clock: Clock;
  readonly onFault: (error: unknown) => void;
};

/** How far each source has read each shard; on the disk after every batch. */
export type Checkpoints = {
  read(source: string, shard: string): string | null;
  write(source: string, shard: string, sequenceNumber: string): void;
};

/** The statement that creates the table of {@link openCheckpoints}. */
export const checkpointSchema =
  'CREATE TABLE IF NOT EXISTS checkpoint (source TEXT, shard TEXT, sequence TEXT NOT NULL, PRIMARY KEY (source, shard));';

/** Checkpoints in a database that has {@link checkpointSchema}. */
export function openCheckpoints(database: DatabaseSync): Checkpoints {
  return {
    read(source, shard) {
      const row = database.prepare('SELECT sequence FROM checkpoint WHERE source = ? AND shard = ?').get(source, shard);
      return row === undefined ? null : String(row['sequence']);
    },
    write(source, shard, sequenceNumber) {
      const upsert =
        'INSERT INTO checkpoint (source, shard, sequence) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET sequence = excluded.sequence';
      database.prepare(upsert).run(source, shard, sequenceNumber);
    },
  };
}

const pollEveryMs = 200;
const firstRetryMs = 200;
const longestRetryMs = 60_000;

/**
 * Delivers a table's stream to a function, in order. A failing batch is tried again, halved where the plan says so, at most
 * `maxRetries` times and until its age; then it is kept in the bucket and the stream goes on.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-errors.html
 */
export function pollStream(deps: StreamDeps, plan: StreamPlan): Loop {
  return startLoop((signal) => round(deps, plan, signal), deps.onFault);
}

async function round(deps: StreamDeps, plan: StreamPlan, signal: AbortSignal): Promise<void> {
  let found = false;
  for (const shard of await deps.reader.shards(plan.table)) {
    const after = deps.checkpoints.read(plan.id, shard);
    const records = await deps.reader.read(plan.table, shard, after, plan.batchSize);
    if (records.length === 0) continue;
    found = true;
    await deliver(deps, plan, shard, records, signal);
  }
  if (!found) await idle(pollEveryMs, signal);
}

async function deliver(
  deps: StreamDeps,
  plan: StreamPlan,
  shard: string,
  records: readonly StreamRecord[],
  signal: AbortSignal,
): Promise<void> {
  let left = records;
  let size = records.length;
  for (let attempt = 0; left.length > 0 && !signal.aborted; ) {
    const batch = left.slice(0, size);
    const done = await attemptBatch(deps, plan, batch);
    const last = batch[done - 1];
    if (last !== undefined) deps.checkpoints.write(plan.id, shard, last.dynamodb.SequenceNumber);
    left = left.slice(done);
    if (done === batch.length) {
      [attempt, size] = [0, left.length];
      continue;
    }
    attempt += 1;
    if (isOver(deps, plan, attempt, left[0])) {
      const lost = plan.bisects ? left.slice(0, 1) : batch.slice(done);
      keepFailed(deps, plan, shard, lost);
      left = left.slice(lost.length);
      [attempt, size] = [0, left.length];
      continue;
    }
    if (plan.bisects) size = Math.max(1, Math.ceil((size - done) / 2));
    await idle(Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(attempt - 1, 12)), signal);
  }
}

/** How many records of the batch, from its start, are done. */
async function attemptBatch(deps: StreamDeps, plan: StreamPlan, batch: readonly StreamRecord[]): Promise<number> {
  const outcome = await deps.pool.invoke({ Records: batch });
  if (outcome.kind === 'failed') return 0;
  const failed = plan.reportsItems ? failedItems(outcome.payload) : new Set<string>();
  if (failed === 'all') return 0;
  const first = batch.findIndex((record) => failed.has(record.dynamodb.SequenceNumber));
  return first < 0 ? batch.length : first;
}

function isOver(deps: StreamDeps, plan: StreamPlan, attempt: number, first: StreamRecord | undefined): boolean {
  const createdMs = (first?.dynamodb.ApproximateCreationDateTime ?? 0) * 1000;
  const old = plan.maxAgeMs !== null && createdMs > 0 && deps.clock.now() - createdMs > plan.maxAgeMs;
  return old || (plan.maxRetries >= 0 && attempt > plan.maxRetries);
}

function keepFailed(deps: StreamDeps, plan: StreamPlan, shard: string, records: readonly StreamRecord[]): void {
  const [first] = records;
  if (first === undefined) return;
  if (plan.failedBucket !== null) {
    const day = new Date(deps.clock.now()).toISOString().slice(0, 10).replaceAll('-', '/');
    const key = `aws/lambda/${plan.id}/${shard}/${day}/${first.dynamodb.SequenceNumber}`;
    deps.objects.put(plan.failedBucket, key, Buffer.from(JSON.stringify({ functionName: plan.functionName, records })));
  }
  const last = records.at(-1) ?? first;
  deps.checkpoints.write(plan.id, shard, last.dynamodb.SequenceNumber);
}
