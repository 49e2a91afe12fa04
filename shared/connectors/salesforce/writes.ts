import type {
  HttpAnswer,
  ProbeVerdict,
  RequestContext,
  RequestSpec,
  WriteOperation,
  WriteVerdict,
} from '../../model/operation.ts';
import { asBeforeOrElse, beforeImage } from '../before-image.ts';
import { bodyOf } from '../json-body.ts';
import { failedWrite, unknownOutcome } from '../write-verdict.ts';
import {
  isId,
  longId,
  objectsPath,
  recordPath,
  recordRef,
  refField,
  refuse,
  requestTimeoutMs,
  type SalesforceFields,
  type SalesforceObject,
  type SalesforceRecord,
  salesforceObjects,
} from './client.ts';
import { shows, valueIn } from './compare.ts';
import { salesforceFailure } from './errors.ts';
import { httpDate, isRecord, judgeOne, readError, readOne } from './reads.ts';

/**
 * The least time after which a read-back may count absence, milliseconds: Salesforce may work on one request for longer than
 * we wait for its answer. The operator's `settle` of the system raises it.
 */
export const leastSettleMs = 120_000;

export type CreateInput = { readonly properties: SalesforceFields };
export type UpdateInput = {
  readonly id: string;
  readonly properties: SalesforceFields;
  /** ISO time: refused as a conflict where a person or a program changed the record after it. Whole seconds. */
  readonly unmodifiedSince?: string;
};
export type DeleteInput = { readonly id: string };
export type NoteInput = {
  readonly subject: string;
  readonly text: string;
  /** Who and what it is about: at most one contact and one other record. */
  readonly on: readonly { readonly object: Exclude<SalesforceObject, 'task'>; readonly id: string }[];
  /** When it was said, milliseconds since the epoch. */
  readonly atMs: number;
  /** What the organization calls a finished task; default `Completed`. */
  readonly status?: string;
};

/** Id, connector and scope of one write. */
export function writeNamed(object: SalesforceObject, verb: string) {
  return {
    kind: 'write' as const,
    id: `salesforce.${salesforceObjects[object].plural}.${verb}`,
    connector: 'salesforce',
    scopes: ['api'],
  };
}

/** Duplicate rules refuse and never let pass; of the candidates only ids are wanted. */
export const writeHeaders = {
  'sforce-duplicate-rule-header': 'allowSave=false; includeRecordDetails=false; runAsCurrentUser=true',
};

/** The verdict of an answer that is not the expected success. Unknown unless it proves that nothing was written. */
export function writeFailure(answer: HttpAnswer): WriteVerdict {
  return failedWrite(salesforceFailure(answer));
}

/** Whether an answer to a direct read says that the record does not exist, or not any more. */
export function saysAbsent(answer: HttpAnswer): boolean {
  return answer.status === 404 && salesforceFailure(answer).error.class === 'not_found';
}

/** A read-back that found our effect. */
export function found(object: SalesforceObject, record: SalesforceRecord): ProbeVerdict {
  return { kind: 'equal', data: record, records: [recordRef(object, record.id)] };
}

/** The id in the answer to a create or upsert that says success, or null. */
export function writtenId(answer: HttpAnswer): string | null {
  const body = bodyOf(answer);
  return body?.success === true && isId(body.id) ? longId(body.id) : null;
}

/** Fields as they are sent. The reference of the creating action is nobody's to write. Throws `invalid_input`. */
export function writable(properties: SalesforceFields): SalesforceFields {
  const names = Object.keys(properties).map((name) => name.toLowerCase());
  if (names.some((name) => [refField.toLowerCase(), 'id', 'attributes'].includes(name))) {
    refuse('a field is not one that may be written', `Leave out Id, attributes and ${refField}.`);
  }
  if (new Set(names).size !== names.length) refuse('a field is named twice', 'Field names have no case in Salesforce.');
  return properties;
}

const refOf = (providerKey: string) => ({ field: refField, value: providerKey });

/** The read-back of a create, by the external id field that carries the action's key. */
export function probeOfCreate<I = unknown>(object: SalesforceObject) {
  return {
    request: (context: RequestContext) =>
      readOne(context, object, { externalId: refOf(context.providerKey), fields: [] }),
    judge: (answer: HttpAnswer, _input: I, _before: unknown, providerKey: string): ProbeVerdict => {
      if (saysAbsent(answer)) return { kind: 'absent' };
      const read = judgeOne(object, answer, [refField]);
      if (!isRecord(read)) return { kind: 'inconclusive', error: read };
      return valueIn(read.properties, refField) === providerKey
        ? found(object, read)
        : { kind: 'different', data: read };
    },
  };
}

/** The request that creates a record with the action's key in it. Throws `invalid_input`. */
export function createSpec(
  context: RequestContext,
  object: SalesforceObject,
  properties: SalesforceFields,
): RequestSpec {
  return {
    method: 'POST',
    path: objectsPath(context, object),
    headers: writeHeaders,
    body: { json: { ...writable(properties), [refField]: context.providerKey } },
    timeoutMs: requestTimeoutMs,
  };
}

/** What the answer to {@link createSpec} means. */
export function judgeCreate(object: SalesforceObject, answer: HttpAnswer, properties: SalesforceFields): WriteVerdict {
  if (answer.status !== 201) return writeFailure(answer);
  const id = writtenId(answer);
  if (id === null)
    return unknownOutcome('unreadable_answer', 'Salesforce answered a create without the id of a record.');
  return { kind: 'applied', data: { id, properties, created: true }, records: [recordRef(object, id)], created: true };
}

/**
 * Creates one record that carries the action's key in an external id field, by which a read-back finds it. A refusal as
 * duplicate may be the echo of an earlier attempt of the same action: whoever sends it reads back before believing it.
 */
export function createOperation(object: SalesforceObject): WriteOperation<CreateInput> {
  return {
    ...writeNamed(object, 'create'),
    effect: 'create',
    resend: { kind: 'probe', settleMs: leastSettleMs },
    undo: {
      kind: 'operation',
      operation: `salesforce.${salesforceObjects[object].plural}.delete`,
      how: 'Deletes the created record; it stays in the recycle bin for 15 days.',
    },
    request: (context, input) => createSpec(context, object, input.properties),
    judge: (answer, input) => judgeCreate(object, answer, input.properties),
    probe: probeOfCreate(object),
  };
}

/** A note as the finished task that Salesforce shows in the history of a record. Throws `invalid_input`. */
function noteFields({ subject, text, on, atMs, status = 'Completed' }: NoteInput): SalesforceFields {
  const who = on.filter(({ object }) => object === 'contact');
  const what = on.filter(({ object }) => object !== 'contact');
  if (who.length > 1 || what.length > 1 || on.length === 0) {
    refuse('a note is not about one contact and one other record at most', 'Write one note for each record.');
  }
  return {
    Subject: subject,
    Description: text,
    Status: status,
    ActivityDate: new Date(atMs).toISOString().slice(0, 10),
    ...(who[0] ? { WhoId: who[0].id } : {}),
    ...(what[0] ? { WhatId: what[0].id } : {}),
  };
}

/** Appends a note to a record: a finished task, found again like any created record. */
export function appendNoteOperation(): WriteOperation<NoteInput> {
  return {
    ...writeNamed('task', 'append'),
    effect: 'append',
    resend: { kind: 'probe', settleMs: leastSettleMs },
    undo: { kind: 'operation', operation: 'salesforce.tasks.delete', how: 'Deletes the note.' },
    request: (context, input) => createSpec(context, 'task', noteFields(input)),
    judge: (answer, input) => judgeCreate('task', answer, noteFields(input)),
    probe: probeOfCreate('task'),
  };
}

/** Reads the live record before a write, and again to prove it. */
function beforeOf<I extends { readonly id: string }>(
  object: SalesforceObject,
  written: (input: I) => readonly string[],
) {
  const fields = (input: I) => [...new Set([...written(input), ...salesforceObjects[object].read])];
  return {
    request: (context: RequestContext, input: I) => readOne(context, object, { id: input.id, fields: fields(input) }),
    judge: (answer: HttpAnswer, input: I) => {
      const read = judgeOne(object, answer, written(input));
      if (!isRecord(read)) return { kind: 'error' as const, error: read };
      return { kind: 'ok' as const, data: beforeImage(read, written(input), valueIn) };
    },
  };
}

/**
 * Updates one record by id. Settled by comparing the live values with the wanted ones and with the before-image. With
 * `unmodifiedSince` a later change of somebody else is a conflict instead of being overwritten.
 */
export function updateOperation(object: SalesforceObject): WriteOperation<UpdateInput> {
  const written = (input: UpdateInput) => Object.keys(input.properties);
  const before = beforeOf<UpdateInput>(object, written);
  return {
    ...writeNamed(object, 'update'),
    effect: 'update',
    resend: { kind: 'upsert', settleMs: leastSettleMs },
    undo: {
      kind: 'operation',
      operation: `salesforce.${salesforceObjects[object].plural}.update`,
      how: 'Writes the values of the before-image again, unless the record was changed since.',
    },
    request: (context, { id, properties, unmodifiedSince }) => ({
      method: 'PATCH',
      path: recordPath(context, object, id),
      headers:
        unmodifiedSince === undefined
          ? writeHeaders
          : { ...writeHeaders, 'if-unmodified-since': httpDate(unmodifiedSince) },
      body: { json: writable(properties) },
      timeoutMs: requestTimeoutMs,
    }),
    judge: (answer, input) => {
      if (answer.status !== 204) return writeFailure(answer);
      const id = longId(input.id);
      return { kind: 'applied', data: { id, properties: input.properties }, records: [recordRef(object, id)] };
    },
    before,
    probe: {
      request: before.request,
      judge: (answer, input, stored) => {
        if (saysAbsent(answer)) return { kind: 'different', data: null };
        const read = judgeOne(object, answer, written(input));
        if (!isRecord(read)) return { kind: 'inconclusive', error: read };
        if (shows(read.properties, input.properties)) return found(object, read);
        return asBeforeOrElse(read, stored, shows);
      },
    },
  };
}

/** Deletes one record by id: it goes to the recycle bin, from which only a person brings it back. */
export function deleteOperation(object: SalesforceObject): WriteOperation<DeleteInput> {
  const before = beforeOf<DeleteInput>(object, () => []);
  const gone = (id: string) => ({ data: { id, deleted: true }, records: [recordRef(object, id)] });
  return {
    ...writeNamed(object, 'delete'),
    effect: 'delete',
    resend: { kind: 'upsert', settleMs: leastSettleMs },
    undo: { kind: 'none', why: 'The REST API restores no record from the recycle bin; a person can for 15 days.' },
    request: (context, { id }) => ({
      method: 'DELETE',
      path: recordPath(context, object, id),
      timeoutMs: requestTimeoutMs,
    }),
    judge: (answer, { id }) =>
      answer.status === 204 ? { kind: 'applied', ...gone(longId(id)) } : writeFailure(answer),
    before,
    probe: {
      request: before.request,
      judge: (answer, { id }) => {
        if (saysAbsent(answer)) return { kind: 'equal', ...gone(longId(id)) };
        if (answer.status !== 200) return { kind: 'inconclusive', error: readError(answer).error };
        const read = judgeOne(object, answer, []);
        return isRecord(read) ? { kind: 'before' } : { kind: 'inconclusive', error: read };
      },
    },
  };
}
