import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { Classified, HttpAnswer, ReadOperation, ReadVerdict, RequestSpec } from '../../model/operation.ts';
import {
  channelRecord,
  idOf,
  type MessagePlace,
  messageRecord,
  methodSpec,
  type SlackRecord,
  successOf,
  textOf,
  userRecord,
} from './client.ts';
import { slackFailure } from './errors.ts';

/** A part of a list: at most 200 rows; `after` is the cursor of the page before. */
export type PageInput = { readonly limit?: number; readonly after?: string };
export type ListMessagesInput = PageInput & {
  readonly channel: string;
  /** Only messages posted at or after this time, seconds since the epoch. */
  readonly fromS?: number;
};
export type ThreadInput = PageInput & { readonly channel: string; readonly threadTs: string };
export type SearchInput = PageInput & { readonly words: string };
export type ListChannelsInput = PageInput & {
  /** Only channels whose name holds this. Slack cannot search names: each page is searched here. */
  readonly name?: string;
};

/** A page; `after` asks for the next one, null is the end. */
type Page = { readonly results: readonly SlackRecord[]; readonly total: null; readonly after: string | null };

const readChannels = ['channels:read', 'groups:read'];
const readHistory = ['channels:history', 'groups:history'];

/** Turns an unexpected answer to a read into its error: a read has no outcome that could be unknown. */
export function readError(answer: HttpAnswer): Classified {
  const { error } = slackFailure(answer);
  return error.class === 'unknown_outcome' ? { ...error, class: 'transient' } : error;
}

/** The error of an answer that says success and cannot be read. */
export function unreadable(what: string): Classified {
  return { class: 'transient', code: 'unreadable_answer', message: `Slack's answer is not ${what}.` };
}

/**
 * Asks for one message. Slack has no method for it: the history between its time and its time holds a message of the channel,
 * and the thread's replies between them hold a reply.
 * @see https://docs.slack.dev/messaging/retrieving-messages
 */
export function messageSpec({ channel, ts, threadTs }: MessagePlace): RequestSpec {
  const at = idOf('ts', ts);
  const only = { oldest: at, latest: at, inclusive: true, include_all_metadata: true };
  if (threadTs === undefined || threadTs === ts) {
    return methodSpec('conversations.history', { channel: idOf('channel', channel), ...only, limit: 1 });
  }
  const thread = { channel: idOf('channel', channel), ts: idOf('ts', threadTs) };
  // The first message of a thread comes with every page of it.
  return methodSpec('conversations.replies', { ...thread, ...only, limit: 2 });
}

/** The one message of an answer to {@link messageSpec} as Slack sent it, or why there is none. */
export function messageIn(
  answer: HttpAnswer,
  { ts }: MessagePlace,
): { readonly raw: JsonObject } | { readonly error: Classified } {
  const rows = successOf(answer)?.messages;
  if (!Array.isArray(rows)) return { error: successOf(answer) ? unreadable('a message') : readError(answer) };
  const raw = (rows as readonly Json[]).find((row) => isObject(row) && row.ts === ts && row.subtype !== 'tombstone');
  if (isObject(raw)) return { raw };
  const message = 'No message stands there, or not any more. A reply is found by the id of its thread and its own.';
  return { error: { class: 'not_found', code: 'message_not_found', message } };
}

type Row = (value: Json) => SlackRecord | null;

/** One row that cannot be read would be left out silently: the page is an error. */
function pageOf(answer: HttpAnswer, list: string, row: Row, keep: (record: SlackRecord) => boolean): ReadVerdict {
  const body = successOf(answer);
  if (!body) return { kind: 'error', error: readError(answer) };
  const rows = body[list];
  if (!Array.isArray(rows)) return { kind: 'error', error: unreadable(`a page of ${list}`) };
  const records = (rows as readonly Json[]).filter((one) => !isObject(one) || one.subtype !== 'tombstone').map(row);
  if (records.includes(null)) return { kind: 'error', error: unreadable(`a page of ${list}`) };
  const meta = body.response_metadata;
  const after = isObject(meta) ? textOf(meta, 'next_cursor') : null;
  if (body.has_more === true && after === null) {
    return { kind: 'error', error: unreadable('a page that says where the next one is') };
  }
  const results = records.filter((record) => record !== null).filter(keep);
  const page: Page = { results, total: null, after };
  return { kind: 'ok', data: page as unknown as Json };
}

const all = () => true;

/** Pages of 200 unless fewer are asked for: what Slack recommends at most. @see https://docs.slack.dev/apis/web-api/pagination */
function pageArgs({ limit, after }: PageInput) {
  return { limit: Math.min(limit ?? 200, 200), cursor: after };
}

const named = (id: string, scopes: readonly string[]) => ({ kind: 'read' as const, id, connector: 'slack', scopes });

function oneOf(what: string, answer: HttpAnswer, recordOf: Row): ReadVerdict {
  const body = successOf(answer);
  if (!body) return { kind: 'error', error: readError(answer) };
  const record = recordOf(body[what] ?? null);
  return record ? { kind: 'ok', data: record } : { kind: 'error', error: unreadable(`a ${what}`) };
}

/** Reads one message. */
export const getMessage: ReadOperation<MessagePlace> = {
  ...named('slack.messages.get', readHistory),
  request: (_context, input) => messageSpec(input),
  judge: (answer, input) => {
    const found = messageIn(answer, input);
    if ('error' in found) return { kind: 'error', error: found.error };
    const record = messageRecord(input.channel, found.raw);
    return record ? { kind: 'ok', data: record } : { kind: 'error', error: unreadable('a message') };
  },
};

/** Lists the messages of a channel, newest first; replies stand in their threads and are not among them. */
export const listMessages: ReadOperation<ListMessagesInput> = {
  ...named('slack.messages.list', readHistory),
  request: (_context, { channel, fromS, ...page }) =>
    methodSpec('conversations.history', {
      channel: idOf('channel', channel),
      oldest: fromS,
      inclusive: fromS === undefined ? undefined : true,
      include_all_metadata: true,
      ...pageArgs(page),
    }),
  judge: (answer, { channel }) => pageOf(answer, 'messages', (row) => messageRecord(channel, row), all),
};

/** Reads a thread from its first message on, oldest first; every page begins with that first message. */
export const readThread: ReadOperation<ThreadInput> = {
  ...named('slack.messages.thread', readHistory),
  request: (_context, { channel, threadTs, ...page }) =>
    methodSpec('conversations.replies', {
      channel: idOf('channel', channel),
      ts: idOf('ts', threadTs),
      include_all_metadata: true,
      ...pageArgs(page),
    }),
  judge: (answer, { channel }) => pageOf(answer, 'messages', (row) => messageRecord(channel, row), all),
};

/**
 * Searches messages by words. Slack lets only the token of a person do so, and shows what that person may see: a bot token is
 * refused with `not_allowed_token_type`. The index lags behind; never proof of absence.
 * @see https://docs.slack.dev/reference/methods/search.messages
 */
export const searchMessages: ReadOperation<SearchInput> = {
  ...named('slack.messages.search', ['search:read']),
  request: (_context, { words, limit, after }) =>
    methodSpec('search.messages', {
      // One phrase: what looks like `from:` or `in:` is searched for and not obeyed.
      query: `"${words.replaceAll('"', ' ').trim()}"`,
      count: Math.min(limit ?? 20, 100),
      page: after !== undefined && /^[1-9][0-9]{0,2}$/.test(after) ? after : 1,
      sort: 'timestamp',
    }),
  judge: (answer) => {
    const body = successOf(answer);
    if (!body) return { kind: 'error', error: readError(answer) };
    const found = isObject(body.messages) ? body.messages : {};
    const rows = Array.isArray(found.matches) ? (found.matches as readonly Json[]) : null;
    const records = rows?.map((row) => {
      const channel = isObject(row) && isObject(row.channel) ? textOf(row.channel, 'id') : null;
      return channel === null ? null : messageRecord(channel, row);
    });
    if (!records || records.includes(null)) return { kind: 'error', error: unreadable('a page of matches') };
    const paging = isObject(found.paging) ? found.paging : {};
    const [page, pages] = [Number(paging.page), Number(paging.pages)];
    if (!Number.isSafeInteger(page) || !Number.isSafeInteger(pages)) {
      return { kind: 'error', error: unreadable('a page of matches that says how many there are') };
    }
    const after = page < pages ? String(page + 1) : null;
    return { kind: 'ok', data: { results: records, total: null, after } as unknown as Json };
  },
};

/** Lists channels that are not archived, page by page. */
export const listChannels: ReadOperation<ListChannelsInput> = {
  ...named('slack.channels.list', readChannels),
  request: (_context, { limit, after }) =>
    methodSpec('conversations.list', {
      types: 'public_channel,private_channel',
      exclude_archived: true,
      limit: Math.min(limit ?? 1000, 1000),
      cursor: after,
    }),
  judge: (answer, { name }) => {
    const wanted = name?.toLowerCase().replace(/^#/, '') ?? '';
    return pageOf(answer, 'channels', channelRecord, ({ properties }) =>
      String(properties.name ?? '').includes(wanted),
    );
  },
};

/** Reads one channel by id. */
export const getChannel: ReadOperation<{ readonly id: string }> = {
  ...named('slack.channels.get', readChannels),
  request: (_context, { id }) => methodSpec('conversations.info', { channel: idOf('channel', id) }),
  judge: (answer) => oneOf('channel', answer, channelRecord),
};

/** Lists the people and bots of the workspace. */
export const listUsers: ReadOperation<PageInput> = {
  ...named('slack.users.list', ['users:read']),
  request: (_context, input) => methodSpec('users.list', pageArgs(input)),
  judge: (answer) => pageOf(answer, 'members', userRecord, all),
};

/** Reads one person or bot by id. */
export const getUser: ReadOperation<{ readonly id: string }> = {
  ...named('slack.users.get', ['users:read']),
  request: (_context, { id }) => methodSpec('users.info', { user: idOf('user', id) }),
  judge: (answer) => oneOf('user', answer, userRecord),
};

/** Finds the one person with an e-mail address; deactivated people are not found. */
export const findUser: ReadOperation<{ readonly email: string }> = {
  ...named('slack.users.find', ['users:read', 'users:read.email']),
  request: (_context, { email }) => methodSpec('users.lookupByEmail', { email }),
  judge: (answer) => oneOf('user', answer, userRecord),
};
