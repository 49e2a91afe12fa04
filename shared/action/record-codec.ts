import type { ActionBase, ActionRecord, ActionState, Stored } from '../model/action.ts';
import type { Json } from '../model/json.ts';

/** A record in its stored form: short names, text and numbers only; null and empty values are left out. */
export type RecordItem = { readonly [attribute: string]: string | number };

type Form = 'text' | 'number' | 'hash' | 'json' | 'stored';

/** Stored name and form of every field of a record. Names are short because every byte of a record is paid on every replay. */
const fields: Readonly<Record<keyof ActionBase | StateField, readonly [attribute: string, form: Form]>> = {
  key: ['pk', 'text'],
  gen: ['gn', 'number'],
  epoch: ['ep', 'number'],
  intentHash: ['ph', 'hash'],
  inputHash: ['ih', 'hash'],
  tool: ['tl', 'text'],
  effect: ['ef', 'text'],
  principal: ['pr', 'text'],
  occasion: ['oc', 'text'],
  windowMs: ['wi', 'number'],
  system: ['sy', 'text'],
  operation: ['op', 'text'],
  resend: ['rs', 'json'],
  intent: ['in', 'stored'],
  requestDigest: ['rd', 'hash'],
  before: ['bf', 'stored'],
  target: ['tg', 'json'],
  attempts: ['at', 'number'],
  resendNo: ['rn', 'number'],
  inDoubt: ['db', 'json'],
  firstSentAtMs: ['fs', 'number'],
  createdAtMs: ['ca', 'number'],
  updatedAtMs: ['ua', 'number'],
  runId: ['ru', 'text'],
  callId: ['ci', 'text'],
  workflow: ['wf', 'text'],
  period: ['pe', 'text'],
  eventId: ['ei', 'text'],
  contextHash: ['ch', 'hash'],
  answerHash: ['ah', 'hash'],
  approval: ['ap', 'json'],
  decision: ['de', 'json'],
  state: ['st', 'text'],
  dueMs: ['du', 'number'],
  failure: ['fa', 'json'],
  owner: ['own', 'text'],
  leaseUntilMs: ['lu', 'number'],
  sinceMs: ['si', 'number'],
  probes: ['pb', 'number'],
  settledAtMs: ['sa', 'number'],
  result: ['re', 'stored'],
  records: ['rc', 'json'],
  proof: ['pf', 'text'],
};

type StateField = KeysOf<ActionState>;
type KeysOf<T> = T extends unknown ? keyof T : never;

/** Fields that are null, not absent, where the stored form has no value. */
const nullable = [
  'windowMs',
  'before',
  'firstSentAtMs',
  'runId',
  'workflow',
  'period',
  'eventId',
  'contextHash',
  'answerHash',
  'approval',
  'decision',
] as const;
const withOwner = ['UNKNOWN', 'SUCCEEDED', 'FAILED'];

/** A record in its stored form. */
export function encodeRecord(record: ActionRecord): RecordItem {
  const item: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(record)) {
    const field = fields[name as keyof typeof fields];
    if (field && value !== null && value !== undefined) item[field[0]] = encode(field[1], value);
  }
  return item;
}

/** A record from its stored form; attributes it does not know are left out. */
export function decodeRecord(item: Readonly<Record<string, unknown>>): ActionRecord {
  const record: Record<string, unknown> = {};
  for (const [name, [attribute, form]] of Object.entries(fields)) {
    const value = item[attribute];
    if (value !== undefined) record[name] = decode(form, value);
  }
  for (const name of nullable) record[name] ??= null;
  if (withOwner.includes(String(record['state']))) record['owner'] ??= null;
  if (record['state'] === 'RETRYABLE') record['failure'] ??= null;
  // The item was made by encodeRecord.
  return record as unknown as ActionRecord;
}

/** A hash as it stands in the stored form: base64url, a third shorter than hex. */
export function encodeHash(hash: string): string {
  // Anything but a SHA-256 stands as it is.
  return /^[0-9a-f]{64}$/.test(hash) ? Buffer.from(hash, 'hex').toString('base64url') : `~${hash}`;
}

/**
 * Bytes DynamoDB counts for a record, a little above the truth.
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
export function recordSize(record: ActionRecord): number {
  let bytes = 24; // the index shard and the expiry, which the store adds
  for (const [name, value] of Object.entries(encodeRecord(record))) {
    bytes += name.length + (typeof value === 'number' ? numberSize(value) : Buffer.byteLength(value));
  }
  return bytes;
}

function numberSize(value: number): number {
  return Math.ceil(String(Math.abs(value)).length / 2) + 2;
}

function encode(form: Form, value: unknown): string | number {
  if (form === 'number') return value as number;
  if (form === 'text') return value as string;
  if (form === 'hash') return encodeHash(value as string);
  if (form === 'json') return JSON.stringify(value);
  const stored = value as Stored;
  return 'inline' in stored ? `=${JSON.stringify(stored.inline)}` : `#${encodeHash(stored.object)}`;
}

function decode(form: Form, value: unknown): unknown {
  if (form === 'number') return Number(value);
  const text = String(value);
  if (form === 'text') return text;
  if (form === 'hash') return decodeHash(text);
  if (form === 'json') return JSON.parse(text) as Json;
  return text.startsWith('=') ? { inline: JSON.parse(text.slice(1)) as Json } : { object: decodeHash(text.slice(1)) };
}

function decodeHash(text: string): string {
  return text.startsWith('~') ? text.slice(1) : Buffer.from(text, 'base64url').toString('hex');
}
