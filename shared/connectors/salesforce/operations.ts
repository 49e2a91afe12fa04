import type { Operation } from '../../model/operation.ts';
import { withCreateBatch, withDeleteBatch, withUpdateBatch, withUpsertBatch } from './batch-forms.ts';
import { commentOperation } from './case-comment.ts';
import { changedOperation, deletedOperation, updatedOperation } from './changes.ts';
import { type SalesforceObject, salesforceObjectNames } from './client.ts';
import { describeOperation, limitsOperation } from './describe.ts';
import {
  abortJobOperation,
  closeJobOperation,
  createJobOperation,
  getJobOperation,
  jobResultsOperation,
  uploadJobOperation,
} from './jobs.ts';
import { openOpportunityOperation } from './opportunity-open.ts';
import { accountOverviewOperation } from './overview.ts';
import { getOperation, nextOperation, queryOperation } from './reads.ts';
import { upsertOperation } from './upsert.ts';
import { appendNoteOperation, createOperation, deleteOperation, updateOperation } from './writes.ts';

function operationsOf(object: SalesforceObject): readonly { readonly id: string }[] {
  return [
    getOperation(object),
    queryOperation(object),
    nextOperation(object),
    describeOperation(object),
    changedOperation(object),
    updatedOperation(object),
    deletedOperation(object),
    withCreateBatch(object, createOperation(object)),
    withUpdateBatch(object, updateOperation(object)),
    withUpsertBatch(object, upsertOperation(object)),
    withDeleteBatch(object, deleteOperation(object)),
  ];
}

/** What only one object offers, and what belongs to none. */
const others: readonly { readonly id: string }[] = [
  accountOverviewOperation(),
  openOpportunityOperation(),
  commentOperation(),
  appendNoteOperation(),
  limitsOperation(),
  createJobOperation(),
  uploadJobOperation(),
  closeJobOperation(),
  abortJobOperation(),
  getJobOperation(),
  jobResultsOperation(),
];

/** Every operation of this connector by id, such as `salesforce.opportunities.update`. */
export const operations: ReadonlyMap<string, Operation> = new Map(
  [...salesforceObjectNames.flatMap(operationsOf), ...others].map((operation) => [
    operation.id,
    operation as unknown as Operation,
  ]),
);

/** One operation by id, or null where this connector has none of that name. */
export function operationById(id: string): Operation | null {
  return operations.get(id) ?? null;
}
