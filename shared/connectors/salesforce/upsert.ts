import type { Json } from '../../model/json.ts';
import type { HttpAnswer, ProbeVerdict, RequestContext, WriteOperation, WriteVerdict } from '../../model/operation.ts';
import { asBeforeOrElse, beforeImage, beforeImageOf } from '../before-image.ts';
import { unknownOutcome } from '../write-verdict.ts';
import {
  externalPath,
  recordRef,
  requestTimeoutMs,
  type SalesforceFields,
  type SalesforceObject,
  salesforceObjects,
} from './client.ts';
import { sameValue, shows, valueIn } from './compare.ts';
import { type ExternalId, isRecord, judgeOne, readOne } from './reads.ts';
import {
  found,
  leastSettleMs,
  saysAbsent,
  writable,
  writeFailure,
  writeHeaders,
  writeNamed,
  writtenId,
} from './writes.ts';

export type UpsertInput = {
  readonly externalId: ExternalId;
  readonly properties: SalesforceFields;
  /** True: a record that does not exist is not created but not found. */
  readonly updateOnly?: boolean;
};

/** What is written: the external id stands in the address and may not be repeated in the body. */
function writtenOf(input: UpsertInput): SalesforceFields {
  const key = input.externalId.field.toLowerCase();
  return Object.fromEntries(Object.entries(input.properties).filter(([name]) => name.toLowerCase() !== key));
}

/**
 * What an answer means: 201 created, 200 and 204 updated. Before version 46 an update is answered without a body, so that the
 * record is named by its external id.
 */
function judgeUpsert(object: SalesforceObject, answer: HttpAnswer, input: UpsertInput): WriteVerdict {
  const { field, value } = input.externalId;
  const properties = writtenOf(input);
  if (answer.status === 204) {
    const data = { externalId: input.externalId, properties, created: false };
    return { kind: 'applied', data, records: [recordRef(object, `${field}=${value}`)], created: false };
  }
  if (answer.status !== 200 && answer.status !== 201) return writeFailure(answer);
  const id = writtenId(answer);
  if (id === null)
    return unknownOutcome('unreadable_answer', 'Salesforce answered an upsert without the id of a record.');
  const created = answer.status === 201;
  return { kind: 'applied', data: { id, properties, created }, records: [recordRef(object, id)], created };
}

const names = (input: UpsertInput) => [...Object.keys(writtenOf(input)), input.externalId.field];

function judgeProbe(
  object: SalesforceObject,
  answer: HttpAnswer,
  input: UpsertInput,
  stored: Json | null,
): ProbeVerdict {
  if (saysAbsent(answer)) {
    return beforeImageOf(stored)?.written === null ? { kind: 'before' } : { kind: 'different', data: null };
  }
  const record = judgeOne(object, answer, names(input));
  if (!isRecord(record)) return { kind: 'inconclusive', error: record };
  const { field, value } = input.externalId;
  const held = String(valueIn(record.properties, field) ?? '');
  if (!sameValue(field, held, value)) return { kind: 'different', data: record };
  if (shows(record.properties, writtenOf(input))) return found(object, record);
  return asBeforeOrElse(record, stored, shows);
}

/**
 * Creates or updates one record by a unique external id. Whether it created is told by the before-image, since a repeat finds
 * the record that the first attempt made.
 */
export function upsertOperation(object: SalesforceObject): WriteOperation<UpsertInput> {
  const read = (context: RequestContext, { externalId }: UpsertInput) =>
    readOne(context, object, { externalId, fields: [] });
  return {
    ...writeNamed(object, 'upsert'),
    effect: 'update',
    resend: { kind: 'upsert', settleMs: leastSettleMs },
    undo: {
      kind: 'operation',
      operation: `salesforce.${salesforceObjects[object].plural}.update`,
      how: 'Writes the before-image again; a record the upsert created is deleted instead.',
    },
    request: (context, input) => ({
      method: 'PATCH',
      path: externalPath(context, object, input.externalId),
      ...(input.updateOnly ? { query: [['updateOnly', 'true']] } : {}),
      headers: writeHeaders,
      body: { json: writable(writtenOf(input)) },
      timeoutMs: requestTimeoutMs,
    }),
    judge: (answer, input) => judgeUpsert(object, answer, input),
    before: {
      request: read,
      judge: (answer, input) => {
        if (saysAbsent(answer)) return { kind: 'ok', data: beforeImage(null, []) };
        const record = judgeOne(object, answer, names(input));
        if (!isRecord(record)) return { kind: 'error', error: record };
        return { kind: 'ok', data: beforeImage(record, Object.keys(writtenOf(input)), valueIn) };
      },
    },
    probe: {
      request: read,
      judge: (answer, input, stored) => judgeProbe(object, answer, input, stored),
    },
  };
}
