import type { SimAnswer } from '../loopback-server.ts';
import { type Call, checkBody, keyOf, linkTo, listed, logEffect, need, objectBody, type Row, shown } from './call.ts';
import { GraphError, itemNotFound, json, unknownSegment } from './errors.ts';
import { checkVersion, draftOf, folderOf, messageRow, written } from './message.ts';
import { parseSearch, valueAt } from './odata.ts';
import { sendDraft, sendMail } from './outgoing.ts';
import { schemas } from './schema.ts';
import { itemOf, itemsOf, remove, touch, type User, type Values } from './tenant.ts';

const reads = ['Mail.Read', 'Mail.ReadWrite'];
/** `/users/{id}/messages…`, `/users/{id}/mailFolders/{id}/messages` and `/users/{id}/sendMail`. */
export function mailRoute(call: Call, user: User): SimAnswer {
  const [, , area, ...rest] = call.rest;
  const { method } = call.request;
  if (area === 'sendMail' && method === 'POST') return sendMail(call, user);
  if (area === 'mailFolders') {
    const [folder = '', messages] = rest;
    if (messages !== 'messages' || method !== 'GET') throw unknownSegment(folder);
    return listMessages(call, user, folderOf(user, folder));
  }
  const [id, action] = rest;
  if (id === undefined) return method === 'GET' ? listMessages(call, user, null) : createDraft(call, user);
  if (action === undefined) return oneMessage(call, user, id);
  if (method !== 'POST') throw new GraphError(405, 'Request_BadRequest', 'Specified HTTP method is not allowed.');
  if (action === 'send') return sendDraft(call, user, id);
  if (action === 'createReply' || action === 'createReplyAll') return createReply(call, user, id, action);
  throw unknownSegment(action);
}

function listMessages(call: Call, user: User, folder: string | null): SimAnswer {
  need(call, 'mailbox', ...reads);
  const items = itemsOf(call.tenant, user.id, 'message').filter((item) => folder === null || item.folder === folder);
  const rows = items.map((item) => messageRow(call, user, item));
  const search = call.request.query.get('$search');
  if (search === null) return listed(call, 'message', rows, { most: 1000, usual: 10 });
  return searched(call, rows, search);
}

/** A search takes neither filter nor order, and pages by a token. */
function searched(call: Call, rows: readonly Row[], search: string): SimAnswer {
  const { query, path } = call.request;
  for (const other of ['$filter', '$orderby']) {
    if (query.has(other)) {
      const message = `The query parameter '${other}' is not supported with '$search'.`;
      throw new GraphError(400, other === '$filter' ? 'SearchWithFilter' : 'SearchWithOrderBy', message);
    }
  }
  const matches = parseSearch(search);
  const address = (value: unknown) => String(valueAt(value, 'emailAddress/address') ?? '');
  const text = (value: unknown) => `${String(valueAt(value, 'emailAddress/name') ?? '')} ${address(value)}`;
  const found = rows.filter(({ value }) =>
    matches({
      ...{ from: text(value.from), to: (value.toRecipients as unknown[]).map(text).join(' ') },
      ...{ subject: String(value.subject ?? ''), body: String(value.bodyPreview ?? '') },
      receivedDay: String(value.receivedDateTime ?? '').slice(0, 10),
    }),
  );
  const newest = found.sort((a, b) => (String(a.value.receivedDateTime) < String(b.value.receivedDateTime) ? 1 : -1));
  const size = Number(query.get('$top') ?? 10);
  const from = Number(query.get('$skiptoken') ?? 0);
  const onward = new URLSearchParams(query);
  onward.set('$skiptoken', String(from + size));
  const link = newest.length > from + size ? { '@odata.nextLink': linkTo(call, path, onward.toString()) } : {};
  return json(200, { ...link, value: newest.slice(from, from + size).map((row) => shown(call, schemas.message, row)) });
}

function oneMessage(call: Call, user: User, id: string): SimAnswer {
  const { method } = call.request;
  need(call, 'mailbox', ...(method === 'GET' ? reads : ['Mail.ReadWrite']));
  const item = itemOf(call.tenant, user.id, id);
  if (item?.kind !== 'message') throw itemNotFound();
  if (method === 'GET') return json(200, shown(call, schemas.message, messageRow(call, user, item)));
  checkVersion(call, item);
  if (method === 'DELETE') {
    remove(call.tenant, item);
    logEffect(call, 'archive', 'message', { id: item.id, key: keyOf(item), properties: {} });
    call.tenant.onChange({ type: 'deleted', of: item });
    return json(204, null);
  }
  if (method !== 'PATCH') throw new GraphError(405, 'Request_BadRequest', 'Specified HTTP method is not allowed.');
  const body = objectBody(call);
  checkBody(call, schemas.message, body);
  const always = ['isRead', 'categories', 'importance'];
  if (item.values.isDraft !== true && Object.keys(body).some((name) => !always.includes(name))) {
    const message = 'The property can only be updated while the message is a draft.';
    throw new GraphError(400, 'ErrorInvalidPropertyForUpdate', message);
  }
  Object.assign(item.values, written(body));
  touch(call.tenant, item);
  logEffect(call, 'update', 'message', { id: item.id, key: keyOf(item), properties: body });
  call.tenant.onChange({ type: 'updated', of: item });
  return json(200, messageRow(call, user, item).value);
}

function createDraft(call: Call, user: User): SimAnswer {
  need(call, 'mailbox', 'Mail.ReadWrite');
  if (call.request.method !== 'POST')
    throw new GraphError(405, 'Request_BadRequest', 'Specified HTTP method is not allowed.');
  const body = objectBody(call);
  const item = draftOf(call, user, body);
  logEffect(call, 'create', 'message', { id: item.id, key: keyOf(item), properties: body });
  call.tenant.onChange({ type: 'created', of: item });
  return json(201, messageRow(call, user, item).value);
}

function createReply(call: Call, user: User, id: string, action: string): SimAnswer {
  need(call, 'mailbox', 'Mail.ReadWrite');
  const original = itemOf(call.tenant, user.id, id);
  if (original?.kind !== 'message') throw itemNotFound();
  const { message = {}, comment } = objectBody(call) as { message?: Values; comment?: string };
  if (comment !== undefined && message.body !== undefined) {
    throw new GraphError(400, 'ErrorInvalidArgument', 'Either a comment or a body may be given, not both.');
  }
  const others = action === 'createReplyAll' ? (original.values.ccRecipients as unknown[]) : [];
  const item = draftOf(call, user, message, {
    subject: `RE: ${String(original.values.subject).replace(/^RE: /i, '')}`,
    toRecipients: [original.values.from],
    ccRecipients: others,
    conversationId: original.values.conversationId,
    body: { contentType: 'text', content: comment ?? '' },
  });
  logEffect(call, 'create', 'message', { id: item.id, key: keyOf(item), properties: { comment: comment ?? null } });
  call.tenant.onChange({ type: 'created', of: item });
  return json(201, messageRow(call, user, item).value);
}
