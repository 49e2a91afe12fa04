import type { Operation } from '../../model/operation.ts';
import { associateOperation, dissociateOperation } from './associations.ts';
import { withCreateBatch, withUpdateBatch, withUpsertBatch } from './batch.ts';
import { type HubspotObject, hubspotObjectNames } from './client.ts';
import { findOperation, getOperation, listOperation, propertiesOperation, searchOperation } from './reads.ts';
import { upsertOperation } from './upsert.ts';
import { appendNoteOperation, archiveOperation, createOperation, updateOperation } from './writes.ts';

/** Every operation of this connector by id, such as `hubspot.deals.update`. */
export const operations: ReadonlyMap<string, Operation> = new Map(
  [...hubspotObjectNames.flatMap(operationsOf), withCreateBatch('note', appendNoteOperation())].map((operation) => [
    operation.id,
    operation as unknown as Operation,
  ]),
);

/** One operation by id, or null where this connector has none of that name. */
export function operationById(id: string): Operation | null {
  return operations.get(id) ?? null;
}

function operationsOf(object: HubspotObject): { readonly id: string }[] {
  return [
    getOperation(object),
    findOperation(object),
    searchOperation(object),
    listOperation(object),
    propertiesOperation(object),
    withCreateBatch(object, createOperation(object)),
    withUpdateBatch(object, updateOperation(object)),
    withUpsertBatch(object, upsertOperation(object)),
    archiveOperation(object),
    associateOperation(object),
    dissociateOperation(object),
  ];
}
