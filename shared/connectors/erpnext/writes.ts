import { isObject, type Json } from '../../model/json.ts';
import type {
  HttpAnswer,
  ProbeVerdict,
  RequestContext,
  RequestSpec,
  WriteOperation,
  WriteVerdict,
} from '../../model/operation.ts';
import { asBeforeOrElse } from '../before-image.ts';
import { textAsHtml } from '../html.ts';
import { bodyOf } from '../json-body.ts';
import { failedWrite, unknownOutcome } from '../write-verdict.ts';
import {
  dataOf,
  type ErpnextFields,
  type ErpnextObject,
  type ErpnextRecord,
  erpnextObjects,
  objectsPath,
  recordOf,
  recordPath,
  recordRef,
  refField,
  refuse,
  requestTimeoutMs,
  right,
  sendSpec,
} from './client.ts';
import { shows, versionedImage } from './compare.ts';
import { erpnextFailure } from './errors.ts';
import { fieldName } from './filters.ts';
import { isRecord, judgeBy, judgeOne, readBy, readError, readOne, unreadable } from './reads.ts';

/**
 * The least time after which a read-back may count absence, milliseconds: a worker of Frappe is stopped after 120 s, and we
 * wait less for its answer. The operator's `settle` of the system raises it.
 */
export const leastSettleMs = 150_000;

export type CreateInput = { readonly properties: ErpnextFields };
export type UpdateInput = {
  readonly id: string;
  readonly properties: ErpnextFields;
  /** The `version` that was read: a later change of somebody else is a conflict instead of being overwritten. */
  readonly version?: string;
};
export type DeleteInput = { readonly id: string };
export type CommentInput = {
  readonly on: { readonly object: Exclude<ErpnextObject, 'comment'>; readonly id: string };
  readonly text: string;
};

/** Id and connector of one write, and the right it needs. */
export function writeNamed(object: ErpnextObject, verb: string, permission: Parameters<typeof right>[1]) {
  return {
    kind: 'write' as const,
    id: `erpnext.${erpnextObjects[object].plural}.${verb}`,
    connector: 'erpnext',
    scopes: [right(object, permission)],
  };
}

/** The verdict of an answer that is not the expected success. Unknown unless it proves that nothing was written. */
export function writeFailure(answer: HttpAnswer): WriteVerdict {
  return failedWrite(erpnextFailure(answer));
}

/** A read-back that found our effect. */
export function found(object: ErpnextObject, record: ErpnextRecord): ProbeVerdict {
  return { kind: 'equal', data: record, records: [recordRef(object, record.id)] };
}

/** The document in the answer to a write, or null where the answer is not about this DocType. */
export function writtenDoc(object: ErpnextObject, answer: HttpAnswer): ErpnextRecord | null {
  const data = answer.status === 200 ? dataOf(answer) : undefined;
  return isObject(data) && data.doctype === erpnextObjects[object].docType ? recordOf(data) : null;
}

/** Fields with a meaning of their own to Frappe, and those that other operations or nobody may write. */
const reserved = new Set([
  ...['name', 'doctype', 'docstatus', 'modified', 'modified_by', 'creation', 'owner', 'idx', 'flags', 'amended_from'],
  ...['parent', 'parenttype', 'parentfield', 'cmd', 'data', 'run_method', 'web_form', refField],
]);

/**
 * Fields as they are sent. Frappe reads commands out of a body (`cmd`, `run_method`, `data`) and keeps its own state in it, so
 * that names are identifiers outside of these. Throws `invalid_input`.
 */
export function writable(properties: ErpnextFields, rows: 'rows' | 'no rows'): ErpnextFields {
  if (Object.keys(properties).length === 0) refuse('there is no field to write', 'Name at least one.');
  for (const [name, value] of Object.entries(properties)) {
    if (reserved.has(fieldName(name))) refuse('a field is not one that may be written', 'Leave it out.');
    const isTable = typeof value === 'object' && value !== null;
    if (isTable && rows === 'no rows') refuse('a field of an update is a table', 'Write plain fields only.');
    if (isTable) for (const row of value) for (const field of Object.keys(row)) checkRow(field, row[field]);
  }
  return properties;
}

function checkRow(field: string, value: Json | undefined): void {
  if (reserved.has(fieldName(field))) refuse('a field of a row is not one that may be written', 'Leave it out.');
  if (typeof value === 'object' && value !== null) refuse('a row holds rows', 'Give plain values.');
}

function probeOfCreate(object: ErpnextObject) {
  const fields = [refField, ...erpnextObjects[object].read];
  return {
    request: ({ providerKey }: RequestContext) =>
      readBy(object, { field: refField, operator: '=', value: providerKey }, fields),
    judge: (answer: HttpAnswer, _input: unknown, _before: unknown, providerKey: string): ProbeVerdict => {
      const rows = judgeBy(answer, fields);
      if (!Array.isArray(rows)) return { kind: 'inconclusive', error: rows as ReturnType<typeof readError> };
      const [first, ...others] = rows as readonly ErpnextRecord[];
      if (!first) return { kind: 'absent' };
      return others.length === 0 && first.properties[refField] === providerKey
        ? found(object, first)
        : { kind: 'different', data: rows };
    },
  };
}

function createSpec(context: RequestContext, object: ErpnextObject, properties: ErpnextFields): RequestSpec {
  const json = { ...writable(properties, 'rows'), [refField]: context.providerKey };
  return sendSpec('POST', objectsPath(object), json);
}

function judgeCreate(object: ErpnextObject, answer: HttpAnswer): WriteVerdict {
  if (answer.status !== 200) return writeFailure(answer);
  const record = writtenDoc(object, answer);
  if (!record) return unknownOutcome('unreadable_answer', 'The site answered a create without the document.');
  const shown = [...erpnextObjects[object].read, 'modified'].map(
    (name) => [name, record.properties[name] ?? null] as const,
  );
  const data = { id: record.id, version: record.version, properties: Object.fromEntries(shown), created: true };
  return { kind: 'applied', data, records: [recordRef(object, record.id)], created: true };
}

/**
 * Creates one record, of orders and invoices a draft, that carries the action's key in a unique field, by which a read-back
 * finds it. A refusal as duplicate may be the echo of an earlier attempt of the same action: whoever sends it reads back before
 * believing it. The field must exist: Frappe drops fields it does not know without a word.
 */
export function createOperation(object: ErpnextObject): WriteOperation<CreateInput> {
  return {
    ...writeNamed(object, 'create', 'create'),
    effect: 'create',
    resend: { kind: 'probe', settleMs: leastSettleMs },
    undo: {
      kind: 'operation',
      operation: `erpnext.${erpnextObjects[object].plural}.delete`,
      how: 'Deletes the created record; a document that was submitted since is cancelled first.',
    },
    request: (context, input) => createSpec(context, object, input.properties),
    judge: (answer) => judgeCreate(object, answer),
    probe: probeOfCreate(object),
  };
}

/** Appends a comment, which people see at the foot of the document. Found again like any created record. */
export function commentOperation(): WriteOperation<CommentInput> {
  const properties = ({ on, text }: CommentInput): ErpnextFields => ({
    comment_type: 'Comment',
    reference_doctype: erpnextObjects[on.object].docType,
    reference_name: on.id,
    content: textAsHtml(text),
  });
  return {
    ...writeNamed('comment', 'append', 'create'),
    effect: 'append',
    resend: { kind: 'probe', settleMs: leastSettleMs },
    undo: { kind: 'operation', operation: 'erpnext.comments.delete', how: 'Deletes the comment.' },
    request: (context, input) => createSpec(context, 'comment', properties(input)),
    judge: (answer) => judgeCreate('comment', answer),
    probe: probeOfCreate('comment'),
  };
}

/** Reads the live record before a write, and again to prove it. */
export function beforeOf<I extends { readonly id: string }>(
  object: ErpnextObject,
  written: (input: I) => readonly string[],
) {
  const asked = (input: I) => ({
    id: input.id,
    fields: [...new Set([...written(input), ...erpnextObjects[object].read])],
  });
  return {
    request: (_context: RequestContext, input: I) => readOne(object, asked(input)),
    read: (answer: HttpAnswer, input: I) => judgeOne(object, answer, asked(input)),
    judge: (answer: HttpAnswer, input: I) => {
      const read = judgeOne(object, answer, asked(input));
      if (!isRecord(read)) return { kind: 'error' as const, error: read };
      return { kind: 'ok' as const, data: versionedImage(read, written(input)) };
    },
  };
}

/** Whether a document that says it was written shows what was asked: Frappe leaves out what a role may not change. */
export function judgeUpdate(object: ErpnextObject, record: ErpnextRecord | null, input: UpdateInput): WriteVerdict {
  if (!record || record.id !== input.id) {
    return unknownOutcome('unreadable_answer', 'The site answered an update without the document.');
  }
  if (!shows(record.properties, input.properties)) {
    return unknownOutcome('value_not_taken', 'The site answered the update with other values than were asked for.');
  }
  const data = { id: record.id, version: record.version, properties: input.properties };
  return { kind: 'applied', data, records: [recordRef(object, record.id)] };
}

/** The body of an update, alone or as an item of a bulk request. */
export function updateBody({ properties, version }: UpdateInput): ErpnextFields {
  return { ...writable(properties, 'no rows'), ...(version === undefined ? {} : { modified: version }) };
}

/**
 * Updates plain fields of one record by name. Settled by comparing the live values with the wanted ones and with the
 * before-image. With `version` a later change of somebody else is a conflict instead of being overwritten.
 */
export function updateOperation(object: ErpnextObject): WriteOperation<UpdateInput> {
  const before = beforeOf<UpdateInput>(object, (input) => Object.keys(input.properties));
  return {
    ...writeNamed(object, 'update', 'write'),
    effect: 'update',
    resend: { kind: 'upsert', settleMs: leastSettleMs },
    undo: {
      kind: 'operation',
      operation: `erpnext.${erpnextObjects[object].plural}.update`,
      how: 'Writes the values of the before-image again, unless the record was changed since.',
    },
    request: (_context, input) => sendSpec('PUT', recordPath(object, input.id), updateBody(input)),
    judge: (answer, input) =>
      answer.status === 200 ? judgeUpdate(object, writtenDoc(object, answer), input) : writeFailure(answer),
    before: { request: before.request, judge: before.judge },
    probe: {
      request: before.request,
      judge: (answer, input, stored) => {
        const read = before.read(answer, input);
        if (!isRecord(read)) return { kind: 'inconclusive', error: read };
        if (shows(read.properties, input.properties)) return found(object, read);
        return asBeforeOrElse(read, stored, shows);
      },
    },
  };
}

/** Deletes one record by name. Of submitted documents ERPNext refuses it: they are cancelled. */
export function deleteOperation(object: ErpnextObject): WriteOperation<DeleteInput> {
  const gone = (id: string) => ({ data: { id, deleted: true }, records: [recordRef(object, id)] });
  // Only the document itself says that it is not there; a list also leaves out what this user may not see.
  const whole = (_context: RequestContext, { id }: DeleteInput): RequestSpec => ({
    ...{ method: 'GET', path: recordPath(object, id), timeoutMs: requestTimeoutMs },
  });
  const docIn = (answer: HttpAnswer) => (answer.status === 200 ? recordOf(dataOf(answer)) : null);
  return {
    ...writeNamed(object, 'delete', 'delete'),
    effect: 'delete',
    resend: { kind: 'upsert', settleMs: leastSettleMs },
    undo: { kind: 'none', why: 'A deleted document is restored by hand, from the Deleted Documents of the site.' },
    request: (_context, { id }) => ({ ...whole(_context, { id }), method: 'DELETE' }),
    judge: (answer, { id }) => {
      const said = bodyOf(answer);
      const done = answer.status === 202 && (said?.message === 'ok' || said?.data === 'ok');
      return done ? { kind: 'applied', ...gone(id) } : writeFailure(answer);
    },
    before: {
      request: whole,
      judge: (answer) => {
        const record = docIn(answer);
        if (record) return { kind: 'ok', data: versionedImage(record, []) };
        return { kind: 'error', error: answer.status === 200 ? unreadable('a document') : readError(answer) };
      },
    },
    probe: {
      request: whole,
      judge: (answer, { id }) => {
        if (docIn(answer)) return { kind: 'before' };
        const { error, notApplied } = erpnextFailure(answer);
        return notApplied && error.code === 'DoesNotExistError'
          ? { kind: 'equal', ...gone(id) }
          : { kind: 'inconclusive', error: answer.status === 200 ? unreadable('a document') : readError(answer) };
      },
    },
  };
}
