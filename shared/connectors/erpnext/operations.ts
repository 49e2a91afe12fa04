import type { Operation } from '../../model/operation.ts';
import { updateBatch } from './batch.ts';
import { type ErpnextObject, erpnextObjectNames, erpnextObjects } from './client.ts';
import { deletedOperation, getOperation, listOperation, metaOperation, timeZoneOperation } from './reads.ts';
import { transitionOperation } from './transitions.ts';
import { commentOperation, createOperation, deleteOperation, updateOperation } from './writes.ts';

function operationsOf(object: ErpnextObject): readonly { readonly id: string }[] {
  const { writes } = erpnextObjects[object];
  const reads = [getOperation(object), listOperation(object), deletedOperation(object), metaOperation(object)];
  if (writes === 'none') return reads;
  const update = { ...updateOperation(object), batch: updateBatch(object) };
  const plain = [...reads, createOperation(object), update, deleteOperation(object)];
  if (writes === 'plain') return plain;
  return [...plain, transitionOperation(object, 'submit'), transitionOperation(object, 'cancel')];
}

/** Every operation of this connector by id, such as `erpnext.sales_orders.submit`. */
export const operations: ReadonlyMap<string, Operation> = new Map(
  [
    ...erpnextObjectNames.flatMap(operationsOf),
    commentOperation(),
    deleteOperation('comment'),
    timeZoneOperation(),
  ].map((operation) => [operation.id, operation as unknown as Operation]),
);

/** One operation by id, or null where this connector has none of that name. */
export function operationById(id: string): Operation | null {
  return operations.get(id) ?? null;
}
