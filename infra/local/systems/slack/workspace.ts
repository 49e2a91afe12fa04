import type { Clock } from '../../../../shared/model/clock.ts';
import type { EffectLog } from '../effect-log.ts';
import type { StateFile } from '../state-file.ts';

/** A person or a bot of the workspace. */
export type User = {
  readonly id: string;
  readonly name: string;
  readonly deleted: boolean;
  readonly is_bot: boolean;
  readonly tz: string;
  readonly profile: {
    readonly real_name: string;
    readonly display_name: string;
    readonly email: string | null;
    readonly phone: string | null;
    readonly title: string;
  };
};

/** A conversation. `members` are user ids. */
export type Channel = {
  readonly id: string;
  readonly name: string;
  readonly is_private: boolean;
  readonly is_archived: boolean;
  readonly is_im: boolean;
  readonly created: number;
  readonly creator: string;
  readonly topic: string;
  readonly purpose: string;
  readonly members: readonly string[];
};

/** What an app hangs on a message. */
export type Metadata = { readonly event_type: string; readonly event_payload: Readonly<Record<string, unknown>> };

/** One message as the workspace keeps it. */
export type Message = {
  readonly type: 'message';
  readonly ts: string;
  readonly user: string;
  readonly text: string;
  readonly subtype?: string;
  readonly bot_id?: string;
  readonly app_id?: string;
  readonly thread_ts?: string;
  readonly metadata?: Metadata;
  readonly edited?: { readonly user: string; readonly ts: string };
  readonly blocks?: unknown;
};

/** What happened, for the sender of events. */
export type Happened = { readonly type: string } & Readonly<Record<string, unknown>>;

/** The state of one simulated workspace with one app installed in it. */
export type Workspace = {
  readonly teamId: string;
  readonly enterpriseId: string | null;
  /** First label of the workspace's own address. */
  readonly domain: string;
  readonly appId: string;
  readonly botId: string;
  readonly botUser: string;
  readonly clock: Clock;
  readonly file: StateFile;
  readonly effects: EffectLog;
  readonly users: Map<string, User>;
  readonly channels: Map<string, Channel>;
  /** By channel, oldest first. */
  readonly messages: Map<string, Message[]>;
  /** The last time given out, microseconds: no two messages share one. */
  lastMicros: number;
  onEvent: (event: Happened) => void;
};

/** An empty workspace, or what the state file holds. Seeding is the caller's. */
export function openWorkspace(
  input: Omit<Workspace, 'users' | 'channels' | 'messages' | 'lastMicros' | 'onEvent'>,
): Workspace {
  const messages = new Map<string, Message[]>();
  const channels = new Map(input.file.load<Channel>('channel').map((one) => [one.id, one]));
  const users = new Map(input.file.load<User>('user').map((one) => [one.id, one]));
  let lastMicros = 0;
  for (const { channel, message } of input.file.load<{ channel: string; message: Message }>('message')) {
    const list = messages.get(channel) ?? [];
    list.push(message);
    messages.set(channel, list);
    lastMicros = Math.max(lastMicros, micros(message.ts) ?? 0);
  }
  for (const list of messages.values()) list.sort((a, b) => (micros(a.ts) ?? 0) - (micros(b.ts) ?? 0));
  return { ...input, users, channels, messages, lastMicros, onEvent: () => undefined };
}

/** A time as Slack writes it, as whole microseconds; also shorter forms such as `1715000000`. Null for anything else. */
export function micros(ts: string): number | null {
  const match = /^([0-9]{1,10})(?:\.([0-9]{1,6}))?$/.exec(ts);
  return match ? Number(match[1]) * 1_000_000 + Number((match[2] ?? '').padEnd(6, '0')) : null;
}

/** The next time of the workspace: the clock's, and always later than the one before. */
export function nextTs(workspace: Workspace): string {
  return tsOf(workspace, Math.floor(workspace.clock.now() * 1000));
}

function tsOf(workspace: Workspace, wantedMicros: number): string {
  const at = Math.max(wantedMicros, workspace.lastMicros + 1);
  workspace.lastMicros = at;
  return `${Math.floor(at / 1_000_000)}.${String(at % 1_000_000).padStart(6, '0')}`;
}

/** The message at a time, or null. */
export function messageAt(workspace: Workspace, channel: string, ts: string): Message | null {
  return workspace.messages.get(channel)?.find((one) => one.ts === ts) ?? null;
}

/** Adds a message at the end of its channel. @param atMs an earlier time, for what was there before; later ones must not follow earlier ones */
export function addMessage(
  workspace: Workspace,
  channel: string,
  fields: Omit<Message, 'type' | 'ts'>,
  atMs?: number,
): Message {
  const ts = atMs === undefined ? nextTs(workspace) : tsOf(workspace, Math.floor(atMs * 1000));
  const message: Message = { type: 'message', ts, ...fields };
  const list = workspace.messages.get(channel) ?? [];
  list.push(message);
  workspace.messages.set(channel, list);
  save(workspace, channel, message);
  return message;
}

/** Puts a changed message in the place of the one with its time. */
export function replaceMessage(workspace: Workspace, channel: string, message: Message): void {
  const list = workspace.messages.get(channel) ?? [];
  list[list.findIndex(({ ts }) => ts === message.ts)] = message;
  save(workspace, channel, message);
}

/** Takes a message away; one that has replies leaves a tombstone. */
export function removeMessage(workspace: Workspace, channel: string, ts: string): void {
  const list = workspace.messages.get(channel) ?? [];
  const at = list.findIndex((one) => one.ts === ts);
  const [message] = list.slice(at, at + 1);
  if (!message) return;
  if (repliesTo(workspace, channel, ts).length > 0) {
    const { type, thread_ts } = message;
    const kept = { type, ts, user: 'USLACKBOT', text: 'This message was deleted.', subtype: 'tombstone' };
    replaceMessage(workspace, channel, { ...kept, ...(thread_ts === undefined ? {} : { thread_ts }) });
    return;
  }
  list.splice(at, 1);
  workspace.file.remove('message', `${channel}/${ts}`);
}

/** The replies in the thread that a message began, oldest first. */
export function repliesTo(workspace: Workspace, channel: string, ts: string): readonly Message[] {
  return (workspace.messages.get(channel) ?? []).filter((one) => one.thread_ts === ts && one.ts !== ts);
}

/** Keeps a channel. */
export function saveChannel(workspace: Workspace, channel: Channel): Channel {
  workspace.channels.set(channel.id, channel);
  workspace.file.save('channel', channel.id, channel);
  return channel;
}

/** Keeps a user. */
export function saveUser(workspace: Workspace, user: User): User {
  workspace.users.set(user.id, user);
  workspace.file.save('user', user.id, user);
  return user;
}

function save(workspace: Workspace, channel: string, message: Message): void {
  workspace.file.save('message', `${channel}/${message.ts}`, { channel, message });
}
