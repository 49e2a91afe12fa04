import { isObject, type Json } from '../../model/json.ts';
import type { HttpAnswer, ReadOperation, ReadVerdict, RequestSpec } from '../../model/operation.ts';
import { type GraphObject, type GraphRecord, getSpec, mailboxHeaders, usersPath, type Versioned } from './client.ts';
import { saysResync } from './errors.ts';
import { type ListKind, placeOf, placePath } from './links.ts';
import { isoTime } from './odata.ts';
import { folderName, rowsOfPage, unreadable } from './reads.ts';
import { graphObjects, recordOf, selectOf } from './records.ts';

/** Where a round of changes begins, or where it goes on: the `after` of its last page, or the `cursor` of the round before. */
export type DeltaInput =
  | { readonly after: string }
  | { readonly userId?: string; readonly folder?: string; readonly from?: string; readonly to?: string };

/** What one page of changes says. `resync`: the cursor has ended, so that everything is to be read again from the start. */
export type DeltaPage =
  | {
      readonly kind: 'page';
      /** Only what changed of each record may stand in it. */
      readonly results: readonly GraphRecord[];
      /** `deleted`: out of this list for good or moved elsewhere. `changed`: it may be restored. */
      readonly removed: readonly { readonly id: string; readonly reason: string }[];
      /** The next page of this round, or null. */
      readonly after: string | null;
      /** At the end of a round: where the next round begins. */
      readonly cursor: string | null;
    }
  | { readonly kind: 'resync' };

const scopes: Readonly<Record<GraphObject, string>> = {
  user: 'User.Read.All',
  message: 'Mail.Read',
  event: 'Calendars.Read',
};

/**
 * Reads what changed: users of the tenant, messages of one folder, or events of a span of one calendar. Data is a
 * {@link DeltaPage}. A cursor of users lives for 7 days, others for as long as the mailbox keeps it; one that has ended
 * answers `resync`, which is no error.
 * @see https://learn.microsoft.com/en-us/graph/delta-query-overview
 */
export function deltaOperation(object: GraphObject): ReadOperation<DeltaInput> {
  const headers = object === 'user' ? undefined : { prefer: `${mailboxHeaders.prefer}, odata.maxpagesize=100` };
  return {
    kind: 'read',
    id: `graph.${graphObjects[object].plural}.delta`,
    connector: 'graph',
    scopes: [scopes[object]],
    request: (context, input) =>
      'after' in input
        ? getSpec(placePath(context, input.after, graphObjects[object].plural as ListKind), {}, headers)
        : { ...firstSpec(context, object, input), ...(headers ? { headers } : {}) },
    judge: (answer) => deltaPage(object, answer),
  };
}

function firstSpec(
  context: Versioned,
  object: GraphObject,
  { userId = '', folder = 'inbox', from = '', to = '' }: Exclude<DeltaInput, { after: string }>,
): RequestSpec {
  const $select = selectOf(object, false);
  if (object === 'user') return getSpec(`${usersPath(context)}/delta`, { $select });
  const mailbox = usersPath(context, userId);
  if (object === 'message') return getSpec(`${mailbox}/mailFolders/${folderName(folder)}/messages/delta`, { $select });
  // A delta of a calendar takes no $select.
  return getSpec(`${mailbox}/calendarView/delta`, { startDateTime: isoTime(from), endDateTime: isoTime(to) });
}

function deltaPage(object: GraphObject, answer: HttpAnswer): ReadVerdict {
  if (saysResync(answer)) return { kind: 'ok', data: { kind: 'resync' } };
  const kind = graphObjects[object].plural as ListKind;
  const page = rowsOfPage(answer, kind);
  if ('class' in page) return { kind: 'error', error: page };
  const cursor = placeOf(page.body['@odata.deltaLink'], kind);
  // Without either the round would end here and nobody would know.
  if ((page.after === null) === (cursor === null)) {
    return { kind: 'error', error: { ...unreadable('a page of changes that goes on'), code: 'incomplete_result' } };
  }
  const results: GraphRecord[] = [];
  const removed: { id: string; reason: string }[] = [];
  for (const row of page.rows) {
    const gone = removedOf(row);
    if (gone) removed.push(gone);
    else {
      const record = recordOf(object, row, true);
      if (!record) return { kind: 'error', error: unreadable(`a page of changed ${kind}`) };
      results.push(record);
    }
  }
  return { kind: 'ok', data: { kind: 'page', results, removed, after: page.after, cursor } };
}

function removedOf(row: Json): { id: string; reason: string } | null {
  if (!isObject(row) || !isObject(row['@removed']) || typeof row.id !== 'string') return null;
  const { reason } = row['@removed'];
  return { id: row.id, reason: reason === 'changed' ? 'changed' : 'deleted' };
}
