import type { ActionRecord } from '../model/action.ts';
import { recordSize } from './record-codec.ts';

/** A record stays below one write unit, because every replay pays for all of it. */
export const recordBytes = 1000;

/** What settling adds to a claim: proof, times, the answer's hash and the records that were written. */
export const settleBytes = 180;

/** How many bytes a value may take in this record, beside what settling adds. */
export function roomIn(record: ActionRecord): number {
  return Math.max(0, recordBytes - settleBytes - recordSize(record));
}

/** A record whose quoted vendor text and rows of wrong inputs are cut to what fits; the code and our words always stay. */
export function fitted(record: ActionRecord): ActionRecord {
  if (!('failure' in record) || record.failure === null) return record;
  const over = recordSize(record) - recordBytes;
  if (over <= 0) return record;
  const { errors, vendorText, ...failure } = record.failure;
  const withoutRows = { ...record, failure: { ...failure, ...(vendorText === undefined ? {} : { vendorText }) } };
  const left = recordSize(withoutRows) - recordBytes;
  if (left <= 0) return withoutRows;
  const text = Buffer.from(vendorText ?? '').subarray(0, Math.max(0, Buffer.byteLength(vendorText ?? '') - left));
  return { ...record, failure: { ...failure, ...(text.length > 0 ? { vendorText: cut(text) } : {}) } };
}

/** UTF-8 cut between characters. */
function cut(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes, { stream: true });
}
