import type { SimAnswer } from '../loopback-server.ts';
import { type Call, keyOf, logEffect, need, objectBody } from './call.ts';
import { GraphError, itemNotFound, json } from './errors.ts';
import { draftOf, iso, me } from './message.ts';
import { valueAt } from './odata.ts';
import { guidOf, type Item, itemOf, place, remove, touch, type User, userOf, type Values } from './tenant.ts';

/** `POST /users/{id}/messages/{id}/send`. @throws GraphError 400, 404 */
export function sendDraft(call: Call, user: User, id: string): SimAnswer {
  need(call, 'mailbox', 'Mail.Send');
  const item = itemOf(call.tenant, user.id, id);
  if (item?.kind !== 'message') throw itemNotFound();
  if (item.values.isDraft !== true) {
    throw new GraphError(400, 'ErrorInvalidOperation', 'The message is not a draft and cannot be sent.');
  }
  submit(call, user, item);
  return json(202, null);
}

/** `POST /users/{id}/sendMail`: a draft and its sending in one. @throws GraphError 400 */
export function sendMail(call: Call, user: User): SimAnswer {
  need(call, 'mailbox', 'Mail.Send');
  const { message } = objectBody(call) as { message?: Values };
  if (message === undefined) throw new GraphError(400, 'ErrorInvalidParameter', 'The message is missing.');
  submit(call, user, draftOf(call, user, message));
  return json(202, null);
}

/** Sends a draft: it leaves the drafts, a copy lies among the sent mail, and people of the tenant get theirs. */
function submit(call: Call, user: User, draft: Item): void {
  const { tenant } = call;
  const { toRecipients, ccRecipients, bccRecipients } = draft.values as Record<string, unknown[]>;
  const people = [...(toRecipients ?? []), ...(ccRecipients ?? []), ...(bccRecipients ?? [])];
  if (people.length === 0) throw new GraphError(400, 'ErrorInvalidRecipients', 'At least one recipient is not valid.');
  if (tenant.knobs.sendLimitReached) {
    throw new GraphError(429, 'ErrorExceededMessageLimit', 'The mailbox exceeded its limit of messages.', {
      headers: { 'retry-after': '60' },
    });
  }
  const nowMs = tenant.clock.now();
  const sentAt = { isDraft: false, sentDateTime: iso(nowMs), receivedDateTime: iso(nowMs) };
  const values: Values = { ...draft.values, ...sentAt };
  const hiddenUntilMs = nowMs + tenant.knobs.outboxMs;
  if (tenant.knobs.sentKeepsId) {
    Object.assign(draft, { values, folder: 'sentitems', hiddenUntilMs });
    touch(tenant, draft);
  } else {
    remove(tenant, draft);
    place(tenant, {
      kind: 'message',
      userId: user.id,
      folder: 'sentitems',
      values,
      extended: draft.extended,
      hiddenUntilMs,
    });
  }
  const properties = { subject: values.subject, to: people.map((one) => valueAt(one, 'emailAddress/address')) };
  logEffect(call, 'create', 'sent_mail', { id: draft.id, key: keyOf(draft), properties });
  for (const one of people) deliver(call, String(valueAt(one, 'emailAddress/address') ?? ''), values);
}

function deliver({ tenant }: Call, address: string, values: Values): void {
  const user = [...tenant.users.values()].find(
    ({ values: held }) => String(held.mail).toLowerCase() === address.toLowerCase(),
  );
  if (!user || user.removed || !user.hasMailbox) return;
  const item = place(tenant, {
    kind: 'message',
    userId: user.id,
    folder: 'inbox',
    values: { ...values, isRead: false },
  });
  tenant.onChange({ type: 'created', of: item });
}

/** A mail of a person outside, as it arrives. */
export function receive(
  tenant: Call['tenant'],
  to: string,
  mail: { readonly from: string; readonly subject: string; readonly text: string },
): Item | null {
  const user = userOf(tenant, to);
  if (!user?.hasMailbox) return null;
  const from = { emailAddress: { name: mail.from, address: mail.from } };
  const at = iso(tenant.clock.now());
  const item = place(tenant, {
    ...{ kind: 'message', userId: user.id, folder: 'inbox' },
    values: {
      ...{ subject: mail.subject, body: { contentType: 'text', content: mail.text }, from, sender: from },
      ...{ toRecipients: [me(user)], ccRecipients: [], bccRecipients: [], replyTo: [], importance: 'normal' },
      ...{ isRead: false, isDraft: false, receivedDateTime: at, sentDateTime: at },
      conversationId: `AAQkAD${guidOf(mail.subject.replace(/^(RE|AW|FW): /i, ''), mail.from)}=`,
      internetMessageId: `<${guidOf('in', tenant.version)}@mail.example>`,
    },
  });
  tenant.onChange({ type: 'created', of: item });
  return item;
}
