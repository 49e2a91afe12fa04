import type { Json } from '../../model/json.ts';
import type { BatchForm, BatchItem, WriteOperation } from '../../model/operation.ts';
import { type Collection, type CollectionItem, collectionRequest, collectionVerdicts, maxCollection } from './batch.ts';
import { longId, type SalesforceObject } from './client.ts';
import type { UpsertInput } from './upsert.ts';
import { type CreateInput, type DeleteInput, type UpdateInput, writeFailure } from './writes.ts';

/**
 * Actions of one operation on one object as one sObject collection, judged by position: each succeeds or fails for itself.
 * @see https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_sobjects_collections.htm
 */
function collected<I extends Json>(
  object: SalesforceObject,
  item: (from: BatchItem<I>) => CollectionItem,
  { group, same }: Pick<BatchForm<I>, 'group' | 'same'>,
): BatchForm<I> {
  const collection = (items: readonly BatchItem<I>[]): Collection => ({
    object,
    items: items.map(item),
    allOrNone: false,
  });
  return {
    maxItems: maxCollection,
    mode: 'each',
    keyed: 'item',
    group,
    ...(same ? { same } : {}),
    request: (context, items) => collectionRequest(context, collection(items)),
    judge: (answer, items) => {
      const whole = answer.status === 200 ? null : writeFailure(answer);
      return whole && whole.kind !== 'applied'
        ? { kind: 'whole', verdict: whole }
        : { kind: 'items', verdicts: collectionVerdicts(answer, collection(items)) };
    },
  };
}

/** A create together with up to 199 others of its object; each carries its action's key for read-back. */
export function withCreateBatch(
  object: SalesforceObject,
  operation: WriteOperation<CreateInput>,
): WriteOperation<CreateInput> {
  const item = ({ providerKey, input }: BatchItem<CreateInput>) =>
    ({ change: 'create', providerKey, properties: input.properties }) as const;
  return { ...operation, batch: collected(object, item, { group: () => '' }) };
}

/** An update by id together with up to 199 others. One with a condition on time stands in a header, and so goes alone. */
export function withUpdateBatch(
  object: SalesforceObject,
  operation: WriteOperation<UpdateInput>,
): WriteOperation<UpdateInput> {
  const item = ({ input: { id, properties } }: BatchItem<UpdateInput>) =>
    ({ change: 'update', id, properties }) as const;
  const group = ({ unmodifiedSince }: UpdateInput) => (unmodifiedSince === undefined ? '' : null);
  return { ...operation, batch: collected(object, item, { group, same: ({ id }) => longId(id) }) };
}

/** A delete by id together with up to 199 others. */
export function withDeleteBatch(
  object: SalesforceObject,
  operation: WriteOperation<DeleteInput>,
): WriteOperation<DeleteInput> {
  const item = ({ input: { id } }: BatchItem<DeleteInput>) => ({ change: 'delete', id }) as const;
  return { ...operation, batch: collected(object, item, { group: () => '', same: ({ id }) => longId(id) }) };
}

/** An upsert together with up to 199 others by the same external id field. One that may not create goes alone. */
export function withUpsertBatch(
  object: SalesforceObject,
  operation: WriteOperation<UpsertInput>,
): WriteOperation<UpsertInput> {
  const item = ({ input: { externalId, properties } }: BatchItem<UpsertInput>) =>
    ({ change: 'upsert', externalId, properties }) as const;
  const group = ({ externalId, updateOnly }: UpsertInput) => (updateOnly ? null : externalId.field);
  const same = ({ externalId }: UpsertInput) => externalId.value.trim().toLowerCase();
  return { ...operation, batch: collected(object, item, { group, same }) };
}
