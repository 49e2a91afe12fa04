import { path } from '../../http/path.ts';
import { isObject, type Json } from '../../model/json.ts';
import type { BatchForm, BatchItem, BatchVerdict, HttpAnswer, WriteVerdict } from '../../model/operation.ts';
import { bodyOf } from '../json-body.ts';
import { failedWrite, unknownOutcome } from '../write-verdict.ts';
import { dataOf, type ErpnextObject, erpnextObjects, recordOf, sendSpec } from './client.ts';
import { itemFailure } from './errors.ts';
import { judgeUpdate, type UpdateInput, updateBody, writeFailure } from './writes.ts';

/**
 * The most updates one request takes. Above 20 a site works on them in the background and never says what became of each; a
 * site that was configured lower answers so too, and then every item is read back.
 * @see https://docs.frappe.io/framework/user/en/api/rest (`bulk_operation_async_threshold`)
 */
export const maxBulk = 20;

/** Updates of one object in one request of version 2 of the API, each rolled back by itself where it fails. Frappe 15 and newer. */
export function updateBatch(object: ErpnextObject): BatchForm<UpdateInput> {
  return {
    maxItems: maxBulk,
    mode: 'each',
    keyed: 'item',
    group: () => object,
    same: (input) => input.id,
    request: (_context, items) => {
      const docs = items.map(({ input }) => ({ name: input.id, ...updateBody(input) }));
      return sendSpec('POST', path`/api/v2/document/${erpnextObjects[object].docType}/bulk_update`, { docs });
    },
    judge: (answer, items) => judgeBulk(object, answer, items),
  };
}

function judgeBulk(object: ErpnextObject, answer: HttpAnswer, items: readonly BatchItem<UpdateInput>[]): BatchVerdict {
  if (answer.status !== 200) {
    const verdict = answer.status === 202 ? inBackground : writeFailure(answer);
    if (verdict.kind !== 'applied') return { kind: 'whole', verdict };
  }
  const data = dataOf(answer);
  const said = isObject(data) ? data : {};
  const updated = listOf(said.updated);
  const failed = listOf(said.failed).filter(isObject);
  const docs = listOf(bodyOf(answer)?.docs).map((doc) => recordOf(doc));
  const verdicts = items.map(({ input }): WriteVerdict => {
    const failures = failed.filter((row) => row.name === input.id);
    const successes = updated.filter((name) => name === input.id).length;
    if (failures.length + successes !== 1) {
      return unknownOutcome('incomplete_batch', 'The site did not answer one result for this record.');
    }
    if (failures[0]) {
      return failedWrite(itemFailure(String(failures[0].error ?? '')));
    }
    return judgeUpdate(object, docs.find((doc) => doc?.id === input.id) ?? null, input);
  });
  return { kind: 'items', verdicts };
}

const inBackground = unknownOutcome('in_background', 'The site works on the request in the background.');

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}
