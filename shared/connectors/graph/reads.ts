import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { Classified, HttpAnswer, ReadOperation, ReadVerdict, RequestSpec } from '../../model/operation.ts';
import { bodyOf } from '../json-body.ts';
import {
  type GraphObject,
  type GraphRecord,
  getSpec,
  itemPath,
  mailboxHeaders,
  refOf,
  refProperty,
  refuse,
  usersPath,
  type Versioned,
} from './client.ts';
import { graphFailure } from './errors.ts';
import { type ListKind, mailboxOfPlace, placeOf, placePath } from './links.ts';
import {
  extendedExpand,
  extendedFilter,
  isoTime,
  type MailSearch,
  mailSearch,
  type ODataCondition,
  odataFilter,
} from './odata.ts';
import { graphObjects, inMailbox, missingField, recordOf, selectOf } from './records.ts';

export type UserInput = { readonly userId: string };
export type ItemInput = { readonly userId: string; readonly id: string };
export type UsersInput = {
  /** Any of the groups, all conditions of a group. */
  readonly where?: readonly (readonly ODataCondition[])[];
  /** At most 999; default 100. */
  readonly limit?: number;
};
export type MessagesInput = UserInput & {
  /** `inbox`, `sentitems`, `drafts` or the id of a folder; absent: every folder. */
  readonly folder?: string;
  /** All of them must hold. Newest first, unless a conversation is asked for. */
  readonly where?: readonly ODataCondition[];
  readonly conversationId?: string;
  /** At most 100; default 50. */
  readonly limit?: number;
};
export type MessageSearchInput = UserInput & MailSearch & { readonly limit?: number };
/** ISO times in UTC. Occurrences of a series come one by one. */
export type EventsInput = UserInput & { readonly from: string; readonly to: string; readonly limit?: number };
/** The `after` of the page before. */
export type NextInput = { readonly after: string };

/** Turns an unexpected answer to a read into its error: a read has no outcome that could be unknown. */
export function readError(answer: HttpAnswer): ReadVerdict & { readonly kind: 'error' } {
  const { error } = graphFailure(answer);
  return { kind: 'error', error: error.class === 'unknown_outcome' ? { ...error, class: 'transient' } : error };
}

/** The error of an answer that says success and cannot be read. */
export function unreadable(what: string): Classified {
  return { class: 'transient', code: 'unreadable_answer', message: `Graph's answer is not ${what}.` };
}

/** The error of a record that lacks a field Graph always answers: a renamed field must not read as empty. */
function schemaError(object: GraphObject, record: GraphRecord): Classified | null {
  const missing = missingField(object, record);
  if (missing === null) return null;
  const message = `Graph did not answer the field ${missing}: it does not exist in this version, or not any more.`;
  return { class: 'schema', code: 'property_missing', message, target: missing };
}

/** A record of a list or by itself, or its error. */
export function readRecord(object: GraphObject, value: Json | undefined): GraphRecord | Classified {
  const record = recordOf(object, value);
  return record ? (schemaError(object, record) ?? record) : unreadable(`a ${object}`);
}

/** The record of an answer to a read of one. */
export function judgeOne(object: GraphObject, answer: HttpAnswer, mailbox?: string): GraphRecord | Classified {
  if (answer.status !== 200) return readError(answer).error;
  const read = readRecord(object, bodyOf(answer) ?? undefined);
  return isRecord(read) && mailbox !== undefined ? inMailbox(read, mailbox) : read;
}

/** Whether {@link readRecord} found a record. */
export function isRecord(value: GraphRecord | Classified): value is GraphRecord {
  return 'properties' in value;
}

/** The rows of a page and where it goes on, or what is wrong with it: a page that names no readable next one is cut short. */
export function rowsOfPage(
  answer: HttpAnswer,
  kind: ListKind,
): { readonly body: JsonObject; readonly rows: readonly Json[]; readonly after: string | null } | Classified {
  if (answer.status !== 200) return readError(answer).error;
  const body = bodyOf(answer);
  if (!body || !Array.isArray(body.value)) return unreadable('a page');
  const link = body['@odata.nextLink'];
  const after = link === undefined ? null : placeOf(link, kind);
  if (link !== undefined && after === null) {
    const message = 'Graph named a next page that is none of this list: the answer is not used.';
    return { class: 'transient', code: 'incomplete_result', message };
  }
  return { body, rows: body.value as readonly Json[], after };
}

/** One page as `{ results, total, after }`. One row that cannot be read is an error, never left out. */
function pageOf(object: GraphObject, answer: HttpAnswer, mailbox: string | null): ReadVerdict {
  const page = rowsOfPage(answer, graphObjects[object].plural as ListKind);
  if ('class' in page) return { kind: 'error', error: page };
  const results: GraphRecord[] = [];
  for (const row of page.rows) {
    const read = readRecord(object, row);
    if (!isRecord(read)) return { kind: 'error', error: read };
    results.push(mailbox === null ? read : inMailbox(read, mailbox));
  }
  return { kind: 'ok', data: { results, total: null, after: page.after } };
}

const permissions: Readonly<Record<GraphObject, string>> = {
  user: 'User.Read.All',
  message: 'Mail.Read',
  event: 'Calendars.Read',
};

const named = (object: GraphObject, verb: string) => ({
  kind: 'read' as const,
  id: `graph.${graphObjects[object].plural}.${verb}`,
  connector: 'graph',
  scopes: [permissions[object]],
});

const headersOf = (object: GraphObject) => (object === 'user' ? undefined : mailboxHeaders);

/** Asks for one record; items of a mailbox with the reference of the action that made them. */
export function readOne(context: Versioned, object: 'message' | 'event', { userId, id }: ItemInput): RequestSpec {
  const at = itemPath(context, userId, graphObjects[object].plural as 'messages' | 'events', id);
  return getSpec(at, { $select: selectOf(object, true), $expand: extendedExpand(refProperty) }, mailboxHeaders);
}

/** Asks for the items of a mailbox that carry a reference. */
export function findByRef(context: Versioned, object: 'message' | 'event', userId: string, ref: string): RequestSpec {
  const at = itemPath(context, userId, graphObjects[object].plural as 'messages' | 'events');
  const options = {
    $filter: extendedFilter(refProperty, ref),
    $select: selectOf(object, true),
    $expand: extendedExpand(refProperty),
    $top: 10,
  };
  return getSpec(at, options, mailboxHeaders);
}

/** The items of an answer to {@link findByRef} that do carry the reference, or why it cannot be judged. */
export function foundByRef(
  object: 'message' | 'event',
  answer: HttpAnswer,
  ref: string,
): readonly GraphRecord[] | Classified {
  const page = rowsOfPage(answer, graphObjects[object].plural as ListKind);
  if ('class' in page) return page;
  // A server that ignored the filter would show other items.
  if (page.after !== null || page.rows.some((row) => !isObject(row) || refOf(row) !== ref)) {
    return unreadable(`the ${graphObjects[object].plural} that were asked for`);
  }
  const records = page.rows.map((row) => readRecord(object, row));
  const broken = records.find((record): record is Classified => !isRecord(record));
  return broken ?? records.filter(isRecord);
}

/** Reads one user by id or user principal name. */
export function userGetOperation(): ReadOperation<UserInput> {
  return {
    ...named('user', 'get'),
    request: (context, { userId }) => getSpec(usersPath(context, userId), { $select: selectOf('user', true) }),
    judge: (answer) => {
      const read = judgeOne('user', answer);
      return isRecord(read) ? { kind: 'ok', data: read } : { kind: 'error', error: read };
    },
  };
}

/** Lists users, page by page: data is `{ results, total, after }`. */
export function userListOperation(): ReadOperation<UsersInput> {
  return {
    ...named('user', 'list'),
    request: (context, { where = [], limit }) =>
      getSpec(usersPath(context), {
        $top: Math.min(limit ?? 100, 999),
        $select: selectOf('user', false),
        $filter: odataFilter(where),
      }),
    judge: (answer) => pageOf('user', answer, null),
  };
}

/** Reads one message or event of a user's mailbox; the body as text. */
export function itemGetOperation(object: 'message' | 'event'): ReadOperation<ItemInput> {
  return {
    ...named(object, 'get'),
    request: (context, input) => readOne(context, object, input),
    judge: (answer, { userId }) => {
      const read = judgeOne(object, answer, userId);
      if (!isRecord(read)) return { kind: 'error', error: read };
      return { kind: 'ok', data: { ...read, ref: refOf(bodyOf(answer) ?? {}) } };
    },
  };
}

/** Graph sorts a filtered list only by what the filter names first. */
const anyTime: ODataCondition = {
  property: 'receivedDateTime',
  operator: 'ge',
  value: { dateTime: '1900-01-01T00:00:00Z' },
};

/** Lists messages: newest first, or, of one conversation, unsorted. It shows what was just written, unlike the search. */
export function messageListOperation(): ReadOperation<MessagesInput> {
  return {
    ...named('message', 'list'),
    request: (context, { userId, folder, where = [], conversationId, limit }) => {
      const sorted = conversationId === undefined;
      const thread: ODataCondition = { property: 'conversationId', operator: 'eq', value: conversationId ?? '' };
      const conditions = sorted ? (where.length > 0 ? [anyTime, ...where] : []) : [thread, ...where];
      const at = itemPath(context, userId, 'messages');
      return getSpec(
        folder === undefined ? at : at.replace(/messages$/, `mailFolders/${folderName(folder)}/messages`),
        {
          $top: Math.min(limit ?? 50, 100),
          $select: selectOf('message', !sorted),
          $filter: odataFilter([conditions]),
          $orderby: sorted ? 'receivedDateTime desc' : undefined,
        },
        mailboxHeaders,
      );
    },
    judge: (answer, { userId }) => pageOf('message', answer, userId),
  };
}

/** A well-known folder, or the id of one. Throws `invalid_input`. */
export function folderName(folder: string): string {
  if (!/^[A-Za-z0-9_=-]{2,512}$/.test(folder)) refuse('a folder is no name', 'Give inbox, sentitems, or the id of it.');
  return encodeURIComponent(folder);
}

/** Searches messages by words, sender, recipient, subject or days. The index lags behind; it is never proof of absence. */
export function messageSearchOperation(): ReadOperation<MessageSearchInput> {
  return {
    ...named('message', 'search'),
    request: (context, { userId, limit, ...search }) =>
      getSpec(
        itemPath(context, userId, 'messages'),
        { $search: mailSearch(search), $top: Math.min(limit ?? 25, 100), $select: selectOf('message', false) },
        mailboxHeaders,
      ),
    judge: (answer, { userId }) => pageOf('message', answer, userId),
  };
}

/** Lists the events of a calendar in a span of time, each occurrence by itself. */
export function eventListOperation(): ReadOperation<EventsInput> {
  return {
    ...named('event', 'list'),
    request: (context, { userId, from, to, limit }) =>
      getSpec(
        `${usersPath(context, userId)}/calendarView`,
        {
          startDateTime: isoTime(from),
          endDateTime: isoTime(to),
          $top: Math.min(limit ?? 50, 100),
          $select: selectOf('event', false),
          $orderby: 'start/dateTime',
        },
        mailboxHeaders,
      ),
    judge: (answer, { userId }) => pageOf('event', answer, userId),
  };
}

/** Reads the next page of a list, at the place the page before named. Any other place is refused before a request is made. */
export function nextOperation(object: GraphObject): ReadOperation<NextInput> {
  return {
    ...named(object, 'next'),
    request: (context, { after }) =>
      getSpec(placePath(context, after, graphObjects[object].plural as ListKind), {}, headersOf(object)),
    judge: (answer, { after }) => pageOf(object, answer, mailboxOfPlace(after)),
  };
}
