import { PlumblineError } from '../../model/errors.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type {
  Classified,
  HttpAnswer,
  ProbeVerdict,
  RequestSpec,
  WriteOperation,
  WriteVerdict,
} from '../../model/operation.ts';
import {
  idOf,
  keyOf,
  type MessagePlace,
  messageId,
  messageRecord,
  methodSpec,
  recordRef,
  refName,
  refType,
  type SlackRecord,
  successOf,
} from './client.ts';
import { slackFailure } from './errors.ts';
import { messageIn, messageSpec, readError, unreadable } from './reads.ts';
import { type Mention, maxTextChars, messageText, readableText, showsText } from './text.ts';

/**
 * The least time after which a read-back may count absence, milliseconds: longer than Slack works on one request. The
 * operator's `settle` of the system raises it.
 */
export const leastSettleMs = 60_000;

/** Times of messages are Slack's: a read-back looks this much earlier than our own clock, seconds. */
const clockSlackS = 300;

/** The most messages Slack answers in one page of a read-back. */
const probePage = 999;

export type PostInput = {
  readonly channel: string;
  /** Plain text: escaped, so that it calls nobody. */
  readonly text: string;
  readonly mentions?: readonly Mention[];
  /** The first message of the thread to answer in. */
  readonly threadTs?: string;
  /** When the action was asked for, milliseconds since the epoch: no message of ours is older. Not sent. */
  readonly askedAtMs: number;
};
export type UpdateInput = MessagePlace & { readonly text: string };
export type DeleteInput = MessagePlace;

/** What a message was before a write; see the house's other connectors. `written`: what the write names; undo restores it. */
type BeforeImage = { readonly id: string; readonly written: JsonObject; readonly live: JsonObject };

function sentText(text: string, mentions: readonly Mention[] = []): string {
  for (const one of mentions) 'user' in one ? idOf('user', one.user) : idOf('group', one.group);
  const sent = messageText(text, mentions);
  if (sent.length <= maxTextChars) return sent;
  throw new PlumblineError('A request was refused before it was built: the text is longer than Slack keeps.', {
    code: 'invalid_input',
    retry: 'never',
    hint: `At most ${maxTextChars} characters, counting each of & < > as up to five.`,
  });
}

/** What is said of text in every write: it is text and nothing else, whatever the workspace would make of it. */
const asText = { parse: 'none', link_names: false } as const;

/** Slack takes no blocks and no attachments from here: what an agent writes can hold no button. */
function postSpec(input: PostInput, providerKey: string): RequestSpec {
  return methodSpec('chat.postMessage', {
    channel: idOf('channel', input.channel),
    text: sentText(input.text, input.mentions),
    thread_ts: input.threadTs === undefined ? undefined : idOf('ts', input.threadTs),
    metadata: JSON.stringify({ event_type: refType, event_payload: { [refName]: providerKey } }),
    ...asText,
    unfurl_links: false,
    unfurl_media: false,
  });
}

/** Everything posted since the action was asked for, in the channel or in the thread. */
function probeSpec({ channel, threadTs, askedAtMs }: PostInput): RequestSpec {
  const since = {
    channel: idOf('channel', channel),
    oldest: `${Math.max(0, Math.floor(askedAtMs / 1000) - clockSlackS)}.000000`,
    inclusive: true,
    include_all_metadata: true,
    limit: probePage,
  };
  return threadTs === undefined
    ? methodSpec('conversations.history', since)
    : methodSpec('conversations.replies', { ...since, ts: idOf('ts', threadTs) });
}

/**
 * Presence of the key counts at once. Absence counts only on a whole page, and only where no message of this text shows no key:
 * which messages a workspace marks as those of a bot depends on the token that posted them.
 */
function judgeProbe(answer: HttpAnswer, input: PostInput, providerKey: string): ProbeVerdict {
  const body = successOf(answer);
  if (!body) return { kind: 'inconclusive', error: readError(answer) };
  const rows = Array.isArray(body.messages) ? (body.messages as readonly Json[]).filter(isObject) : null;
  if (!rows) return { kind: 'inconclusive', error: unreadable('a page of messages') };
  const ours = rows.find((row) => keyOf(row) === providerKey);
  const record = ours ? messageRecord(input.channel, ours) : null;
  if (record) return { kind: 'equal', data: record, records: [recordRef('message', record.id)] };
  if (body.has_more !== false) return { kind: 'inconclusive', error: unreadable('one complete page of messages') };
  const wanted = readableText(messageText(input.text, input.mentions));
  const hidden = rows.some((row) => keyOf(row) === null && shows(row, wanted));
  const why = 'A message has this text and shows no key: it may be ours. The token may lack metadata.message:read.';
  return hidden
    ? { kind: 'inconclusive', error: { class: 'transient', code: 'key_not_visible', message: why } }
    : { kind: 'absent' };
}

function shows(row: JsonObject, wanted: string): boolean {
  return typeof row.text === 'string' && showsText({ live: readableText(row.text), wanted, before: null });
}

/** The verdict of an answer that is not the expected success. Unknown unless it proves that nothing was done. */
export function writeFailure(answer: HttpAnswer): WriteVerdict {
  const { error, notApplied } = slackFailure(answer);
  return notApplied
    ? { kind: 'not_applied', error }
    : { kind: 'unknown', error: { ...error, class: 'unknown_outcome' } };
}

function judgeWrite(answer: HttpAnswer, channel: string, ts: string | null, threadTs?: string): WriteVerdict {
  const body = successOf(answer);
  if (!body) return writeFailure(answer);
  const right = body.channel === channel && typeof body.ts === 'string' && (ts === null || body.ts === ts);
  const message = isObject(body.message) ? { ...body.message, ts: body.ts ?? null } : null;
  const thread = threadTs === undefined ? {} : { thread_ts: threadTs };
  const record = right && message ? messageRecord(channel, { ...message, ...thread, type: 'message' }) : null;
  if (!record) return { kind: 'unknown', error: { ...unreadable('the message'), class: 'unknown_outcome' } };
  const created = ts === null ? { created: true } : {};
  return { kind: 'applied', data: record, records: [recordRef('message', record.id)], ...created };
}

/** Posts one message, in a channel or in a thread. */
export const postMessage: WriteOperation<PostInput> = {
  kind: 'write',
  id: 'slack.messages.post',
  connector: 'slack',
  effect: 'send',
  scopes: ['chat:write', 'channels:history', 'groups:history', 'metadata.message:read'],
  resend: { kind: 'probe', settleMs: leastSettleMs },
  undo: {
    kind: 'operation',
    operation: 'slack.messages.delete',
    how: 'Deletes the message; who has read it has read it.',
  },
  request: ({ providerKey }, input) => postSpec(input, providerKey),
  judge: (answer, { channel, threadTs }) => judgeWrite(answer, channel, null, threadTs),
  probe: {
    request: (_context, input) => probeSpec(input),
    judge: (answer, input, _before, providerKey) => judgeProbe(answer, input, providerKey),
  },
};

/** The live message before a write. Only what an action posted is touched: approvals and other apps' messages are not. */
function beforeOf(answer: HttpAnswer, place: MessagePlace, written: readonly string[]) {
  const found = messageIn(answer, place);
  if ('error' in found) return { kind: 'error' as const, error: found.error };
  const record = messageRecord(place.channel, found.raw);
  if (!record) return { kind: 'error' as const, error: unreadable('a message') };
  if (keyOf(found.raw) === null) {
    const message = 'Only messages that were posted through here are changed or deleted from here.';
    return { kind: 'error' as const, error: { class: 'permission' as const, code: 'not_our_message', message } };
  }
  return { kind: 'ok' as const, data: imageOf(record, written) as unknown as Json };
}

function imageOf(record: SlackRecord, written: readonly string[]): BeforeImage {
  const kept = Object.fromEntries(written.map((name) => [name, record.properties[name] ?? null]));
  return { id: record.id, written: kept, live: record.properties };
}

/** Writes another text under a message of ours. Other content of it, if any, goes. */
export const updateMessage: WriteOperation<UpdateInput> = {
  kind: 'write',
  id: 'slack.messages.update',
  connector: 'slack',
  effect: 'update',
  scopes: ['chat:write', 'channels:history', 'groups:history', 'metadata.message:read'],
  resend: { kind: 'upsert', settleMs: leastSettleMs },
  undo: {
    kind: 'operation',
    operation: 'slack.messages.update',
    how: 'Writes the earlier text again; who was mentioned in it stands there as text.',
  },
  request: (_context, { channel, ts, text }) =>
    methodSpec('chat.update', {
      channel: idOf('channel', channel),
      ts: idOf('ts', ts),
      text: sentText(text),
      ...asText,
    }),
  judge: (answer, { channel, ts, threadTs }) => judgeWrite(answer, channel, ts, threadTs),
  before: {
    request: (_context, input) => messageSpec(input),
    judge: (answer, input) => beforeOf(answer, input, ['text']),
  },
  probe: {
    request: (_context, input) => messageSpec(input),
    judge: (answer, input, before) => {
      const found = messageIn(answer, input);
      if ('error' in found) return goneOr(found.error.class === 'not_found', found.error);
      const record = messageRecord(input.channel, found.raw);
      if (!record) return { kind: 'inconclusive', error: unreadable('a message') };
      const earlier = textBefore(before);
      const live = String(record.properties.text);
      if (showsText({ live, wanted: input.text, before: earlier })) {
        return { kind: 'equal', data: record, records: [recordRef('message', record.id)] };
      }
      return live === earlier ? { kind: 'before' } : { kind: 'different', data: record };
    },
  },
};

function textBefore(before: Json | null): string | null {
  const written = isObject(before ?? undefined) ? (before as JsonObject).written : undefined;
  return isObject(written) && typeof written.text === 'string' ? written.text : null;
}

function goneOr(gone: boolean, error: Classified): ProbeVerdict {
  return gone ? { kind: 'different', data: null } : { kind: 'inconclusive', error };
}

/** Deletes a message of ours: the way back from a post. */
export const deleteMessage: WriteOperation<DeleteInput> = {
  kind: 'write',
  id: 'slack.messages.delete',
  connector: 'slack',
  effect: 'delete',
  scopes: ['chat:write', 'channels:history', 'groups:history', 'metadata.message:read'],
  resend: { kind: 'upsert', settleMs: leastSettleMs },
  undo: { kind: 'none', why: 'Slack keeps nothing of a deleted message; posting it again is another message.' },
  request: (_context, { channel, ts }) =>
    methodSpec('chat.delete', { channel: idOf('channel', channel), ts: idOf('ts', ts) }),
  judge: (answer, input) => {
    const body = successOf(answer);
    if (!body) return writeFailure(answer);
    const { data, records } = goneMessage(input);
    if (body.channel === input.channel && body.ts === input.ts) return { kind: 'applied', data, records };
    return { kind: 'unknown', error: { ...unreadable('the deleted message'), class: 'unknown_outcome' } };
  },
  before: {
    request: (_context, input) => messageSpec(input),
    judge: (answer, input) => beforeOf(answer, input, []),
  },
  probe: {
    request: (_context, input) => messageSpec(input),
    judge: (answer, input) => {
      const found = messageIn(answer, input);
      if (!('error' in found)) return { kind: 'before' };
      if (found.error.class !== 'not_found' || found.error.code === 'channel_not_found') {
        return { kind: 'inconclusive', error: found.error };
      }
      return { kind: 'equal', ...goneMessage(input) };
    },
  },
};

function goneMessage(place: MessagePlace) {
  const id = messageId(place);
  return { data: { id, deleted: true }, records: [recordRef('message', id)] };
}
