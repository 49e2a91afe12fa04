import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../../shared/model/clock.ts';
import { atomically, openDatabase } from '../state-dir.ts';
import { AwsError } from './json-protocol.ts';

/** What SQS calls the attributes of a queue, as text. */
export type QueueAttributes = Readonly<Record<string, string>>;

/** One message of a queue in flight. */
export type ReceivedMessage = {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly bodyMd5: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly messageAttributes: Readonly<Record<string, unknown>>;
};

/** Queues in one SQLite file. Every method that returns has written; in-flight state survives a killed process. */
export type SqsStore = {
  create(queue: string, attributes: QueueAttributes): void;
  names(): readonly string[];
  attributes(queue: string): QueueAttributes;
  setAttributes(queue: string, attributes: QueueAttributes): void;
  counts(queue: string): { readonly visible: number; readonly inFlight: number; readonly delayed: number };
  send(
    queue: string,
    message: { body: string; delaySeconds?: number; messageAttributes?: object },
  ): { messageId: string };
  /** Up to `max` visible messages, now in flight; messages received too often go to the dead-letter queue instead. */
  receive(queue: string, input: { max: number; visibilitySeconds?: number }): readonly ReceivedMessage[];
  remove(queue: string, receiptHandle: string): void;
  changeVisibility(queue: string, receiptHandle: string, seconds: number): void;
  purge(queue: string): void;
  /** When the next hidden message becomes visible, milliseconds since the epoch. */
  nextVisibleMs(queue: string): number | null;
  /** Calls back whenever a message of the queue may have become visible; returns what stops it. */
  onChange(queue: string, listener: () => void): () => void;
  close(): void;
};

/** The ARN of a local queue. */
export function queueArn(queue: string): string {
  return `arn:aws:sqs:eu-central-1:000000000000:${queue}`;
}

const schema = `
CREATE TABLE IF NOT EXISTS queue (name TEXT PRIMARY KEY, attributes TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS message (
  id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, message_id TEXT NOT NULL, body TEXT NOT NULL,
  attributes TEXT NOT NULL, sent_ms INTEGER NOT NULL, visible_ms INTEGER NOT NULL, receives INTEGER NOT NULL,
  first_ms INTEGER, receipt TEXT, source TEXT);
CREATE INDEX IF NOT EXISTS message_visible ON message (queue, visible_ms);`;

const defaults: QueueAttributes = {
  VisibilityTimeout: '30',
  DelaySeconds: '0',
  MessageRetentionPeriod: '345600',
  ReceiveMessageWaitTimeSeconds: '0',
  MaximumMessageSize: '1048576',
};

type Context = { readonly database: DatabaseSync; readonly clock: Clock; readonly changed: (queue: string) => void };

/** Opens the queues below a directory. */
export function openSqsStore(directory: string, clock: Clock): SqsStore {
  const database = openDatabase(directory, 'sqs', schema);
  const listeners = new Map<string, Set<() => void>>();
  const changed = (queue: string) => {
    for (const listener of [...(listeners.get(queue) ?? [])]) listener();
  };
  const context = { database, clock, changed };
  const run = (sql: string, ...values: (string | number)[]) => database.prepare(sql).run(...values);
  return {
    create: (queue, attributes) => createQueue(context, queue, attributes),
    names: () =>
      database
        .prepare('SELECT name FROM queue ORDER BY name')
        .all()
        .map((row) => String(row['name'])),
    attributes: (queue) => attributesOf(context, queue),
    setAttributes(queue, attributes) {
      run(
        'UPDATE queue SET attributes = ? WHERE name = ?',
        JSON.stringify({ ...attributesOf(context, queue), ...attributes }),
        queue,
      );
    },
    counts: (queue) => countsOf(context, queue),
    send: (queue, message) => sendMessage(context, queue, message),
    receive: (queue, input) => atomically(database, () => receiveMessages(context, queue, input)),
    remove(queue, receiptHandle) {
      attributesOf(context, queue);
      const { id, nonce } = readHandle(receiptHandle);
      run('DELETE FROM message WHERE id = ? AND queue = ? AND receipt = ?', id, queue, nonce);
    },
    changeVisibility: (queue, receiptHandle, seconds) => changeVisibility(context, queue, receiptHandle, seconds),
    purge: (queue) => void run('DELETE FROM message WHERE queue = ?', queue),
    nextVisibleMs(queue) {
      const sql = 'SELECT MIN(visible_ms) AS at FROM message WHERE queue = ?';
      const at = database.prepare(sql).get(queue)?.['at'];
      return typeof at === 'number' ? at : null;
    },
    onChange(queue, listener) {
      const known = listeners.get(queue) ?? new Set();
      listeners.set(queue, known.add(listener));
      return () => void known.delete(listener);
    },
    close: () => database.close(),
  };
}

function createQueue({ database }: Context, queue: string, attributes: QueueAttributes): void {
  if (!/^[A-Za-z0-9_-]{1,80}$/.test(queue)) {
    throw new AwsError('InvalidParameterValue', 'A queue name has up to 80 letters, digits, hyphens and underscores.');
  }
  const insert = 'INSERT INTO queue (name, attributes) VALUES (?, ?) ON CONFLICT (name) DO NOTHING';
  database.prepare(insert).run(queue, JSON.stringify({ ...defaults, ...attributes }));
}

function attributesOf({ database }: Context, queue: string): Record<string, string> {
  const row = database.prepare('SELECT attributes FROM queue WHERE name = ?').get(queue);
  if (row === undefined) throw new AwsError('QueueDoesNotExist', 'The specified queue does not exist.');
  return JSON.parse(String(row['attributes'])) as Record<string, string>;
}

function countsOf(context: Context, queue: string): { visible: number; inFlight: number; delayed: number } {
  attributesOf(context, queue);
  const nowMs = context.clock.now();
  const sql = `SELECT COUNT(*) FILTER (WHERE visible_ms <= ?) AS visible,
    COUNT(*) FILTER (WHERE visible_ms > ? AND receipt IS NOT NULL) AS flight,
    COUNT(*) FILTER (WHERE visible_ms > ? AND receipt IS NULL) AS late FROM message WHERE queue = ?`;
  const row = context.database.prepare(sql).get(nowMs, nowMs, nowMs, queue);
  return { visible: Number(row?.['visible']), inFlight: Number(row?.['flight']), delayed: Number(row?.['late']) };
}

function sendMessage(
  context: Context,
  queue: string,
  message: { body: string; delaySeconds?: number; messageAttributes?: object },
): { messageId: string } {
  const attributes = attributesOf(context, queue);
  const nowMs = context.clock.now();
  const visibleMs = nowMs + (message.delaySeconds ?? Number(attributes['DelaySeconds'])) * 1000;
  const messageId = crypto.randomUUID();
  const sql =
    'INSERT INTO message (queue, message_id, body, attributes, sent_ms, visible_ms, receives) VALUES (?, ?, ?, ?, ?, ?, 0)';
  const extra = JSON.stringify(message.messageAttributes ?? {});
  context.database.prepare(sql).run(queue, messageId, message.body, extra, nowMs, visibleMs);
  context.changed(queue);
  return { messageId };
}

function receiveMessages(
  context: Context,
  queue: string,
  input: { max: number; visibilitySeconds?: number },
): readonly ReceivedMessage[] {
  const { database, clock } = context;
  const attributes = attributesOf(context, queue);
  const nowMs = clock.now();
  const oldestMs = nowMs - Number(attributes['MessageRetentionPeriod']) * 1000;
  database.prepare('DELETE FROM message WHERE queue = ? AND sent_ms < ?').run(queue, oldestMs);
  moveDeadLetters(context, queue, attributes, nowMs);
  const visibleMs = nowMs + (input.visibilitySeconds ?? Number(attributes['VisibilityTimeout'])) * 1000;
  const select = 'SELECT * FROM message WHERE queue = ? AND visible_ms <= ? ORDER BY id LIMIT ?';
  const mark = database.prepare(
    'UPDATE message SET visible_ms = ?, receives = receives + 1, first_ms = COALESCE(first_ms, ?), receipt = ? WHERE id = ?',
  );
  return database
    .prepare(select)
    .all(queue, nowMs, input.max)
    .map((row) => {
      const nonce = crypto.randomUUID();
      mark.run(visibleMs, nowMs, nonce, Number(row['id']));
      return received(row, nonce, nowMs);
    });
}

/** As SQS does, a message that was received too often is moved when it would be received once more. */
function moveDeadLetters(context: Context, queue: string, attributes: QueueAttributes, nowMs: number): void {
  const redrive = redriveOf(attributes);
  if (redrive === null) return;
  const move = `UPDATE message SET queue = ?, receives = 0, receipt = NULL, first_ms = NULL, source = ?, visible_ms = ?
    WHERE queue = ? AND visible_ms <= ? AND receives >= ?`;
  const { changes } = context.database
    .prepare(move)
    .run(redrive.queue, queueArn(queue), nowMs, queue, nowMs, redrive.maxReceives);
  if (Number(changes) > 0) setImmediate(() => context.changed(redrive.queue));
}

/** The dead-letter queue that a queue's attributes name, and after how many receives. */
export function redriveOf(attributes: QueueAttributes): { queue: string; maxReceives: number } | null {
  const policy = attributes['RedrivePolicy'];
  if (!policy) return null;
  const { deadLetterTargetArn, maxReceiveCount } = JSON.parse(policy) as Record<string, string>;
  return { queue: String(deadLetterTargetArn).split(':').at(-1) ?? '', maxReceives: Number(maxReceiveCount) };
}

function received(row: Record<string, unknown>, nonce: string, nowMs: number): ReceivedMessage {
  const body = String(row['body']);
  return {
    messageId: String(row['message_id']),
    receiptHandle: Buffer.from(`${row['id']}:${nonce}`).toString('base64url'),
    body,
    bodyMd5: createHash('md5').update(body).digest('hex'),
    attributes: {
      ApproximateReceiveCount: String(Number(row['receives']) + 1),
      ApproximateFirstReceiveTimestamp: String(row['first_ms'] ?? nowMs),
      SentTimestamp: String(row['sent_ms']),
      SenderId: 'local',
      ...(row['source'] ? { DeadLetterQueueSourceArn: String(row['source']) } : {}),
    },
    messageAttributes: JSON.parse(String(row['attributes'])) as Record<string, unknown>,
  };
}

function changeVisibility(context: Context, queue: string, receiptHandle: string, seconds: number): void {
  attributesOf(context, queue);
  const { id, nonce } = readHandle(receiptHandle);
  const nowMs = context.clock.now();
  const sql = 'UPDATE message SET visible_ms = ? WHERE id = ? AND queue = ? AND receipt = ? AND visible_ms > ?';
  const { changes } = context.database.prepare(sql).run(nowMs + seconds * 1000, id, queue, nonce, nowMs);
  if (Number(changes) === 0) throw new AwsError('MessageNotInflight', 'The message is not in flight.');
  context.changed(queue);
}

function readHandle(receiptHandle: string): { id: number; nonce: string } {
  const match = /^([0-9]+):([0-9a-f-]{36})$/.exec(Buffer.from(receiptHandle, 'base64url').toString());
  if (!match) throw new AwsError('ReceiptHandleIsInvalid', 'The receipt handle is not one of this queue.');
  return { id: Number(match[1]), nonce: match[2] ?? '' };
}
