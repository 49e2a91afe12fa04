import { isObject, type Json } from '../../model/json.ts';
import type { HttpAnswer, ProbeVerdict, WriteOperation } from '../../model/operation.ts';
import { bodyOf } from '../json-body.ts';
import { unknownOutcome } from '../write-verdict.ts';
import { dataPath, getSpec, isId, recordPath, recordRef, refuse, requestTimeoutMs } from './client.ts';
import { readError, unreadable } from './reads.ts';
import { soql } from './soql.ts';
import { leastSettleMs, writeFailure, writeHeaders, writeNamed, writtenId } from './writes.ts';

/** `published`: customers see it in a portal; by default they do not. */
export type CommentInput = { readonly id: string; readonly text: string; readonly published?: boolean };

/** Bytes, not characters. @see https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_casecomment.htm */
const maxComment = 4000;
/** How many comments of a case a read-back looks at, newest first. */
const looksAt = 200;

/** The last line of a comment, by which it is found again: comments can have no field of one's own. */
const markOf = (providerKey: string) => `Ref: ${providerKey}`;

function bodyText({ text }: CommentInput, providerKey: string): string {
  const body = `${text.trimEnd()}\n\n${markOf(providerKey)}`;
  if (Buffer.byteLength(body) > maxComment) {
    refuse('a comment is longer than Salesforce takes', 'Keep it below 3,900 letters; accents and signs count double.');
  }
  return body;
}

function probed(answer: HttpAnswer, input: CommentInput, providerKey: string): ProbeVerdict {
  if (answer.status !== 200) return { kind: 'inconclusive', error: readError(answer).error };
  const body = bodyOf(answer);
  const rows = Array.isArray(body?.records) && body.done === true ? (body.records as readonly Json[]) : null;
  if (!rows?.every((row) => isObject(row) && 'CommentBody' in row)) {
    return { kind: 'inconclusive', error: unreadable('a list of comments') };
  }
  const mine = rows.filter(isObject).find((row) =>
    String(row.CommentBody ?? '')
      .trimEnd()
      .endsWith(`\n${markOf(providerKey)}`),
  );
  if (mine && isId(mine.Id)) {
    return { kind: 'equal', data: { id: mine.Id }, records: [recordRef('case', input.id)] };
  }
  if (rows.length < looksAt) return { kind: 'absent' };
  return {
    kind: 'inconclusive',
    error: {
      class: 'transient',
      code: 'too_many_comments',
      message: 'The case has more comments than a read-back looks at.',
    },
  };
}

/** Appends one comment to a case. Its last line names the action, by which a read-back finds it. */
export function commentOperation(): WriteOperation<CommentInput> {
  return {
    ...writeNamed('case', 'comment'),
    effect: 'append',
    resend: { kind: 'probe', settleMs: leastSettleMs },
    undo: { kind: 'none', why: 'A comment may have been read or mailed by then; a person deletes it in Salesforce.' },
    request: (context, input) => {
      // Only for its check of the id.
      recordPath(context, 'case', input.id);
      const json = {
        ParentId: input.id,
        CommentBody: bodyText(input, context.providerKey),
        IsPublished: input.published ?? false,
      };
      const path = `${dataPath(context.apiVersion)}/sobjects/CaseComment`;
      return { method: 'POST', path, headers: writeHeaders, body: { json }, timeoutMs: requestTimeoutMs };
    },
    judge: (answer, input) => {
      if (answer.status !== 201) return writeFailure(answer);
      const id = writtenId(answer);
      if (id === null) return unknownOutcome('unreadable_answer', 'Salesforce answered a comment without its id.');
      return { kind: 'applied', data: { id, created: true }, records: [recordRef('case', input.id)], created: true };
    },
    probe: {
      request: ({ apiVersion }, { id }) =>
        getSpec(`${dataPath(apiVersion)}/query`, [
          [
            'q',
            soql({
              ...{ object: 'CaseComment', fields: ['Id', 'CommentBody'], limit: looksAt },
              where: [[{ field: 'ParentId', operator: '=', value: id }]],
              orderBy: [{ field: 'CreatedDate', direction: 'desc' }],
            }),
          ],
        ]),
      judge: (answer, input, _before, providerKey) => probed(answer, input, providerKey),
    },
  };
}
