import * as z from 'zod/mini';
import { type MessagePlace, messagePlace, messageId as oneId } from '../../shared/connectors/slack/client.ts';

/** A Slack channel id. */
export const channelId = z
  .string()
  .check(z.regex(/^[CGD][A-Z0-9]{2,20}$/, 'a channel id such as C0123ABC, as returned by slack_channel_find'));

/** A Slack message id as the tools return it. */
export const messageId = z.string().check(
  z.regex(/^[CGD][A-Z0-9]{2,20}(\/[0-9]{10}\.[0-9]{6}){1,2}$/, 'a message id, as returned by slack_messages_list'),
  // The first message of a thread has one id, also where it is named as a reply to itself.
  z.overwrite((id) => oneId(placeOf(id))),
);

/** People to mention, each once: in which order they were named makes no other message. */
export const mentions = z._default(
  z.array(z.string().check(z.regex(/^[UW][A-Z0-9]{2,20}$/, 'a user id such as U0123ABC'))).check(
    z.maxLength(5),
    z.overwrite((ids) => [...new Set(ids)].sort()),
  ),
  [],
);

/** Where the message of an id stands; the id has passed {@link messageId}. */
export function placeOf(id: string): MessagePlace {
  return messagePlace(id) ?? { channel: '', ts: '' };
}

/** A message as agents get it. */
export const messageFields = {
  text: 'text',
  user: 'user_id',
  bot: 'bot_id',
  at: 'at',
  edited_at: 'edited_at',
  replies: 'replies',
  posted_by_action: 'posted_by_agent',
};
