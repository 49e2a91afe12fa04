import { isObject, type Json } from '../../model/json.ts';
import type { HttpAnswer, ProbeVerdict, ReadVerdict, WriteOperation } from '../../model/operation.ts';
import { associationPath, type HubspotObject, hubspotObjects, readOne, recordRef } from './client.ts';
import { readError, unreadable } from './reads.ts';
import {
  inconclusive,
  type Linked,
  leastSettleMs,
  recordIn,
  writeFailure,
  writeNamed,
  writeTimeoutMs,
} from './writes.ts';

export type AssociationInput = { readonly id: string; readonly to: Linked };

/** Whether the association stands: true, false, or null where HubSpot did not list them all. */
function linked(answer: HttpAnswer, input: AssociationInput): boolean | null {
  const held = recordIn(answer, 200)?.associations[input.to.object];
  if (held?.ids.includes(input.to.id)) return true;
  return recordIn(answer, 200) && !held?.more ? false : null;
}

function association(object: HubspotObject, verb: 'associate' | 'dissociate'): WriteOperation<AssociationInput> {
  const wanted = verb === 'associate';
  const plural = hubspotObjects[object].plural;
  const effects = (input: AssociationInput) => ({
    data: { id: input.id, to: input.to, associated: wanted },
    records: [recordRef(object, input.id), recordRef(input.to.object, input.to.id)],
  });
  const readBack = ({ apiVersion }: { apiVersion: string }, input: AssociationInput) =>
    readOne(apiVersion, object, {
      id: input.id,
      properties: hubspotObjects[object].read,
      associations: [input.to.object],
    });
  return {
    ...writeNamed(object, verb),
    effect: 'update',
    resend: { kind: 'upsert', settleMs: leastSettleMs },
    undo: {
      kind: 'operation',
      operation: `hubspot.${plural}.${wanted ? 'dissociate' : 'associate'}`,
      how: `${wanted ? 'Removes' : 'Sets'} the association again, unless the before-image already showed it that way.`,
    },
    request: ({ apiVersion }, input) => ({
      method: wanted ? 'PUT' : 'DELETE',
      path: associationPath(apiVersion, {
        from: object,
        id: input.id,
        to: input.to.object,
        toId: input.to.id,
        unlabelled: wanted,
      }),
      timeoutMs: writeTimeoutMs,
    }),
    judge: (answer, input) =>
      answer.status >= 200 && answer.status < 300 && answer.status !== 207
        ? { kind: 'applied', ...effects(input) }
        : writeFailure(answer),
    before: { request: readBack, judge: (answer, input) => beforeLink(answer, input) },
    probe: {
      request: readBack,
      judge: (answer, input): ProbeVerdict => {
        const now = linked(answer, input);
        if (now === null) return inconclusive(answer);
        return now === wanted ? { kind: 'equal', ...effects(input) } : { kind: 'before' };
      },
    },
  };
}

function beforeLink(answer: HttpAnswer, input: AssociationInput): ReadVerdict {
  const record = recordIn(answer, 200);
  if (!record) return answer.status === 200 ? { kind: 'error', error: unreadable('a record') } : readError(answer);
  const data: Json = {
    id: record.id,
    written: { associated: linkText(linked(answer, input)) },
    live: record.properties,
  };
  return isObject(data) ? { kind: 'ok', data } : { kind: 'error', error: unreadable('a record') };
}

function linkText(value: boolean | null): string | null {
  return value === null ? null : String(value);
}

/** Links two records with HubSpot's default, unlabelled association. Doing it twice changes nothing. */
export function associateOperation(object: HubspotObject): WriteOperation<AssociationInput> {
  return association(object, 'associate');
}

/** Removes every association between two records. Doing it twice changes nothing. */
export function dissociateOperation(object: HubspotObject): WriteOperation<AssociationInput> {
  return association(object, 'dissociate');
}
