import { PlumblineError } from '../../model/errors.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { HttpAnswer, RecordRef, RequestSpec } from '../../model/operation.ts';
import { bodyOf } from '../json-body.ts';
import { readableText } from './text.ts';

/** The objects of Slack this connector knows, as records name them. */
export type SlackObject = 'message' | 'channel' | 'user';

/** One record as our operations return it. */
export type SlackRecord = { readonly id: string; readonly properties: JsonObject };

/** Where a message stands. `threadTs` is the first message of its thread, where it is a reply. */
export type MessagePlace = { readonly channel: string; readonly ts: string; readonly threadTs?: string };

/** How long one request to Slack may take, milliseconds. */
export const requestTimeoutMs = 15_000;

/** Names under which a message carries the key of the action that posted it. */
export const refType = 'plumbline_action';
export const refName = 'plumbline_ref';

const shapes = {
  channel: /^[CGD][A-Z0-9]{2,20}$/,
  user: /^[UW][A-Z0-9]{2,20}$/,
  group: /^S[A-Z0-9]{2,20}$/,
  ts: /^[0-9]{10}\.[0-9]{6}$/,
} as const;

/** Whether a value is an id of Slack's own shape. */
export function isId(kind: keyof typeof shapes, value: unknown): value is string {
  return typeof value === 'string' && shapes[kind].test(value);
}

/** The id, where it has Slack's own shape. Throws `invalid_input` for any other. */
export function idOf(kind: keyof typeof shapes, value: string): string {
  if (isId(kind, value)) return value;
  const form = { channel: 'C0123ABC', user: 'U0123ABC', group: 'S0123ABC', ts: '1715000000.000100' }[kind];
  throw new PlumblineError(`A request was refused before it was built: no ${kind} id of Slack.`, {
    code: 'invalid_input',
    retry: 'never',
    hint: `An id such as ${form}, as the reads answer it.`,
  });
}

/** The one id of a message among ours: `C1/1715000000.000100`, or `C1/<thread>/<ts>` for a reply. */
export function messageId({ channel, ts, threadTs }: MessagePlace): string {
  return threadTs === undefined || threadTs === ts ? `${channel}/${ts}` : `${channel}/${threadTs}/${ts}`;
}

/** Where the message of an id stands, or null where the id is none of {@link messageId}. */
export function messagePlace(id: string): MessagePlace | null {
  const [channel, first, second, ...rest] = id.split('/');
  if (rest.length > 0 || !isId('channel', channel) || !isId('ts', first)) return null;
  if (second === undefined) return { channel, ts: first };
  return isId('ts', second) ? { channel, ts: second, threadTs: first } : null;
}

/** One call of a Web API method, as the vendor's own client makes it: a form, so that no argument stands in an address. */
export function methodSpec(
  method: string,
  args: Readonly<Record<string, string | number | boolean | undefined>> = {},
): RequestSpec {
  const form = Object.entries(args).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as const],
  );
  return { method: 'POST', path: `/api/${method}`, body: { form }, timeoutMs: requestTimeoutMs };
}

/** The body of an answer that says it succeeded, or null: Slack answers 200 to failures too. */
export function successOf(answer: HttpAnswer): JsonObject | null {
  const body = answer.status === 200 ? bodyOf(answer) : null;
  return body?.ok === true ? body : null;
}

/** The text under a name, or null. */
export function textOf(object: JsonObject, name: string): string | null {
  const value = object[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

/** The key of the action that posted a message, or null where it carries none that can be seen. */
export function keyOf(message: JsonObject): string | null {
  const { metadata } = message;
  if (!isObject(metadata) || metadata.event_type !== refType || !isObject(metadata.event_payload)) return null;
  return textOf(metadata.event_payload, refName);
}

/** A message as a record, or null where the value is none. A deleted one that still holds its thread together is none. */
export function messageRecord(channel: string, value: Json | undefined): SlackRecord | null {
  if (!isObject(value) || value.type !== 'message' || value.subtype === 'tombstone' || !isId('ts', value.ts))
    return null;
  if (typeof value.text !== 'string') return null;
  const threadTs = isId('ts', value.thread_ts) ? value.thread_ts : undefined;
  const place = { channel, ts: value.ts, ...(threadTs === undefined ? {} : { threadTs }) };
  const edited = isObject(value.edited) ? textOf(value.edited, 'ts') : null;
  return {
    id: messageId(place),
    properties: {
      channel,
      ts: value.ts,
      thread_ts: threadTs ?? null,
      text: readableText(value.text),
      user: textOf(value, 'user'),
      bot: textOf(value, 'bot_id'),
      kind: textOf(value, 'subtype') ?? 'message',
      at: timeOf(value.ts),
      edited_at: edited === null ? null : timeOf(edited),
      replies: typeof value.reply_count === 'number' ? value.reply_count : 0,
      posted_by_action: keyOf(value) !== null,
    },
  };
}

/** A conversation as a record, or null where the value is none. */
export function channelRecord(value: Json | undefined): SlackRecord | null {
  if (!isObject(value) || !isId('channel', value.id)) return null;
  const inner = (name: string) => (isObject(value[name]) ? textOf(value[name], 'value') : null);
  return {
    id: value.id,
    properties: {
      name: textOf(value, 'name'),
      topic: inner('topic'),
      purpose: inner('purpose'),
      private: value.is_private === true,
      archived: value.is_archived === true,
      member: value.is_member === true,
      shared_outside: value.is_ext_shared === true,
      members: typeof value.num_members === 'number' ? value.num_members : null,
    },
  };
}

/** A user as a record, or null where the value is none. The e-mail needs a scope of its own and may be missing. */
export function userRecord(value: Json | undefined): SlackRecord | null {
  if (!isObject(value) || !isId('user', value.id)) return null;
  const profile = isObject(value.profile) ? value.profile : {};
  return {
    id: value.id,
    properties: {
      handle: textOf(value, 'name'),
      real_name: textOf(profile, 'real_name') ?? textOf(value, 'real_name'),
      display_name: textOf(profile, 'display_name'),
      email: textOf(profile, 'email'),
      phone: textOf(profile, 'phone'),
      title: textOf(profile, 'title'),
      timezone: textOf(value, 'tz'),
      bot: value.is_bot === true,
      deactivated: value.deleted === true,
    },
  };
}

/** A record reference. The first part names the connector; the caller puts the configured system there. */
export function recordRef(object: SlackObject, id: string): RecordRef {
  return ['slack', object, id];
}

function timeOf(ts: string): string | null {
  const seconds = Number(ts.split('.')[0]);
  return Number.isSafeInteger(seconds) && seconds > 0 ? new Date(seconds * 1000).toISOString() : null;
}
