import type { ActionBase, ActionRecord, ActionState, Stored } from '../model/action.ts';
import type { Failure } from '../model/errors.ts';
import type { Json } from '../model/json.ts';

/** A record in its stored form. Null and empty values are left out. */
export type RecordItem = { readonly [attribute: string]: string | number };

type Form = 'text' | 'number' | 'hash' | 'json' | 'stored' | 'failure';

/** The fields that a condition or an index looks at stand as attributes of their own. */
const attributes = {
  key: ['pk', 'text'],
  gen: ['gn', 'number'],
  epoch: ['ep', 'number'],
  intentHash: ['ph', 'hash'],
  state: ['st', 'text'],
  owner: ['own', 'text'],
  dueMs: ['du', 'number'],
} as const satisfies Partial<Record<FieldName, readonly [string, Form]>>;

/**
 * All others stand in one attribute `r`, a JSON array in this order: an attribute of its own costs each request more than the
 * bytes it holds. The order is stored data: append, never insert, remove or move.
 */
const packed = [
  ['inputHash', 'hash'],
  ['tool', 'text'],
  ['effect', 'text'],
  ['principal', 'text'],
  ['occasion', 'text'],
  ['windowMs', 'number'],
  ['system', 'text'],
  ['operation', 'text'],
  ['resend', 'json'],
  ['intent', 'stored'],
  ['requestDigest', 'hash'],
  ['before', 'stored'],
  ['target', 'json'],
  ['attempts', 'number'],
  ['resendNo', 'number'],
  ['inDoubt', 'json'],
  ['firstSentAtMs', 'number'],
  ['createdAtMs', 'number'],
  ['updatedAtMs', 'number'],
  ['callId', 'text'],
  ['runId', 'text'],
  ['workflow', 'text'],
  ['period', 'text'],
  ['eventId', 'text'],
  ['contextHash', 'hash'],
  ['answerHash', 'hash'],
  ['approval', 'json'],
  ['decision', 'json'],
  ['failure', 'failure'],
  ['leaseUntilMs', 'number'],
  ['sinceMs', 'number'],
  ['probes', 'number'],
  ['settledAtMs', 'number'],
  ['result', 'stored'],
  ['records', 'json'],
  ['proof', 'text'],
  ['keySpent', 'json'],
] as const satisfies readonly (readonly [FieldName, Form])[];

type FieldName = keyof ActionBase | StateField;
/** Does not compile while a field of a record has no place in its stored form. */
type Placed = keyof typeof attributes | (typeof packed)[number][0];
const everyFieldIsPlaced: FieldName extends Placed ? true : never = true;
void everyFieldIsPlaced;

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
  const values: Readonly<Record<string, unknown>> = record;
  const item: Record<string, string | number> = {};
  for (const [name, [attribute, form]] of Object.entries(attributes)) {
    const value = values[name];
    if (value !== null && value !== undefined) item[attribute] = encode(form, value) as string | number;
  }
  const rest = packed.map(([name, form]) => {
    const value = values[name];
    return value === null || value === undefined ? null : encode(form, value);
  });
  return { ...item, r: JSON.stringify(rest.slice(0, rest.findLastIndex((value) => value !== null) + 1)) };
}

/** A record from its stored form; attributes it does not know are left out. */
export function decodeRecord(item: Readonly<Record<string, unknown>>): ActionRecord {
  const record: Record<string, unknown> = {};
  for (const [name, [attribute, form]] of Object.entries(attributes)) {
    const value = item[attribute];
    if (value !== undefined) record[name] = decode(form, value);
  }
  const rest = JSON.parse(String(item['r'])) as readonly Json[];
  for (const [i, [name, form]] of packed.entries()) {
    const value = rest[i] ?? null;
    if (value !== null) record[name] = decode(form, value);
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

/** Without their names the parts of a failure leave 70 bytes more for what the vendor said. Append, never insert, remove or move. */
const failureParts = [
  'code',
  'category',
  'retryable',
  'detail',
  'vendorCode',
  'vendorText',
  'retryAfterMs',
  'errors',
] as const satisfies readonly (keyof Failure)[];
type UnplacedPart = Exclude<keyof Failure, (typeof failureParts)[number]>;
const everyPartIsPlaced: UnplacedPart extends never ? true : never = true;
void everyPartIsPlaced;

function encodeFailure(failure: Failure): readonly unknown[] {
  const parts = failureParts.map((part) => failure[part] ?? null);
  return parts.slice(0, parts.findLastIndex((part) => part !== null) + 1);
}

function decodeFailure(parts: readonly Json[]): unknown {
  const named = failureParts.map((part, i) => [part, parts[i] ?? null] as const);
  return Object.fromEntries(named.filter(([, value]) => value !== null));
}

function encode(form: Form, value: unknown): unknown {
  if (form === 'hash') return encodeHash(value as string);
  if (form === 'failure') return encodeFailure(value as Failure);
  if (form !== 'stored') return value;
  const stored = value as Stored;
  return 'inline' in stored ? [stored.inline] : encodeHash(stored.object);
}

function decode(form: Form, value: unknown): unknown {
  if (form === 'number') return Number(value);
  if (form === 'hash') return decodeHash(String(value));
  if (form === 'failure') return decodeFailure(value as readonly Json[]);
  if (form !== 'stored') return value;
  return Array.isArray(value) ? { inline: value[0] as Json } : { object: decodeHash(String(value)) };
}

function decodeHash(text: string): string {
  return text.startsWith('~') ? text.slice(1) : Buffer.from(text, 'base64url').toString('hex');
}
