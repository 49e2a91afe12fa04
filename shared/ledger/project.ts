import type { ActionRecord } from '../model/action.ts';
import { entriesOf, imagesOf } from './entries.ts';
import type { LedgerStore, PayloadStore } from './ports.ts';

/** One change of an action record as its stream tells it. `next` is null where the record was removed. */
export type ActionChange = { readonly old: ActionRecord | null; readonly next: ActionRecord | null };

/** What of a DynamoDB stream record is read. */
export type StreamRecord = {
  readonly dynamodb?: {
    readonly SequenceNumber?: string;
    readonly OldImage?: Record<string, unknown>;
    readonly NewImage?: Record<string, unknown>;
  };
};

/** The change that a stream record tells. @param decode reads a stored image as an action record */
export function changeOf(
  { dynamodb }: StreamRecord,
  decode: (image: Record<string, unknown>) => ActionRecord,
): ActionChange {
  return {
    old: dynamodb?.OldImage ? decode(dynamodb.OldImage) : null,
    next: dynamodb?.NewImage ? decode(dynamodb.NewImage) : null,
  };
}

/** What Lambda expects of a stream consumer that may fail in the middle of a batch. */
export type BatchAnswer = { batchItemFailures: { itemIdentifier: string }[] };

/**
 * Handles the changes of one batch in their order and stops at the first that fails: Lambda delivers again from there,
 * so that the changes of one action are never handled out of order.
 * @param onFault is told the fault before the batch is given back
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
 */
export async function inOrder<R>(
  records: readonly R[],
  sequenceNumber: (record: R) => string,
  handle: (record: R) => Promise<void>,
  onFault: (fault: unknown) => void,
): Promise<BatchAnswer> {
  for (const record of records) {
    try {
      await handle(record);
    } catch (fault) {
      onFault(fault);
      return { batchItemFailures: [{ itemIdentifier: sequenceNumber(record) }] };
    }
  }
  return { batchItemFailures: [] };
}

/**
 * Handles the messages of one batch each by itself and gives back those that failed.
 * @param onFault is told every fault
 */
export async function eachAlone<R>(
  records: readonly R[],
  id: (record: R) => string,
  handle: (record: R) => Promise<void>,
  onFault: (fault: unknown) => void,
): Promise<BatchAnswer> {
  const batchItemFailures: BatchAnswer['batchItemFailures'] = [];
  for (const record of records) {
    try {
      await handle(record);
    } catch (fault) {
      onFault(fault);
      batchItemFailures.push({ itemIdentifier: id(record) });
    }
  }
  return { batchItemFailures };
}

/**
 * Puts one change of an action on the ledger: images first, so that no entry names bytes that are not there.
 * A removed record (its TTL) has its history on the ledger already.
 * Throws `store_unavailable`; handling the change again is harmless.
 */
export async function projectChange(
  deps: { readonly ledger: LedgerStore; readonly payloads: PayloadStore },
  change: ActionChange,
): Promise<void> {
  if (!change.next) return;
  for (const image of imagesOf(change.old, change.next)) await deps.payloads.put(image);
  for (const entry of entriesOf(change.old, change.next)) await deps.ledger.append(entry);
}
