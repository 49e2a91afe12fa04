import type { HttpAnswer, ProbeVerdict, Undo, WriteOperation, WriteVerdict } from '../../model/operation.ts';
import { unknownOutcome } from '../write-verdict.ts';
import { type ErpnextObject, erpnextObjects, isSiteTime, recordPath, recordRef, refuse, sendSpec } from './client.ts';
import { isRecord } from './reads.ts';
import { beforeOf, found, leastSettleMs, writeFailure, writeNamed, writtenDoc } from './writes.ts';

/** A document and the `version` in which it was seen: only that one is submitted or cancelled. */
export type TransitionInput = { readonly id: string; readonly version: string };

type Step = {
  readonly verb: 'submit' | 'cancel';
  readonly from: 0 | 1;
  readonly to: 1 | 2;
  readonly undo: (plural: string) => Undo;
};

/** @see https://docs.frappe.io/framework/user/en/basics/doctypes/docstatus */
const steps: Readonly<Record<Step['verb'], Step>> = {
  submit: {
    verb: 'submit',
    from: 0,
    to: 1,
    undo: (plural) => ({
      kind: 'operation',
      operation: `erpnext.${plural}.cancel`,
      how: 'Cancels the document; documents that were made of it are cancelled before it.',
    }),
  },
  cancel: {
    verb: 'cancel',
    from: 1,
    to: 2,
    undo: () => ({ kind: 'none', why: 'A cancelled document stays cancelled; amending it makes a new draft.' }),
  },
};

/**
 * Submits a draft or cancels a submitted document. The version goes with it, so that nothing is submitted that nobody has seen,
 * and a second request of the same kind is refused by ERPNext itself. Settled by reading `docstatus` back.
 */
export function transitionOperation(object: ErpnextObject, verb: Step['verb']): WriteOperation<TransitionInput> {
  const step = steps[verb];
  const before = beforeOf<TransitionInput>(object, () => ['docstatus']);
  return {
    ...writeNamed(object, verb, verb),
    effect: 'update',
    resend: { kind: 'upsert', settleMs: leastSettleMs },
    undo: step.undo(erpnextObjects[object].plural),
    request: (_context, { id, version }) => {
      if (!isSiteTime(version))
        refuse('a version is none of a document', 'Give the `version` that was read, unchanged.');
      return sendSpec('PUT', recordPath(object, id), { docstatus: step.to, modified: version });
    },
    judge: (answer, input) => judgeStep(object, step, answer, input),
    before: { request: before.request, judge: before.judge },
    probe: {
      request: before.request,
      judge: (answer, input): ProbeVerdict => {
        const read = before.read(answer, input);
        if (!isRecord(read)) return { kind: 'inconclusive', error: read };
        if (read.properties.docstatus === step.to) return found(object, read);
        return read.properties.docstatus === step.from ? { kind: 'before' } : { kind: 'different', data: read };
      },
    },
  };
}

function judgeStep(object: ErpnextObject, step: Step, answer: HttpAnswer, input: TransitionInput): WriteVerdict {
  if (answer.status !== 200) return writeFailure(answer);
  const record = writtenDoc(object, answer);
  if (!record || record.id !== input.id) {
    return unknownOutcome('unreadable_answer', `The site answered a ${step.verb} without the document.`);
  }
  // Large documents are submitted in the background: the answer still shows the draft.
  if (record.properties.docstatus !== step.to) {
    return unknownOutcome('not_yet_done', `The site answered a ${step.verb} with a document in its old state.`);
  }
  const { id, version, properties } = record;
  const data = { id, version, properties: { docstatus: step.to, status: properties.status ?? null } };
  return { kind: 'applied', data, records: [recordRef(object, id)] };
}
