import { path } from '../../http/path.ts';
import type { Json } from '../../model/json.ts';
import type { HttpAnswer, ProbeVerdict, ReadVerdict, WriteOperation, WriteVerdict } from '../../model/operation.ts';
import { asBeforeOrElse, beforeImage } from '../before-image.ts';
import { textAsHtml } from '../html.ts';
import { bodyOf } from '../json-body.ts';
import { failedWrite } from '../write-verdict.ts';
import {
  associationTypeId,
  type HubspotObject,
  type HubspotProperties,
  type HubspotRecord,
  hubspotObjects,
  objectsPath,
  readOne,
  recordOf,
  recordRef,
  refProperty,
} from './client.ts';
import { shows } from './compare.ts';
import { hubspotFailure } from './errors.ts';
import { missingProperty, readError, unreadable } from './reads.ts';

/** How long one request to HubSpot may take, milliseconds. */
export const writeTimeoutMs = 15_000;

/**
 * The least time after which a read-back may count absence, milliseconds: twice what a request may take. The operator's
 * `settle` of the system raises it.
 */
export const leastSettleMs = 30_000;

export type Linked = { readonly object: HubspotObject; readonly id: string };
export type CreateInput = { readonly properties: HubspotProperties; readonly associations?: readonly Linked[] };
export type UpdateInput = { readonly id: string; readonly properties: HubspotProperties };
export type ArchiveInput = { readonly id: string };
export type NoteInput = {
  /** Plain text; it is escaped, since HubSpot shows notes as HTML. */
  readonly text: string;
  readonly on: readonly Linked[];
  /** When it was said, milliseconds since the epoch. */
  readonly atMs: number;
};

/** Id, connector, effect and scopes of one write. */
export function writeNamed(object: HubspotObject, verb: string) {
  const plural = hubspotObjects[object].plural;
  return {
    kind: 'write' as const,
    id: `hubspot.${plural}.${verb}`,
    connector: 'hubspot',
    scopes: object === 'note' ? ['crm.objects.contacts.write'] : [`crm.objects.${plural}.write`],
  };
}

/** The verdict of an answer that is not the expected success. Unknown unless it proves that nothing was written. */
export function writeFailure(answer: HttpAnswer): WriteVerdict {
  return failedWrite(hubspotFailure(answer));
}

/** Whether an answer to a direct read says that the record does not exist. */
export function saysAbsent(answer: HttpAnswer): boolean {
  return answer.status === 404 && hubspotFailure(answer).error.class === 'not_found';
}

/** A read-back that could not be judged. */
export function inconclusive(answer: HttpAnswer): ProbeVerdict {
  const verdict = readError(answer);
  const error = answer.status !== 200 && verdict.kind === 'error' ? verdict.error : unreadable('a record');
  return { kind: 'inconclusive', error };
}

function found(object: HubspotObject, record: HubspotRecord): ProbeVerdict {
  return { kind: 'equal', data: record, records: [recordRef(object, record.id)] };
}

/** One record in an answer with this status, else null. */
export function recordIn(answer: HttpAnswer, status: number): HubspotRecord | null {
  const body = answer.status === status ? bodyOf(answer) : null;
  return body ? recordOf(body) : null;
}

function probeOfCreate(object: HubspotObject) {
  return {
    request: ({ apiVersion, providerKey }: { apiVersion: string; providerKey: string }) =>
      readOne(apiVersion, object, {
        id: providerKey,
        idProperty: refProperty,
        properties: [refProperty, ...hubspotObjects[object].read],
      }),
    judge: (answer: HttpAnswer, _input: Json, _before: Json | null, providerKey: string): ProbeVerdict => {
      const record = recordIn(answer, 200);
      if (record) {
        return record.properties[refProperty] === providerKey
          ? found(object, record)
          : { kind: 'different', data: record };
      }
      return saysAbsent(answer) ? { kind: 'absent' } : inconclusive(answer);
    },
  };
}

function judgeCreate(object: HubspotObject, answer: HttpAnswer): WriteVerdict {
  const record = recordIn(answer, 201) ?? recordIn(answer, 200);
  if (record) {
    return { kind: 'applied', data: record, records: [recordRef(object, record.id)], created: true };
  }
  return writeFailure(answer);
}

function createBody(object: HubspotObject, providerKey: string, input: CreateInput): Json {
  return {
    properties: { ...input.properties, [refProperty]: providerKey },
    associations: (input.associations ?? []).map((link) => ({
      to: { id: link.id },
      types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: associationTypeId(object, link.object) }],
    })),
  };
}

/**
 * Creates one record that carries the action's key in a unique property, by which a read-back finds it. A refusal as
 * duplicate may be the echo of an earlier attempt of the same action: whoever sends it reads back before believing it.
 */
export function createOperation(object: HubspotObject): WriteOperation<CreateInput> {
  return {
    ...writeNamed(object, 'create'),
    effect: 'create',
    resend: { kind: 'probe', settleMs: leastSettleMs },
    undo: {
      kind: 'operation',
      operation: `hubspot.${hubspotObjects[object].plural}.archive`,
      how: 'Archives the created record.',
    },
    request: ({ apiVersion, providerKey }, input) => ({
      method: 'POST',
      path: objectsPath(apiVersion, object),
      body: { json: createBody(object, providerKey, input) },
      timeoutMs: writeTimeoutMs,
    }),
    judge: (answer) => judgeCreate(object, answer),
    probe: probeOfCreate(object),
  };
}

/** Appends a note to records: a note created together with its associations, found again like any created record. */
export function appendNoteOperation(): WriteOperation<NoteInput> {
  const create = createOperation('note');
  const asCreate = (input: NoteInput): CreateInput => ({
    properties: { hs_note_body: textAsHtml(input.text), hs_timestamp: new Date(input.atMs).toISOString() },
    associations: input.on,
  });
  return {
    ...writeNamed('note', 'append'),
    effect: 'append',
    resend: create.resend,
    undo: { kind: 'operation', operation: 'hubspot.notes.archive', how: 'Archives the note.' },
    request: (context, input) => create.request(context, asCreate(input)),
    judge: (answer) => judgeCreate('note', answer),
    probe: probeOfCreate('note'),
  };
}

/** Reads the live record before a write: the written properties, and those that gates and scopes look at. */
function beforeOf<I extends Json>(object: HubspotObject, written: (input: I) => readonly string[]) {
  return {
    request: ({ apiVersion }: { apiVersion: string }, input: I & { readonly id: string }) =>
      readOne(apiVersion, object, {
        id: input.id,
        properties: [...new Set([...written(input), ...hubspotObjects[object].read])],
      }),
    judge: (answer: HttpAnswer, input: I): ReadVerdict => {
      const record = recordIn(answer, 200);
      if (!record) return answer.status === 200 ? { kind: 'error', error: unreadable('a record') } : readError(answer);
      const error = missingProperty(record, written(input));
      return error ? { kind: 'error', error } : { kind: 'ok', data: beforeImage(record, written(input)) };
    },
  };
}

/** Updates one record by id. Settled by comparing the live values with the wanted ones and with the before-image. */
export function updateOperation(object: HubspotObject): WriteOperation<UpdateInput> {
  const before = beforeOf<UpdateInput>(object, (input) => Object.keys(input.properties));
  return {
    ...writeNamed(object, 'update'),
    effect: 'update',
    resend: { kind: 'upsert', settleMs: leastSettleMs },
    undo: {
      kind: 'operation',
      operation: `hubspot.${hubspotObjects[object].plural}.update`,
      how: 'Writes the values of the before-image again.',
    },
    request: ({ apiVersion }, input) => ({
      method: 'PATCH',
      path: objectsPath(apiVersion, object) + path`/${input.id}`,
      body: { json: { properties: input.properties } },
      timeoutMs: writeTimeoutMs,
    }),
    judge: (answer) => {
      const record = recordIn(answer, 200);
      return record ? { kind: 'applied', data: record, records: [recordRef(object, record.id)] } : writeFailure(answer);
    },
    before,
    probe: {
      request: before.request,
      judge: (answer, input, stored) => {
        const record = recordIn(answer, 200);
        if (!record) return saysAbsent(answer) ? { kind: 'different', data: null } : inconclusive(answer);
        if (shows(record.properties, input.properties)) return found(object, record);
        return asBeforeOrElse(record, stored, shows);
      },
    },
  };
}

/** Archives one record by id: it leaves every list; a person can restore it in HubSpot for 90 days. */
export function archiveOperation(object: HubspotObject): WriteOperation<ArchiveInput> {
  const before = beforeOf<ArchiveInput>(object, () => []);
  return {
    ...writeNamed(object, 'archive'),
    effect: 'delete',
    resend: { kind: 'upsert', settleMs: leastSettleMs },
    undo: { kind: 'none', why: 'HubSpot restores archived records only by hand, in its recycle bin.' },
    request: ({ apiVersion }, input) => ({
      method: 'DELETE',
      path: objectsPath(apiVersion, object) + path`/${input.id}`,
      timeoutMs: writeTimeoutMs,
    }),
    judge: (answer, input) =>
      answer.status === 204
        ? { kind: 'applied', data: { id: input.id, archived: true }, records: [recordRef(object, input.id)] }
        : writeFailure(answer),
    before,
    probe: {
      request: before.request,
      judge: (answer, input) => {
        if (saysAbsent(answer) || recordIn(answer, 200)?.archived) {
          return { kind: 'equal', data: { id: input.id, archived: true }, records: [recordRef(object, input.id)] };
        }
        return recordIn(answer, 200) ? { kind: 'before' } : inconclusive(answer);
      },
    },
  };
}
