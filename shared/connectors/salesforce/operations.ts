import type { Operation } from '../../model/operation.ts';
import { type SalesforceObject, salesforceObjectNames } from './client.ts';
import {
  deletedOperation,
  describeOperation,
  getOperation,
  limitsOperation,
  nextOperation,
  queryOperation,
  updatedOperation,
} from './reads.ts';
import { upsertOperation } from './upsert.ts';
import { appendNoteOperation, createOperation, deleteOperation, updateOperation } from './writes.ts';

function operationsOf(object: SalesforceObject): readonly { readonly id: string }[] {
  return [
    getOperation(object),
    queryOperation(object),
    nextOperation(object),
    describeOperation(object),
    updatedOperation(object),
    deletedOperation(object),
    createOperation(object),
    updateOperation(object),
    upsertOperation(object),
    deleteOperation(object),
  ];
}

/** Every operation of this connector by id, such as `salesforce.opportunities.update`. */
export const operations: ReadonlyMap<string, Operation> = new Map(
  [...salesforceObjectNames.flatMap(operationsOf), appendNoteOperation(), limitsOperation()].map((operation) => [
    operation.id,
    operation as unknown as Operation,
  ]),
);

/** One operation by id, or null where this connector has none of that name. */
export function operationById(id: string): Operation | null {
  return operations.get(id) ?? null;
}
