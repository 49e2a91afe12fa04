import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type {
  BatchForm,
  BatchItem,
  BatchVerdict,
  HttpAnswer,
  RequestContext,
  WriteOperation,
  WriteVerdict,
} from '../../model/operation.ts';
import { bodyOf } from '../json-body.ts';
import { failedWrite, unknownOutcome } from '../write-verdict.ts';
import { type HubspotObject, type HubspotRecord, objectsPath, recordOf, recordRef, refProperty } from './client.ts';
import { sameValue } from './compare.ts';
import { itemErrors, itemFailure } from './errors.ts';
import type { UpsertInput } from './upsert.ts';
import { type CreateInput, type NoteInput, type UpdateInput, writeFailure, writeTimeoutMs } from './writes.ts';

/** The most records one batch request takes. */
const maxItems = 100;

/** One record of an answer, with the reference and the flag that HubSpot puts beside it. */
type Row = { readonly record: HubspotRecord; readonly trace: Json; readonly isNew: boolean };

/** What one batch endpoint of an object has of its own. */
type Form<I extends Json> = Pick<BatchForm<I>, 'group' | 'same'> & {
  readonly verb: 'create' | 'update' | 'upsert';
  /** The item as its single operation sends it. */
  readonly part: (context: RequestContext, input: I) => JsonObject;
  /** Whether a record that carries no reference can only be this item's. */
  readonly isAbout: (record: HubspotRecord, item: BatchItem<I>) => boolean;
  readonly data: (row: Row) => { readonly data: Json; readonly created?: boolean };
};

/**
 * A batch endpoint, judged by the `objectWriteTraceId` of each item, which is its action's key. An item that is answered neither
 * as written nor as refused, or as both, is unknown. HubSpot documents verdicts for each item of creates only: an update or upsert
 * that it refuses as a whole is sent again in halves.
 * @see https://developers.hubspot.com/docs/api-reference/error-handling
 */
function batchForm<I extends Json>(object: HubspotObject, form: Form<I>): BatchForm<I> {
  const { verb, part, group, same } = form;
  return {
    maxItems,
    mode: 'each',
    keyed: 'item',
    group,
    ...(same ? { same } : {}),
    request: ({ apiVersion }, items) => ({
      method: 'POST',
      path: `${objectsPath(apiVersion, object)}/batch/${verb}`,
      body: {
        json: {
          inputs: items.map(({ providerKey, input }) => ({
            ...part({ apiVersion, providerKey }, input),
            objectWriteTraceId: providerKey,
          })),
        },
      },
      timeoutMs: writeTimeoutMs,
    }),
    judge: (answer, items) => judge(object, form, answer, items),
  };
}

function judge<I extends Json>(
  object: HubspotObject,
  form: Form<I>,
  answer: HttpAnswer,
  items: readonly BatchItem<I>[],
): BatchVerdict {
  const body = [200, 201, 207].includes(answer.status) ? bodyOf(answer) : null;
  const rows = body && Array.isArray(body.results) ? (body.results as readonly Json[]).map(rowOf) : null;
  if (!body || !rows) return { kind: 'whole', verdict: failed(answer) };
  const errors = itemErrors(body);
  const verdicts = items.map((item): WriteVerdict => {
    const mine = rows.filter((row) => row && isOf(form, row, item));
    const refusals = errors.filter((error) => names(error, item));
    const [row, ...more] = mine;
    const [refusal] = refusals;
    if (row && more.length === 0 && !refusal) return applied(object, form, row);
    if (!row && refusal) {
      return failedWrite(itemFailure(refusal));
    }
    return unknownOutcome('incomplete_batch', 'HubSpot did not answer one result for this record.');
  });
  return { kind: 'items', verdicts: onceEach(verdicts) };
}

function failed(answer: HttpAnswer): Exclude<WriteVerdict, { readonly kind: 'applied' }> {
  const verdict = writeFailure(answer);
  return verdict.kind === 'applied' ? { kind: 'unknown', error: unreadable } : verdict;
}

const unreadable = {
  class: 'unknown_outcome',
  code: 'unreadable_answer',
  message: 'HubSpot answered the batch with unreadable results.',
} as const;

/** One record is the result of one item: said of two, it is believed of none. */
function onceEach(verdicts: readonly WriteVerdict[]): readonly WriteVerdict[] {
  const idOf = (verdict: WriteVerdict) => (verdict.kind === 'applied' ? verdict.records[0]?.[2] : undefined);
  const ids = verdicts.map(idOf);
  return verdicts.map((verdict, at) => {
    const twice = ids[at] !== undefined && ids.indexOf(ids[at]) !== ids.lastIndexOf(ids[at]);
    return twice ? unknownOutcome('incomplete_batch', 'HubSpot answered one record for two items.') : verdict;
  });
}

function rowOf(value: Json): Row | null {
  const record = recordOf(value);
  if (!record || !isObject(value)) return null;
  return { record, trace: value.objectWriteTraceId ?? null, isNew: value.new === true };
}

function isOf<I extends Json>(form: Form<I>, { record, trace }: Row, item: BatchItem<I>): boolean {
  return trace === null ? form.isAbout(record, item) : trace === item.providerKey;
}

function names(error: JsonObject, { providerKey, input }: BatchItem): boolean {
  const context = isObject(error.context) ? error.context : {};
  const said = (value: Json | undefined) => (Array.isArray(value) ? (value as readonly Json[]) : [value]);
  if (context.objectWriteTraceId !== undefined) return said(context.objectWriteTraceId).includes(providerKey);
  return isObject(input) && typeof input.id === 'string' && said(context.ids).includes(input.id);
}

function applied<I extends Json>(object: HubspotObject, form: Form<I>, row: Row): WriteVerdict {
  return { kind: 'applied', records: [recordRef(object, row.record.id)], ...form.data(row) };
}

/** The JSON that a single operation would send for one item. */
function bodyIn<I extends Json>(operation: WriteOperation<I>, context: RequestContext, input: I): JsonObject {
  const { body } = operation.request(context, input);
  return body && 'json' in body && isObject(body.json) ? body.json : {};
}

/** A create, of records or notes, together with up to 99 others of the same object; each with its own value for read-back. */
export function withCreateBatch<I extends CreateInput | NoteInput>(
  object: HubspotObject,
  operation: WriteOperation<I>,
): WriteOperation<I> {
  const batch = batchForm<I>(object, {
    verb: 'create',
    group: () => '',
    part: (context, input) => bodyIn(operation, context, input),
    isAbout: (record, { providerKey }) => record.properties[refProperty] === providerKey,
    data: ({ record }) => ({ data: record, created: true }),
  });
  return { ...operation, batch };
}

/** An update by id together with up to 99 others of the same object. */
export function withUpdateBatch(
  object: HubspotObject,
  operation: WriteOperation<UpdateInput>,
): WriteOperation<UpdateInput> {
  const batch = batchForm<UpdateInput>(object, {
    verb: 'update',
    group: () => '',
    same: ({ id }) => id,
    part: (context, input) => ({ id: input.id, ...bodyIn(operation, context, input) }),
    isAbout: (record, { input }) => record.id === input.id,
    data: ({ record }) => ({ data: record }),
  });
  return { ...operation, batch };
}

/** An upsert of one record together with up to 99 others by the same unique property. */
export function withUpsertBatch(
  object: HubspotObject,
  operation: WriteOperation<UpsertInput>,
): WriteOperation<UpsertInput> {
  const only = ({ inputs }: UpsertInput) => (inputs.length === 1 ? (inputs[0] ?? null) : null);
  const batch = batchForm<UpsertInput>(object, {
    verb: 'upsert',
    group: (input) => (only(input) ? input.idProperty : null),
    same: (input) => only(input)?.id.trim().toLowerCase() ?? '',
    part: (_context, input) => ({ idProperty: input.idProperty, ...only(input) }),
    isAbout: (record, { input }) => {
      const held = input.idProperty === 'hs_object_id' ? record.id : (record.properties[input.idProperty] ?? null);
      return sameValue(input.idProperty, held, only(input)?.id ?? null);
    },
    data: ({ record, isNew }) => ({ data: { ...record, created: isNew }, created: isNew }),
  });
  return { ...operation, batch };
}
