import type { RestRead, RestWrite } from '../../config/rest-schema.ts';
import { fillJson, fillText, namesKey } from '../../config/rest-template.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type {
  HttpAnswer,
  ProbeVerdict,
  ReadVerdict,
  RecordRef,
  ResendClass,
  WriteOperation,
  WriteVerdict,
} from '../../model/operation.ts';
import { bodyOf, inputOf, type RestInput, type RestSystem, requestOf, valueAt } from './client.ts';
import { restFailure, succeeded } from './errors.ts';
import { isRecord, operationId, type RestRecord, readRecord, readRequest, readRows } from './reads.ts';

/** A write of the description as an operation. */
export function writeOperation(system: RestSystem, name: string, write: RestWrite): WriteOperation {
  const compared = comparedRead(system, write);
  return {
    kind: 'write',
    id: operationId(system.name, name),
    connector: 'rest',
    effect: write.effect,
    scopes: [],
    resend: resendOf(system, write),
    undo:
      'none' in write.undo
        ? { kind: 'none', why: write.undo.none }
        : { kind: 'operation', operation: operationId(system.name, write.undo.operation), how: write.undo.how },
    request: (context, input) => {
      const { method, path, query, body, form } = write;
      // What judges the answer needs these: an input that is missing must be told before anything is sent.
      namedId(write, inputOf(input));
      writtenOf(write, inputOf(input));
      const key = 'header' in write.resend ? { [write.resend.header]: context.providerKey } : {};
      return requestOf(system, { method, path, query, body, form, headers: key }, context, inputOf(input));
    },
    judge: (answer, input) => judgeWrite(system, write, answer, inputOf(input)),
    ...(compared ? { before: beforeOf(system, write, compared) } : {}),
    ...probeOf(system, write, compared),
  };
}

/** Absence counts only after the system cannot be at work on the request any more; `settle` of the system raises it. */
function resendOf({ rest }: RestSystem, { resend }: RestWrite): ResendClass {
  const settleMs = Math.max(60_000, 2000 * rest.timeout);
  if ('none' in resend) return { kind: 'none' };
  if ('lookup' in resend) return { kind: 'probe', settleMs };
  // The least hour less is for requests that were slow to arrive.
  if ('header' in resend) return { kind: 'key', windowMs: resend.hours * 3_600_000 * 0.95, settleMs };
  return { kind: 'upsert', settleMs };
}

/** The id of the record where the inputs name it; null where the answer does. */
function namedId({ id }: RestWrite, { properties }: RestInput): string | null {
  return id.includes('{') ? (fillText(id, { input: properties, key: '' }) ?? '') : null;
}

function refOf(system: RestSystem, write: RestWrite, id: string): RecordRef {
  return [system.name, write.object, id];
}

/** What a write answers: a success with the record it names, a proven refusal, or unknown. */
function judgeWrite(system: RestSystem, write: RestWrite, answer: HttpAnswer, input: RestInput): WriteVerdict {
  if (!succeeded(system.rest, write, answer)) {
    const { error, notApplied } = restFailure(system.rest, answer);
    return notApplied
      ? { kind: 'not_applied', error }
      : { kind: 'unknown', error: { ...error, class: 'unknown_outcome' } };
  }
  const body = bodyOf(answer);
  // A page that says 200 may be of something in between; that nothing is said at all is an answer of many systems.
  if (body === undefined && answer.bodyText.trim() !== '') return unreadable('The answer to a write is no JSON.');
  const record = valueAt(body, write.record);
  const id = namedId(write, input) ?? valueAt(record, write.id);
  if ((typeof id !== 'string' && typeof id !== 'number') || id === '') {
    return unreadable(`The answer names no ${write.object} where the description says.`);
  }
  // A field that is not answered is left out, so that it does not read as empty.
  const told = Object.fromEntries(
    write.returns.flatMap((field) => {
      const value = valueAt(record, field);
      return value === undefined ? [] : [[field, value] as const];
    }),
  );
  const data = { id: String(id), properties: { ...writtenOf(write, input), ...told } };
  const created = write.effect === 'create' ? { created: true } : {};
  return { kind: 'applied', data, records: [refOf(system, write, String(id))], ...created };
}

function unreadable(message: string): WriteVerdict {
  return { kind: 'unknown', error: { class: 'unknown_outcome', code: 'unreadable_answer', message } };
}

/** The fields that a write sets, as the read that compares them shows them. */
function writtenOf(write: RestWrite, { properties }: RestInput): JsonObject {
  const values = { input: properties, key: '' };
  return Object.fromEntries(
    Object.entries(write.writes).flatMap(([field, template]) => {
      const value = typeof template === 'string' ? fillJson(template, values) : template;
      return value === undefined ? [] : [[field, value] as const];
    }),
  );
}

/** The read of the one record that a write is about, where the description names one. */
function comparedRead({ rest }: RestSystem, { resend }: RestWrite): RestRead | null {
  const name = 'readBack' in resend ? resend.readBack : 'gone' in resend ? resend.gone : null;
  const read = name === null ? undefined : rest.operations[name];
  return read?.kind === 'read' ? read : null;
}

/** Reads the record before the write: gates are judged on it, and undo and read-back compare with what was there. */
function beforeOf(system: RestSystem, write: RestWrite, read: RestRead): NonNullable<WriteOperation['before']> {
  return {
    request: (context, input) => readRequest(system, read, context, inputOf(input)),
    judge: (answer, input): ReadVerdict => {
      const record = readRecord(system, read, answer);
      if (!isRecord(record)) return { kind: 'error', error: record };
      const names = Object.keys(writtenOf(write, inputOf(input)));
      const written = Object.fromEntries(names.map((name) => [name, record.properties[name] ?? null]));
      return { kind: 'ok', data: { id: record.id, written, live: record.properties } };
    },
  };
}

function probeOf(system: RestSystem, write: RestWrite, compared: RestRead | null): Pick<WriteOperation, 'probe'> {
  const { resend } = write;
  if (compared && 'readBack' in resend) return { probe: comparison(system, write, compared) };
  if (compared && 'gone' in resend) return { probe: disappearance(system, write, compared) };
  const read = 'lookup' in resend ? system.rest.operations[resend.lookup] : undefined;
  return read?.kind === 'read' && 'lookup' in resend ? { probe: lookup(system, write, { read, by: resend.by }) } : {};
}

type Probe = NonNullable<WriteOperation['probe']>;

function found(system: RestSystem, write: RestWrite, record: RestRecord): ProbeVerdict {
  return { kind: 'equal', data: record, records: [refOf(system, write, record.id)] };
}

/**
 * Looks for the record that carries our key. Found once: it is ours, whoever else writes there at the same time. Found under
 * two ids: the system made two of one request, which a person has to see. Only a list that is all there is proves absence.
 */
function lookup(system: RestSystem, write: RestWrite, { read, by }: { read: RestRead; by: string }): Probe {
  return {
    request: (context, input) => readRequest(system, read, context, inputOf(input)),
    judge: (answer, _input, _before, providerKey): ProbeVerdict => {
      const rows = readRows(system, read, answer);
      if (!Array.isArray(rows)) return { kind: 'inconclusive', error: rows as ReturnType<typeof restFailure>['error'] };
      const ours = (rows as readonly RestRecord[]).filter(({ properties }) => String(properties[by]) === providerKey);
      const ids = new Set(ours.map(({ id }) => id));
      const [first] = ours;
      if (first && ids.size === 1) return found(system, write, first);
      if (first) return { kind: 'different', data: { results: ours } };
      return isWhole(read, rows.length) ? { kind: 'absent' } : { kind: 'inconclusive', error: incomplete };
    },
  };
}

const incomplete = {
  class: 'transient',
  code: 'incomplete_list',
  message: 'The list that was looked through may not be all of it.',
} as const;

/**
 * Whether one answer held everything. A list that was asked for our key and holds others was not narrowed by it: then what is
 * not in it proves nothing.
 */
function isWhole({ paging, query, body }: RestRead, rows: number): boolean {
  return rows === 0 || (paging.kind === 'none' && !namesKey({ query, body: body ?? null }));
}

/** Reads the record and compares what is written: there, still as before, or something else. */
function comparison(system: RestSystem, write: RestWrite, read: RestRead): Probe {
  return {
    request: (context, input) => readRequest(system, read, context, inputOf(input)),
    judge: (answer, input, before): ProbeVerdict => {
      const record = readRecord(system, read, answer);
      if (!isRecord(record)) {
        return record.class === 'not_found'
          ? { kind: 'different', data: null }
          : { kind: 'inconclusive', error: record };
      }
      if (shows(record.properties, writtenOf(write, inputOf(input)))) return found(system, write, record);
      const was = isObject(before ?? undefined) ? (before as JsonObject).written : undefined;
      return isObject(was) && shows(record.properties, was) ? { kind: 'before' } : { kind: 'different', data: record };
    },
  };
}

/** Reads the record: gone is done. */
function disappearance(system: RestSystem, write: RestWrite, read: RestRead): Probe {
  return {
    request: (context, input) => readRequest(system, read, context, inputOf(input)),
    judge: (answer, input): ProbeVerdict => {
      const record = readRecord(system, read, answer);
      if (isRecord(record)) return { kind: 'before' };
      if (record.class !== 'not_found') return { kind: 'inconclusive', error: record };
      const id = namedId(write, inputOf(input)) ?? '';
      return { kind: 'equal', data: { id, deleted: true }, records: id === '' ? [] : [refOf(system, write, id)] };
    },
  };
}

/** Whether a record shows all the wanted values; numbers and text that say the same are the same, nothing is as empty text. */
function shows(live: JsonObject, wanted: JsonObject): boolean {
  const plain = (value: Json | undefined) =>
    value === null || value === undefined
      ? ''
      : typeof value === 'object'
        ? JSON.stringify(value)
        : String(value).normalize('NFC');
  return Object.entries(wanted).every(([field, value]) => plain(live[field]) === plain(value));
}
