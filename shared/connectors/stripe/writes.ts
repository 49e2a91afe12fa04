import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type {
  HttpAnswer,
  ProbeVerdict,
  RequestContext,
  ResendClass,
  Undo,
  WriteEffect,
  WriteOperation,
  WriteVerdict,
} from '../../model/operation.ts';
import { asBeforeOrElse, beforeImage } from '../before-image.ts';
import { bodyOf } from '../json-body.ts';
import {
  getSpec,
  objectPath,
  operationName,
  permission,
  postSpec,
  recordOf,
  recordRef,
  refName,
  type StripeObject,
  type StripeProperties,
  type StripeRecord,
} from './client.ts';
import { shows, updateParams } from './compare.ts';
import { stripeFailure } from './errors.ts';
import { isRecord, listParams, readError, readRecord, unreadable } from './reads.ts';

/**
 * The least time after which a read-back may count absence, milliseconds: longer than Stripe works on one request. The
 * operator's `settle` of the system raises it.
 */
export const leastSettleMs = 90_000;

/** Stripe keeps keys for at least 24 hours; the hour less is for requests that were slow to arrive. */
const keyWindowMs = 23 * 3_600_000;

/** Creation times are Stripe's: a read-back looks this much earlier than our own clock, seconds. */
const clockSlackS = 300;

/** Stripe answers a repeat under our key with what the first was answered. */
const byKey: ResendClass = { kind: 'key', windowMs: keyWindowMs, settleMs: leastSettleMs };

export type CreateInput = {
  readonly properties: JsonObject;
  /** When the action was asked for, milliseconds since the epoch: no record of ours is older. Not sent. */
  readonly askedAtMs: number;
};
export type UpdateInput = { readonly id: string; readonly properties: StripeProperties };
export type DeleteInput = { readonly id: string };

/** Id, connector and permission of one write. */
export function writeNamed(object: StripeObject, verb: string) {
  return {
    kind: 'write' as const,
    id: `stripe.${operationName(object)}.${verb}`,
    connector: 'stripe',
    scopes: [permission(object, 'write')],
  };
}

/** The verdict of an answer that is not the expected success. Unknown unless it proves that nothing was written. */
export function writeFailure(answer: HttpAnswer): WriteVerdict {
  const { error, notApplied, stored } = stripeFailure(answer);
  const kept = stored ? { stored } : {};
  return notApplied
    ? { kind: 'not_applied', error, ...kept }
    : { kind: 'unknown', error: { ...error, class: 'unknown_outcome' }, ...kept };
}

/** A success, with the record it names; one that cannot be read, or is about another record, is unknown. */
export function writeSuccess(object: StripeObject, answer: HttpAnswer, id: string | null): WriteVerdict {
  if (answer.status !== 200) return writeFailure(answer);
  const record = recordOf(object, bodyOf(answer) ?? undefined);
  if (!record || (id !== null && record.id !== id)) {
    return { kind: 'unknown', error: { ...unreadable(`the ${object} that was written`), class: 'unknown_outcome' } };
  }
  return {
    kind: 'applied',
    data: record,
    records: [recordRef(object, record.id)],
    ...(id === null ? { created: true } : {}),
  };
}

/** A read-back that could not be judged. */
export function inconclusive(answer: HttpAnswer, what: string): ProbeVerdict {
  const verdict = readError(answer);
  const error = answer.status !== 200 && verdict.kind === 'error' ? verdict.error : unreadable(what);
  return { kind: 'inconclusive', error };
}

/** A read-back that found our effect. */
export function found(object: StripeObject, record: StripeRecord): ProbeVerdict {
  return { kind: 'equal', data: record, records: [recordRef(object, record.id)] };
}

/** Reads the live record before a write, and again to prove it. */
export function beforeOf<I extends { readonly id: string }>(
  object: StripeObject,
  written: (input: I) => readonly string[],
) {
  return {
    request: (context: RequestContext, input: I) => getSpec(context, objectPath(object, input.id)),
    judge: (answer: HttpAnswer, input: I) => {
      const read = readRecord(object, answer);
      if (!isRecord(read)) return { kind: 'error' as const, error: read };
      return { kind: 'ok' as const, data: beforeImage(read, written(input)) };
    },
  };
}

/** How the creates of one object differ: what they do, how they are undone, and which filter narrows the read-back. */
export type CreateFacts = {
  readonly effect: WriteEffect;
  readonly undo: Undo;
  /** Names of parameters that the list of this object takes as filters. */
  readonly lookBy: readonly string[];
  /** Parameters that are always sent as they stand here. */
  readonly fixed?: JsonObject;
};

function createParams(properties: JsonObject, providerKey: string, fixed: JsonObject): JsonObject {
  const metadata = isObject(properties.metadata) ? properties.metadata : {};
  return { ...properties, ...fixed, metadata: { ...metadata, [refName]: providerKey } };
}

/**
 * Looks for our key among the records created since the action was asked for. The list shows what was just written; where it
 * has more than one page, a record that is not on the first proves nothing. Records of customers on a test clock carry that
 * clock's times and may be missed.
 */
function probeOfCreate(object: StripeObject, lookBy: readonly string[]) {
  return {
    request: (context: RequestContext, input: CreateInput) => {
      const filter = Object.fromEntries(Object.entries(input.properties).filter(([name]) => lookBy.includes(name)));
      const createdFromS = Math.floor(input.askedAtMs / 1000) - clockSlackS;
      return getSpec(context, objectPath(object), listParams({ filter, createdFromS }));
    },
    judge: (answer: HttpAnswer, _input: Json, _before: Json | null, providerKey: string): ProbeVerdict => {
      const body = answer.status === 200 ? bodyOf(answer) : null;
      if (!body || !Array.isArray(body.data)) return inconclusive(answer, 'a page');
      const records = (body.data as readonly Json[]).map((row) => recordOf(object, row));
      const ours = records.find((record) => record?.properties[`metadata.${refName}`] === providerKey);
      if (ours) return found(object, ours);
      return records.includes(null) || body.has_more !== false
        ? inconclusive(answer, 'one complete page')
        : { kind: 'absent' };
    },
  };
}

/** Creates one record under the action's key, which also stands in its metadata for the time after Stripe forgot the key. */
export function createOperation(object: StripeObject, facts: CreateFacts): WriteOperation<CreateInput> {
  const { effect, undo, lookBy, fixed = {} } = facts;
  return {
    ...writeNamed(object, 'create'),
    effect,
    resend: byKey,
    undo,
    request: (context, input) =>
      postSpec(context, objectPath(object), createParams(input.properties, context.providerKey, fixed)),
    judge: (answer) => writeSuccess(object, answer, null),
    probe: probeOfCreate(object, lookBy),
  };
}

/** Updates one record by id. After Stripe forgot the key it is settled by comparing the live values. */
export function updateOperation(object: StripeObject): WriteOperation<UpdateInput> {
  const before = beforeOf<UpdateInput>(object, (input) => Object.keys(input.properties));
  return {
    ...writeNamed(object, 'update'),
    effect: 'update',
    resend: byKey,
    undo: {
      kind: 'operation',
      operation: `stripe.${operationName(object)}.update`,
      how: 'Writes the values of the before-image again.',
    },
    request: (context, input) =>
      postSpec(context, objectPath(object, input.id), updateParams(object, input.properties)),
    judge: (answer, input) => writeSuccess(object, answer, input.id),
    before,
    probe: {
      request: before.request,
      judge: (answer, input, stored) => {
        const read = readRecord(object, answer);
        if (!isRecord(read)) return goneOr(read.class === 'not_found', answer, object);
        if (shows(read.properties, input.properties)) return found(object, read);
        return asBeforeOrElse(read, stored, shows);
      },
    },
  };
}

function goneOr(gone: boolean, answer: HttpAnswer, object: StripeObject): ProbeVerdict {
  return gone ? { kind: 'different', data: null } : inconclusive(answer, `a ${object}`);
}

/** Deletes one record by id. Stripe takes no key for it: a second delete finds nothing to do. */
export function deleteOperation(object: StripeObject, why: string): WriteOperation<DeleteInput> {
  const before = beforeOf<DeleteInput>(object, () => []);
  return {
    ...writeNamed(object, 'delete'),
    effect: 'delete',
    resend: { kind: 'upsert', settleMs: leastSettleMs },
    undo: { kind: 'none', why },
    request: (context, input) => ({
      method: 'DELETE',
      path: objectPath(object, input.id),
      headers: { 'stripe-version': context.apiVersion },
    }),
    judge: (answer, input) => {
      const record = answer.status === 200 ? recordOf(object, bodyOf(answer) ?? undefined) : null;
      return record?.deleted && record.id === input.id ? gone(object, input.id) : writeFailure(answer);
    },
    before,
    probe: {
      request: before.request,
      judge: (answer, input) => {
        const read = readRecord(object, answer);
        if (isRecord(read)) return { kind: 'before' };
        if (read.class !== 'not_found') return inconclusive(answer, `a ${object}`);
        const { data, records } = gone(object, input.id);
        return { kind: 'equal', data, records };
      },
    },
  };
}

function gone(object: StripeObject, id: string) {
  return { kind: 'applied' as const, data: { id, deleted: true }, records: [recordRef(object, id)] };
}
