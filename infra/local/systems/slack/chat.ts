import type { AppliedEffect } from '../effect-log.ts';
import { hashOf } from '../effect-log.ts';
import { type Call, flag, needChannel, needText, sees, structure, text } from './call.ts';
import { shownMessage } from './conversations.ts';
import { SlackError } from './errors.ts';
import {
  addMessage,
  type Channel,
  type Message,
  type Metadata,
  messageAt,
  nextTs,
  removeMessage,
  replaceMessage,
  saveChannel,
} from './workspace.ts';

const maxTextChars = 40_000;
const maxMetadataBytes = 16_384;

/** `chat.postMessage`. @see https://docs.slack.dev/reference/methods/chat.postMessage */
export function postMessage(call: Call): Record<string, unknown> {
  const { workspace } = call;
  const channel = addressed(call, needText(call, 'channel'));
  if (channel.is_archived) throw new SlackError('is_archived');
  const anywhere = call.token.scopes.has('chat:write.public') && !channel.is_private;
  if (!channel.members.includes(call.token.user) && !anywhere) throw new SlackError('not_in_channel');
  const content = contentOf(call);
  const threadTs = text(call, 'thread_ts');
  const parent = threadTs === undefined ? null : messageAt(workspace, channel.id, threadTs);
  if (threadTs !== undefined && !parent) throw new SlackError('thread_not_found');
  const metadata = metadataOf(call);
  const message = addMessage(workspace, channel.id, {
    ...author(call),
    ...content,
    // A reply to a reply goes to the thread's first message.
    ...(parent ? { thread_ts: parent.thread_ts ?? parent.ts } : {}),
    ...(metadata ? { metadata } : {}),
  });
  if (parent && parent.thread_ts === undefined) {
    replaceMessage(workspace, channel.id, { ...parent, thread_ts: parent.ts });
  }
  logEffect(call, 'create', channel.id, message, { text: message.text, thread_ts: message.thread_ts ?? null });
  tell(call, channel, { ...message });
  return { channel: channel.id, ts: message.ts, message: shownMessage(workspace, channel.id, message, true) };
}

/** `chat.update`: only what the app itself posted. @see https://docs.slack.dev/reference/methods/chat.update */
export function updateMessage(call: Call): Record<string, unknown> {
  const { workspace } = call;
  const channel = needChannel(call);
  const before = ownMessage(call, channel, 'cant_update_message');
  const content = contentOf(call);
  const { blocks: _blocks, ...kept } = before;
  const metadata = metadataOf(call);
  const edited = { user: call.token.user, ts: nextTs(workspace) };
  const message: Message = { ...kept, ...content, ...(metadata ? { metadata } : {}), edited };
  replaceMessage(workspace, channel.id, message);
  logEffect(call, 'update', channel.id, message, { text: message.text });
  tell(call, channel, { subtype: 'message_changed', hidden: true, message, previous_message: before, ts: edited.ts });
  const shown = shownMessage(workspace, channel.id, message, true);
  return { channel: channel.id, ts: message.ts, text: message.text, message: shown };
}

/** `chat.delete`. @see https://docs.slack.dev/reference/methods/chat.delete */
export function deleteMessage(call: Call): Record<string, unknown> {
  const { workspace } = call;
  const channel = needChannel(call);
  const message = ownMessage(call, channel, 'cant_delete_message');
  removeMessage(workspace, channel.id, message.ts);
  logEffect(call, 'archive', channel.id, message, {});
  const ts = nextTs(workspace);
  tell(call, channel, {
    subtype: 'message_deleted',
    hidden: true,
    deleted_ts: message.ts,
    previous_message: message,
    ts,
  });
  return { channel: channel.id, ts: message.ts };
}

/** `chat.getPermalink`. */
export function permalink(call: Call): Record<string, unknown> {
  const channel = needChannel(call);
  const ts = needText(call, 'message_ts');
  if (!messageAt(call.workspace, channel.id, ts)) throw new SlackError('message_not_found');
  const address = `https://${call.workspace.domain}.slack.com/archives/${channel.id}/p${ts.replace('.', '')}`;
  return { channel: channel.id, permalink: address };
}

/** The channel by id or name, or the direct conversation with a user. */
function addressed(call: Call, to: string): Channel {
  const { workspace } = call;
  if (workspace.users.has(to)) return directWith(call, to);
  const named = [...workspace.channels.values()].find(({ name, is_im }) => !is_im && name === to.replace(/^#/, ''));
  const channel = workspace.channels.get(to) ?? named;
  if (!channel || !sees(call, channel)) throw new SlackError('channel_not_found');
  return channel;
}

function directWith(call: Call, user: string): Channel {
  const { workspace, token } = call;
  const id = `D${user.slice(1)}`;
  const open = workspace.channels.get(id);
  if (open) return open;
  const created = Math.floor(workspace.clock.now() / 1000);
  const plain = { name: user, is_private: true, is_archived: false, is_im: true, topic: '', purpose: '' };
  return saveChannel(workspace, { id, ...plain, created, creator: token.user, members: [token.user, user] });
}

function author({ token, workspace }: Call): Pick<Message, 'user' | 'bot_id' | 'app_id'> {
  const app = { app_id: workspace.appId };
  return token.kind === 'bot' ? { user: token.user, bot_id: workspace.botId, ...app } : { user: token.user, ...app };
}

function ownMessage(call: Call, channel: Channel, refusal: string): Message {
  const message = messageAt(call.workspace, channel.id, needText(call, 'ts'));
  if (!message || message.subtype === 'tombstone') throw new SlackError('message_not_found');
  if (message.user !== call.token.user) throw new SlackError(refusal);
  return message;
}

function contentOf(call: Call): { text: string; blocks?: unknown } {
  const given = text(call, 'text');
  const blocks = structure(call, 'blocks', 'invalid_blocks_format');
  if (blocks !== undefined && !Array.isArray(blocks)) throw new SlackError('invalid_blocks_format');
  if (given === undefined && (!Array.isArray(blocks) || blocks.length === 0)) throw new SlackError('no_text');
  if ((given ?? '').length > maxTextChars) throw new SlackError('msg_too_long');
  return { text: stored(given ?? '', flag(call, 'link_names')), ...(blocks === undefined ? {} : { blocks }) };
}

const emoji: Readonly<Record<string, string>> = {
  '🚀': ':rocket:',
  '👍': ':+1:',
  '✅': ':white_check_mark:',
  '🎉': ':tada:',
};

/** Text as the workspace keeps it: addresses become links, emoji their names, and with `link_names` words become mentions. */
function stored(given: string, linkNames: boolean): string {
  const linked = given.replaceAll(/(^|[\s(])(https?:\/\/[^\s<>()]+[^\s<>().,;!?])/g, '$1<$2>');
  const named = Object.entries(emoji).reduce((all, [sign, name]) => all.replaceAll(sign, name), linked);
  return linkNames ? named.replaceAll(/(^|\s)@(channel|here|everyone)\b/g, '$1<!$2>') : named;
}

function metadataOf(call: Call): Metadata | null {
  const given = structure(call, 'metadata', 'invalid_metadata_format');
  if (given === undefined) return null;
  if (typeof given !== 'object' || given === null) throw new SlackError('invalid_metadata_format');
  const { event_type: type, event_payload: payload } = given as Record<string, unknown>;
  const isPayload = typeof payload === 'object' && payload !== null && !Array.isArray(payload);
  if (typeof type !== 'string' || !/^[A-Za-z0-9_]{1,255}$/.test(type) || !isPayload) {
    throw new SlackError('invalid_metadata_format');
  }
  if (JSON.stringify(given).length > maxMetadataBytes) throw new SlackError('metadata_too_large');
  return { event_type: type, event_payload: payload as Record<string, unknown> };
}

function logEffect(
  call: Call,
  change: AppliedEffect['change'],
  channel: string,
  message: Message,
  properties: Readonly<Record<string, unknown>>,
): void {
  const key = message.metadata?.event_payload.plumbline_ref;
  call.workspace.effects.applied({
    atMs: call.workspace.clock.now(),
    method: call.request.method,
    path: call.request.path,
    change,
    object: 'message',
    id: `${channel}/${message.ts}`,
    key: typeof key === 'string' ? key : null,
    properties,
    requestHash: hashOf(call.request),
  });
}

function tell(call: Call, channel: Channel, event: Readonly<Record<string, unknown>>): void {
  const kind = channel.is_im ? 'im' : channel.is_private ? 'group' : 'channel';
  const { metadata: _metadata, ...plain } = event;
  call.workspace.onEvent({ ...plain, type: 'message', channel: channel.id, channel_type: kind, event_ts: event.ts });
}
