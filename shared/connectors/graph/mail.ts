import type { Json } from '../../model/json.ts';
import type { HttpAnswer, ProbeVerdict, ReadVerdict, RequestContext, WriteOperation } from '../../model/operation.ts';
import { beforeImage } from '../before-image.ts';
import {
  type GraphProperties,
  type GraphRecord,
  itemPath,
  mailboxHeaders,
  recordRef,
  refuse,
  writeSpec,
} from './client.ts';
import { findByRef, foundByRef, type ItemInput } from './reads.ts';
import { inMailbox } from './records.ts';
import {
  beforeOf,
  deleteOperation,
  found,
  headerText,
  ifMatch,
  leastSettleMs,
  markedWith,
  notOurs,
  probeOfCreate,
  probeOfUpdate,
  recipients,
  sent,
  type UpdateInput,
  writeFailure,
  writeNamed,
  writeSuccess,
} from './writes.ts';

/**
 * Properties: `subject`, `body` (plain text), `toRecipients`, `ccRecipients`, `bccRecipients`, `importance`. `mailbox` is for an
 * agent's scope and is not sent.
 */
export type DraftInput = { readonly userId: string; readonly properties: GraphProperties };
export type ReplyInput = ItemInput & { readonly text: string; readonly toAll: boolean };
/** `ref`: the key of the action that made the draft, which is that action's id. */
export type SendInput = ItemInput & { readonly ref: string };

/**
 * How long a sent draft may still look like one, milliseconds: Graph accepts a mail and sends it later, when the mailbox is busy
 * or its limit of mails a minute is used up.
 */
export const leastSendSettleMs = 600_000;

const lists = ['toRecipients', 'ccRecipients', 'bccRecipients'];

/** A message as Graph takes it. Bodies are plain text, so that nothing in them is markup. Throws `invalid_input`. */
export function messageBody(properties: GraphProperties): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(sent(properties)).map(([name, value]): [string, Json] => {
      if (name === 'subject') return [name, headerText(String(value ?? ''), 'a subject')];
      if (lists.includes(name)) return [name, recipients(value ?? [], 'recipients')];
      if (name === 'body') return [name, plainBody(String(value ?? ''))];
      if (name === 'importance' && ['low', 'normal', 'high'].includes(String(value))) return [name, value as string];
      return refuse(
        'a property of a message is not one that may be written',
        'Give subject, body, recipients, importance.',
      );
    }),
  );
}

function plainBody(content: string): Json {
  if (!content.isWellFormed() || content.includes('\u0000'))
    refuse('a body is no plain text', 'Leave control characters out.');
  return { contentType: 'text', content };
}

/** Makes a draft in the mailbox. Nothing is sent. */
export function draftCreateOperation(): WriteOperation<DraftInput> {
  return {
    ...writeNamed('message', 'create'),
    effect: 'create',
    resend: { kind: 'probe', settleMs: leastSettleMs },
    undo: {
      kind: 'operation',
      operation: 'graph.messages.delete',
      how: 'Deletes the draft, as long as it was not sent.',
    },
    request: (context, { userId, properties }) => {
      const body = { ...messageBody(properties), ...markedWith(context.providerKey) };
      return writeSpec('POST', itemPath(context, userId, 'messages'), body, mailboxHeaders);
    },
    judge: (answer) => writeSuccess('message', answer, null),
    probe: probeOfCreate('message'),
  };
}

/** Makes a draft that answers a message, in its conversation and to its sender or to all of its people. Nothing is sent. */
export function replyCreateOperation(): WriteOperation<ReplyInput> {
  return {
    ...writeNamed('message', 'reply'),
    effect: 'create',
    resend: { kind: 'probe', settleMs: leastSettleMs },
    undo: {
      kind: 'operation',
      operation: 'graph.messages.delete',
      how: 'Deletes the draft, as long as it was not sent.',
    },
    request: (context, { userId, id, text, toAll }) => {
      const message = { body: plainBody(text), ...markedWith(context.providerKey) };
      const at = `${itemPath(context, userId, 'messages', id)}/${toAll ? 'createReplyAll' : 'createReply'}`;
      return writeSpec('POST', at, { message }, mailboxHeaders);
    },
    judge: (answer) => writeSuccess('message', answer, null),
    probe: probeOfCreate('message'),
  };
}

const onlyDrafts = ({ properties }: GraphRecord): string | null =>
  properties.isDraft === true ? null : 'The message is not a draft any more.';

/** Changes a draft. A message that was sent or received is changed by nobody. */
export function draftUpdateOperation(): WriteOperation<UpdateInput> {
  return {
    ...writeNamed('message', 'update'),
    effect: 'update',
    resend: { kind: 'upsert', settleMs: leastSettleMs },
    undo: {
      kind: 'operation',
      operation: 'graph.messages.update',
      how: 'Writes the values of the before-image again.',
    },
    request: (context, { userId, id, properties, etag }) => {
      const headers = { ...mailboxHeaders, ...ifMatch(etag) };
      return writeSpec('PATCH', itemPath(context, userId, 'messages', id), messageBody(properties), headers);
    },
    judge: (answer, { id }) => writeSuccess('message', answer, id),
    before: beforeOf<UpdateInput>('message', ({ properties }) => Object.keys(properties), onlyDrafts),
    probe: probeOfUpdate('message'),
  };
}

/** Deletes a draft, and nothing that was sent or received. */
export function draftDeleteOperation(): WriteOperation<ItemInput> {
  const why = 'A deleted draft lies among the deleted items, from where a person can bring it back.';
  return deleteOperation('message', { why, may: onlyDrafts });
}

/**
 * Sends a draft. The draft itself is what makes it happen once: sending takes it out of the drafts, so that a second request finds
 * none. Whether it was sent is read back by the reference, which the copy among the sent mail keeps while its id may be another;
 * a mail that is found neither as a draft nor as a sent one is not judged. Approval is for the draft as it stood: one that was
 * changed since is not sent.
 * @see https://learn.microsoft.com/en-us/graph/api/message-send
 */
export function draftSendOperation(): WriteOperation<SendInput> {
  const request = (context: RequestContext, { userId, ref }: SendInput) => findByRef(context, 'message', userId, ref);
  return {
    ...writeNamed('message', 'send'),
    scopes: ['Mail.Send', 'Mail.Read'],
    effect: 'send',
    resend: { kind: 'upsert', settleMs: leastSendSettleMs },
    undo: { kind: 'none', why: 'A mail that was sent cannot be called back; send a correction.' },
    request: (context, { userId, id }) =>
      writeSpec('POST', `${itemPath(context, userId, 'messages', id)}/send`, undefined, mailboxHeaders),
    judge: (answer, { id }) =>
      answer.status === 202
        ? { kind: 'applied', data: { id, properties: { isDraft: false } }, records: [recordRef('message', id)] }
        : writeFailure(answer),
    before: { request, judge: beforeSend },
    probe: { request, judge: (answer, { ref }) => wasSent(answer, ref) },
  };
}

function beforeSend(answer: HttpAnswer, { userId, id, ref }: SendInput): ReadVerdict {
  const records = foundByRef('message', answer, ref);
  if ('class' in records) return { kind: 'error', error: records };
  const [record, ...others] = [...records].sort((a, b) => Number(b.id === id) - Number(a.id === id));
  if (!record) {
    const message = 'No draft with this reference lies in the mailbox.';
    return { kind: 'error', error: { class: 'not_found', code: 'draft_not_found', message } };
  }
  const drafts = [record, ...others].filter(({ properties }) => properties.isDraft === true);
  if (drafts.length > 0 && drafts[0]?.id !== id) {
    return { kind: 'error', error: notOurs('The id and the reference are not those of one draft.') };
  }
  return { kind: 'ok', data: beforeImage(inMailbox(record, userId), ['changeKey', 'isDraft']) };
}

function wasSent(answer: HttpAnswer, ref: string): ProbeVerdict {
  const records = foundByRef('message', answer, ref);
  if ('class' in records) return { kind: 'inconclusive', error: records };
  const sent = records.find(({ properties }) => properties.isDraft === false);
  if (sent) return found('message', sent);
  if (records.length > 0) return { kind: 'before' };
  const message = 'The mail is neither among the drafts nor among the sent ones.';
  return { kind: 'inconclusive', error: { class: 'not_found', code: 'mail_not_found', message } };
}
