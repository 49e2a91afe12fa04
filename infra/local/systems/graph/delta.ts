import type { SimAnswer } from '../loopback-server.ts';
import { eventRow, inSpan } from './calendar.ts';
import { type Call, linkTo, need, preferences, shown } from './call.ts';
import { userRow } from './directory.ts';
import { GraphError, json } from './errors.ts';
import { folderOf, messageRow } from './message.ts';
import { type Schema, schemas } from './schema.ts';
import type { Item, User, Values } from './tenant.ts';

/** Where a round stands. Opaque to callers. */
type Cursor = {
  readonly list: string;
  /** Changes after this number are shown; null begins with everything that is there. */
  readonly since: number | null;
  /** Up to this number, so that a round ends although changes go on. */
  readonly until: number;
  /** The last change that was shown in this round. */
  readonly from: number;
  /** A page without changes was shown. */
  readonly paused: boolean;
  readonly select: string | null;
  readonly span: string;
  readonly atMs: number;
};

type Changed = { readonly version: number; readonly row: Values };

const userCursorMs = 7 * 86_400_000;

/** `/users/delta`, `/users/{id}/mailFolders/{id}/messages/delta`, `/users/{id}/calendarView/delta`. */
export function deltaRoute(call: Call, user: User | null): SimAnswer {
  const { tenant, request } = call;
  const { query } = request;
  const token = query.get('$skiptoken') ?? query.get('$deltatoken');
  const list = listOf(call, user);
  const start: Cursor = {
    ...{
      list,
      since: null,
      until: tenant.version,
      from: 0,
      paused: false,
      select: query.get('$select'),
      atMs: tenant.clock.now(),
    },
    span: spanOf(query),
  };
  if (token === 'latest') return page(call, { ...start, since: tenant.version }, user);
  const cursor = token === null ? start : cursorOf(call, token, list);
  // A new round sees what came since the last one ended.
  return page(call, query.has('$deltatoken') ? { ...cursor, until: tenant.version } : cursor, user);
}

function spanOf(query: URLSearchParams): string {
  const kept = ['startDateTime', 'endDateTime'].flatMap((name) =>
    query.has(name) ? [[name, query.get(name) ?? ''] as [string, string]] : [],
  );
  return new URLSearchParams(kept).toString();
}

function listOf(call: Call, user: User | null): string {
  const [, , area, folder] = call.rest;
  if (user === null) return 'users';
  return area === 'calendarView' ? `events/${user.id}` : `messages/${user.id}/${folderOf(user, folder ?? '')}`;
}

function cursorOf({ tenant }: Call, token: string, list: string): Cursor {
  const { resyncStatus, cursorsBefore } = tenant.knobs;
  const ended = () =>
    resyncStatus === 410
      ? new GraphError(410, 'syncStateNotFound', 'The sync state generation is not found; continue with a full sync.')
      : new GraphError(400, 'BadRequest', 'The sync state generation is not found.', { inner: 'syncStateNotFound' });
  let cursor: Cursor;
  try {
    cursor = JSON.parse(Buffer.from(token, 'base64url').toString()) as Cursor;
  } catch {
    throw ended();
  }
  if (cursor.list !== list) throw ended();
  const tooOld = list === 'users' && tenant.clock.now() - cursor.atMs > userCursorMs;
  if (tooOld || cursor.until < cursorsBefore) throw ended();
  return cursor;
}

function page(call: Call, cursor: Cursor, user: User | null): SimAnswer {
  const { tenant, request } = call;
  const size = preferences(call).pageSize ?? (user === null ? 200 : 10);
  const changes = changesOf(call, cursor, user)
    .filter(({ version }) => version > cursor.from)
    .sort((a, b) => a.version - b.version);
  const pause = tenant.knobs.emptyPages && !cursor.paused;
  const shownNow = pause ? [] : changes.slice(0, size);
  const value = shownNow.map(({ row }) => row);
  const goesOn = pause || changes.length > size;
  const next: Cursor = goesOn
    ? { ...cursor, paused: true, from: shownNow.at(-1)?.version ?? cursor.from }
    : { ...cursor, paused: false, since: cursor.until, from: 0, atMs: tenant.clock.now() };
  const token = Buffer.from(JSON.stringify(next)).toString('base64url');
  const query = new URLSearchParams(`${cursor.span}`);
  query.set(goesOn ? '$skiptoken' : '$deltatoken', token);
  const link = linkTo(call, request.path, query.toString());
  return json(200, { [goesOn ? '@odata.nextLink' : '@odata.deltaLink']: link, value });
}

function changesOf(call: Call, cursor: Cursor, user: User | null): Changed[] {
  const { tenant } = call;
  const query = new URLSearchParams(cursor.span);
  if (cursor.select !== null) query.set('$select', cursor.select);
  const asked: Call = { ...call, request: { ...call.request, query } };
  const inRound = (one: Item | User) =>
    one.version <= cursor.until && (cursor.since === null ? !one.removed : one.version > cursor.since);
  if (user === null) {
    need(call, 'directory', 'User.Read.All');
    return [...tenant.users.values()]
      .filter(inRound)
      .map((one) => ({ version: one.version, row: userChange(asked, one, cursor) }));
  }
  const isMail = cursor.list.startsWith('messages/');
  need(call, 'mailbox', ...(isMail ? ['Mail.Read', 'Mail.ReadWrite'] : ['Calendars.Read', 'Calendars.ReadWrite']));
  const folder = cursor.list.split('/')[2];
  const visible = isMail ? null : new Set(inSpan(asked, user).map(({ value }) => value.id));
  return [...tenant.items.values()]
    .filter((item) => item.userId === user.id && item.kind === (isMail ? 'message' : 'event') && inRound(item))
    .flatMap((item) => {
      const row = isMail ? messageRow(asked, user, item) : eventRow(asked, item);
      const gone = item.removed || (isMail ? item.folder !== folder : !visible?.has(row.value.id));
      if (gone && cursor.since === null) return [];
      const change = gone
        ? { '@odata.type': `#microsoft.graph.${item.kind}`, id: row.value.id, '@removed': { reason: 'deleted' } }
        : shown(asked, schemas[item.kind] as Schema, row);
      return [{ version: item.version, row: change }];
    });
}

/** Of a changed user only what changed is shown, of a new one all. */
function userChange(call: Call, user: User, cursor: Cursor): Values {
  if (user.removed) return { id: user.id, '@removed': { reason: 'changed' } };
  const row = shown(call, schemas.user, userRow(user));
  if (cursor.since === null || user.changed.length === 0) return row;
  return Object.fromEntries(Object.entries(row).filter(([name]) => name === 'id' || user.changed.includes(name)));
}
