import { type Call, checkBody, preferences, type Row } from './call.ts';
import { GraphError } from './errors.ts';
import { valueAt } from './odata.ts';
import { schemas } from './schema.ts';
import { changeKeyOf, guidOf, type Item, place, type User, type Values } from './tenant.ts';

const folders: Readonly<Record<string, string>> = {
  inbox: 'inbox',
  drafts: 'drafts',
  sentitems: 'sentitems',
  deleteditems: 'deleteditems',
};

/** The id of a well-known folder of a user. */
export const folderId = (user: Pick<User, 'id'>, folder: string) =>
  `AQMkAD${guidOf(user.id, folder).replaceAll('-', '')}`;

/** A folder by its well-known name or its id. @throws GraphError 404 */
export function folderOf(user: User, folder: string): string {
  const known = Object.keys(folders).find((name) => name === folder.toLowerCase() || folderId(user, name) === folder);
  if (known === undefined)
    throw new GraphError(404, 'ErrorFolderNotFound', 'The specified folder could not be found in the store.');
  return known;
}

/** A message as JSON shows it to this caller. */
export function messageRow(call: Call, user: Pick<User, 'id'>, item: Item): Row {
  const { immutableIds, textBodies } = preferences(call);
  const held = item.values.body as { content: string } | undefined;
  const text = held?.content ?? '';
  const html = `<html><head></head><body>${text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('\n', '<br>')}</body></html>`;
  // Exchange ends a body with an empty line.
  const body = textBodies ? { contentType: 'text', content: `${text}\r\n` } : { contentType: 'html', content: html };
  const value: Values = {
    '@odata.etag': `W/"${changeKeyOf(item)}"`,
    ...{ id: immutableIds ? item.id : item.entryId, changeKey: changeKeyOf(item), ...item.values, body },
    ...{
      bodyPreview: text.slice(0, 255),
      parentFolderId: folderId(user, item.folder),
      hasAttachments: false,
      categories: [],
    },
    createdDateTime: iso(item.createdAtMs),
    lastModifiedDateTime: iso(item.modifiedAtMs),
    webLink: `https://outlook.office365.com/owa/?ItemID=${encodeURIComponent(item.id)}`,
  };
  return { value, extended: item.extended };
}

/** A time as Graph writes it. */
export const iso = (atMs: number) => new Date(atMs).toISOString().replace(/\.[0-9]{3}Z$/, 'Z');

/** @throws GraphError 412 where the caller decided on another version */
export function checkVersion({ request }: Call, item: Item): void {
  const wanted = request.headers['if-match'];
  if (wanted === undefined || wanted === '*' || wanted === `W/"${changeKeyOf(item)}"`) return;
  const message =
    'The send or update operation could not be performed because the change key passed in the request does not match the current change key for the item.';
  throw new GraphError(412, 'ErrorIrresolvableConflict', message);
}

/** What of a body is kept as it is. @throws GraphError 400 */
export function written(body: Values): Values {
  const { singleValueExtendedProperties: _extended, ...values } = body;
  for (const name of ['toRecipients', 'ccRecipients', 'bccRecipients', 'attendees']) {
    if (values[name] === undefined) continue;
    for (const one of values[name] as unknown[]) {
      const address = valueAt(one, 'emailAddress/address');
      if (typeof address !== 'string' || !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(address)) {
        throw new GraphError(400, 'ErrorInvalidRecipients', 'At least one recipient is not valid.');
      }
    }
  }
  return values;
}

/** Extended properties by their id. @throws GraphError 400 */
export function extendedOf(body: Values): Record<string, string> {
  const list = (body.singleValueExtendedProperties ?? []) as { id?: unknown; value?: unknown }[];
  return Object.fromEntries(
    list.map(({ id, value }) => {
      const isId =
        typeof id === 'string' && /^(String|Integer) (\{[0-9a-f-]{36}\} (Name|Id) \S+|0x[0-9a-f]+)$/i.test(id);
      if (!isId || typeof value !== 'string') {
        throw new GraphError(400, 'ErrorInvalidArgument', 'The value of the extended property is not valid.');
      }
      return [id.toLowerCase(), value];
    }),
  );
}

/** A user as sender or recipient. */
export function me(user: User): Values {
  return { emailAddress: { name: user.values.displayName, address: user.values.mail } };
}

function emptyDraft(call: Call, user: User, serial: string): Values {
  const nowMs = call.tenant.clock.now();
  return {
    ...{
      subject: '',
      body: { contentType: 'text', content: '' },
      toRecipients: [],
      ccRecipients: [],
      bccRecipients: [],
    },
    ...{ replyTo: [], importance: 'normal', isRead: true, isDraft: true, from: me(user), sender: me(user) },
    ...{ receivedDateTime: iso(nowMs), sentDateTime: iso(nowMs), conversationId: `AAQkAD${guidOf(user.id, serial)}=` },
    internetMessageId: `<${guidOf('mid', serial)}@sim.prod.outlook.example>`,
  };
}

/** Makes a draft of a body. @throws GraphError 400 */
export function draftOf(call: Call, user: User, body: Values, over: Values = {}): Item {
  checkBody(call, schemas.message, body);
  const values = { ...emptyDraft(call, user, String(call.tenant.version)), ...over, ...written(body) };
  return place(call.tenant, { kind: 'message', userId: user.id, folder: 'drafts', values, extended: extendedOf(body) });
}
