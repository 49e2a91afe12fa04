import type { HttpAnswer, RequestSpec, WriteOperation, WriteVerdict } from '../../model/operation.ts';
import { unknownOutcome } from '../write-verdict.ts';
import { dataPath, isId, refuse, requestTimeoutMs, type SalesforceFields } from './client.ts';
import { compositeRequest, compositeVerdicts } from './composite.ts';
import {
  createSpec,
  judgeCreate,
  leastSettleMs,
  probeOfCreate,
  writeFailure,
  writeHeaders,
  writeNamed,
  writtenId,
} from './writes.ts';

export type OpenInput = { readonly properties: SalesforceFields; readonly contactId: string };

/** The link of the contact to the opportunity that the same request creates. */
function roleSpec(apiVersion: string, contactId: string): RequestSpec {
  if (!isId(contactId)) refuse('a contact id is none of Salesforce', 'Give the id of 15 or 18 letters and digits.');
  const json = { ContactId: contactId, IsPrimary: true };
  const path = `${dataPath(apiVersion)}/sobjects/OpportunityContactRole`;
  return { method: 'POST', path, headers: writeHeaders, body: { json }, timeoutMs: requestTimeoutMs };
}

const judgeRole = (answer: HttpAnswer): WriteVerdict =>
  answer.status === 201 && writtenId(answer) !== null
    ? { kind: 'applied', data: null, records: [] }
    : answer.status === 201
      ? unknownOutcome('unreadable_answer', 'Salesforce answered a link without its id.')
      : writeFailure(answer);

const halted = (verdict: WriteVerdict) => verdict.kind === 'not_applied' && verdict.error.code === 'PROCESSING_HALTED';

/**
 * Creates one opportunity with its primary contact in one request, of which Salesforce carries out everything or nothing: the
 * opportunity carries the key of the action, so that finding it proves the link too.
 */
export function openOpportunityOperation(): WriteOperation<OpenInput> {
  return {
    ...writeNamed('opportunity', 'open'),
    effect: 'create',
    resend: { kind: 'probe', settleMs: leastSettleMs },
    undo: {
      kind: 'operation',
      operation: 'salesforce.opportunities.delete',
      how: 'Deletes the opportunity and with it the link to its contact.',
    },
    request: (context, { properties, contactId }) =>
      compositeRequest(context, {
        allOrNone: true,
        subrequests: [
          { spec: createSpec(context, 'opportunity', properties) },
          { spec: roleSpec(context.apiVersion, contactId), refers: { OpportunityId: { item: 0, value: 'id' } } },
        ],
      }),
    judge: (answer, { properties }) => {
      const verdicts = compositeVerdicts(answer, [
        { judge: (given) => judgeCreate('opportunity', given, properties) },
        { judge: judgeRole },
      ]);
      const [opportunity, role] = verdicts;
      const unknown = verdicts.find(({ kind }) => kind === 'unknown');
      if (unknown) return unknown;
      const refused = verdicts.find((verdict) => verdict.kind === 'not_applied' && !halted(verdict));
      if (opportunity?.kind === 'applied' && role?.kind === 'applied') return opportunity;
      // All or nothing: an answer that says one was made and the other not is not to be believed.
      if (!refused || verdicts.some(({ kind }) => kind === 'applied')) {
        return unknownOutcome('incomplete_batch', 'Salesforce answered that one half was done.');
      }
      return refused;
    },
    probe: probeOfCreate<OpenInput>('opportunity'),
  };
}
