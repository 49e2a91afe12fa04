import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { HttpAnswer, ProbeVerdict, ReadVerdict, WriteOperation, WriteVerdict } from '../../model/operation.ts';
import { type BeforeImage, beforeImage, beforeImageOf } from '../before-image.ts';
import { bodyOf } from '../json-body.ts';
import { unknownOutcome } from '../write-verdict.ts';
import {
  type HubspotObject,
  type HubspotProperties,
  type HubspotRecord,
  hubspotObjects,
  objectsPath,
  recordOf,
  recordRef,
} from './client.ts';
import { sameValue, shows } from './compare.ts';
import { itemErrors, itemFailure } from './errors.ts';
import { readError, unreadable } from './reads.ts';
import { inconclusive, leastSettleMs, writeFailure, writeNamed, writeTimeoutMs } from './writes.ts';

/** One record of an upsert: the value of the unique property, and what to write. */
export type UpsertItem = { readonly id: string; readonly properties: HubspotProperties };
export type UpsertInput = {
  /** A property that HubSpot keeps unique, such as `email` of contacts. */
  readonly idProperty: string;
  /** 1 to 100 records. */
  readonly inputs: readonly UpsertItem[];
};

type Found = { readonly records: readonly HubspotRecord[]; readonly created: boolean };

function recordsOf(body: JsonObject): Found | null {
  if (!Array.isArray(body.results)) return null;
  const records: HubspotRecord[] = [];
  let created = false;
  for (const entry of body.results as readonly Json[]) {
    const record = recordOf(entry);
    if (!record) return null;
    records.push(record);
    if (isObject(entry) && entry.new === true) created = true;
  }
  return { records, created };
}

function judgeUpsert(object: HubspotObject, answer: HttpAnswer, input: UpsertInput): WriteVerdict {
  if (answer.status !== 200 && answer.status !== 201 && answer.status !== 207) return writeFailure(answer);
  const body = bodyOf(answer);
  const found = body ? recordsOf(body) : null;
  if (!body || !found)
    return unknownOutcome('unreadable_answer', 'HubSpot answered the upsert with unreadable results.');
  const failures = itemErrors(body).map(itemFailure);
  const first = failures[0];
  if (!first && body.status === 'COMPLETE' && found.records.length === input.inputs.length) {
    const { records, created } = found;
    const refs = records.map((record) => recordRef(object, record.id));
    return { kind: 'applied', data: upsertData(records, created), records: refs, created };
  }
  if (first && found.records.length === 0 && failures.every(({ notApplied }) => notApplied)) {
    return { kind: 'not_applied', error: first.error };
  }
  const done = `${found.records.length} of ${input.inputs.length} records were answered as written`;
  return unknownOutcome(first?.error.code ?? 'incomplete_batch', `${done}.`);
}

function upsertData(records: readonly HubspotRecord[], created: boolean): Json {
  const [only, ...others] = records;
  return only && others.length === 0 ? { ...only, created } : { results: records, created };
}

const writtenNames = (input: UpsertInput) => [...new Set(input.inputs.flatMap((item) => Object.keys(item.properties)))];

function readBack(object: HubspotObject, apiVersion: string, input: UpsertInput) {
  const names = new Set([input.idProperty, ...writtenNames(input), ...hubspotObjects[object].read]);
  return {
    method: 'POST' as const,
    path: `${objectsPath(apiVersion, object)}/batch/read`,
    body: {
      json: {
        idProperty: input.idProperty,
        inputs: input.inputs.map(({ id }) => ({ id })),
        properties: [...names],
        propertiesWithHistory: [],
      },
    },
  };
}

/** The records of a batch read by input id; null for one that HubSpot says does not exist; nothing where it is not said. */
function liveByInput(answer: HttpAnswer, input: UpsertInput): Map<string, HubspotRecord | null> | null {
  const body = answer.status === 200 || answer.status === 207 ? bodyOf(answer) : null;
  const found = body ? recordsOf(body) : null;
  if (!body || !found || (body.status ?? 'COMPLETE') !== 'COMPLETE') return null;
  const errors = itemErrors(body).map(itemFailure);
  if (errors.some(({ error }) => error.class !== 'not_found')) return null;
  const out = new Map<string, HubspotRecord | null>();
  for (const { id } of input.inputs) {
    const held = found.records.find((record) => {
      const value = input.idProperty === 'hs_object_id' ? record.id : (record.properties[input.idProperty] ?? null);
      return sameValue(input.idProperty, value, id);
    });
    out.set(id, held ?? null);
  }
  const missing = [...out.values()].filter((record) => record === null).length;
  const accounted = found.records.length === input.inputs.length - missing;
  // A record that was answered under another value than asked for would read as absent.
  return accounted ? out : null;
}

function judgeBefore(answer: HttpAnswer, input: UpsertInput): ReadVerdict {
  const live = liveByInput(answer, input);
  if (!live) {
    const failed = answer.status !== 200 && answer.status !== 207;
    return failed ? readError(answer) : { kind: 'error', error: unreadable('a complete batch read') };
  }
  const images = input.inputs.map(({ id, properties }) => beforeImage(live.get(id) ?? null, Object.keys(properties)));
  const [only, ...others] = images;
  return { kind: 'ok', data: only && others.length === 0 ? only : { items: images } };
}

function storedImages(before: Json | null): readonly (BeforeImage<string> | null)[] {
  if (isObject(before ?? undefined) && Array.isArray((before as JsonObject).items)) {
    return ((before as JsonObject).items as readonly Json[]).map((item) => beforeImageOf(item));
  }
  return [beforeImageOf(before)];
}

function judgeProbe(object: HubspotObject, answer: HttpAnswer, input: UpsertInput, before: Json | null): ProbeVerdict {
  const live = liveByInput(answer, input);
  if (!live) return inconclusive(answer);
  const records = input.inputs.map(({ id }) => live.get(id) ?? null);
  const all = records.filter((record) => record !== null);
  const equal = input.inputs.every((item, i) => shows(records[i]?.properties ?? {}, item.properties) && records[i]);
  if (equal) {
    const images = storedImages(before);
    const created = images.some((image) => image !== null && image.written === null);
    return {
      kind: 'equal',
      data: upsertData(all, created),
      records: all.map((record) => recordRef(object, record.id)),
    };
  }
  const images = storedImages(before);
  const untouched = input.inputs.every((_item, i) => {
    const [image, record] = [images[i] ?? null, records[i] ?? null];
    if (!image) return false;
    return image.written === null ? record === null : record !== null && shows(record.properties, image.written);
  });
  return untouched ? { kind: 'before' } : { kind: 'different', data: { results: all } };
}

/**
 * Creates or updates records by a unique property. All of a batch or nothing counts: a batch that HubSpot carried out in
 * part has an unknown outcome, and its read-back goes to a person unless everything or nothing is there.
 */
export function upsertOperation(object: HubspotObject): WriteOperation<UpsertInput> {
  return {
    ...writeNamed(object, 'upsert'),
    effect: 'update',
    resend: { kind: 'upsert', settleMs: leastSettleMs },
    undo: {
      kind: 'operation',
      operation: `hubspot.${hubspotObjects[object].plural}.update`,
      how: 'Writes the before-image again; a record the upsert created is archived instead.',
    },
    request: ({ apiVersion }, input) => ({
      method: 'POST',
      path: `${objectsPath(apiVersion, object)}/batch/upsert`,
      body: { json: { inputs: input.inputs.map((item) => ({ idProperty: input.idProperty, ...item })) } },
      timeoutMs: writeTimeoutMs,
    }),
    judge: (answer, input) => judgeUpsert(object, answer, input),
    before: {
      request: ({ apiVersion }, input) => readBack(object, apiVersion, input),
      judge: (answer, input) => judgeBefore(answer, input),
    },
    probe: {
      request: ({ apiVersion }, input) => readBack(object, apiVersion, input),
      judge: (answer, input, before) => judgeProbe(object, answer, input, before),
    },
  };
}
