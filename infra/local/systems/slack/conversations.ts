import { bounded, type Call, flag, needChannel, needScope, needText, page, scopeFor, sees, text } from './call.ts';
import { SlackError } from './errors.ts';
import { type Channel, type Message, messageAt, micros, repliesTo, type Workspace } from './workspace.ts';

/** A message as the API shows it; what hangs on it only where it was asked for. */
export function shownMessage(workspace: Workspace, channel: string, message: Message, metadata: boolean): object {
  const { metadata: held, ...plain } = message;
  const replies = message.thread_ts === message.ts ? repliesTo(workspace, channel, message.ts) : [];
  const users = [...new Set(replies.map(({ user }) => user))];
  const thread = {
    reply_count: replies.length,
    reply_users_count: users.length,
    latest_reply: replies.at(-1)?.ts,
    reply_users: users.slice(0, 5),
  };
  const inner = held && (metadata ? held : { event_type: held.event_type });
  return {
    ...plain,
    team: workspace.teamId,
    ...(replies.length > 0 ? thread : {}),
    ...(inner ? { metadata: inner } : {}),
  };
}

/** `conversations.history`: newest first, without replies. @see https://docs.slack.dev/reference/methods/conversations.history */
export function history(call: Call): Record<string, unknown> {
  const channel = readable(call);
  const limit = bounded(call, 'limit', 100, { min: 1, max: 999 });
  const within = between(call);
  const rows = (call.workspace.messages.get(channel.id) ?? [])
    .filter(({ ts, thread_ts }) => (thread_ts === undefined || thread_ts === ts) && within(ts))
    .reverse();
  return { ...shownPage(call, channel, page(call, rows, limit)), pin_count: 0 };
}

/**
 * `conversations.replies`: the first message with every page, then the replies, oldest first.
 * @see https://docs.slack.dev/reference/methods/conversations.replies
 */
export function replies(call: Call): Record<string, unknown> {
  const channel = readable(call);
  const ts = needText(call, 'ts');
  const parent = messageAt(call.workspace, channel.id, ts);
  if (!parent) throw new SlackError('thread_not_found');
  const limit = bounded(call, 'limit', 1000, { min: 1, max: 1000 });
  const within = between(call);
  const answers = repliesTo(call.workspace, channel.id, ts).filter((one) => within(one.ts));
  const part = page(call, answers, Math.max(1, limit - 1));
  return shownPage(call, channel, { rows: [parent, ...part.rows], next: part.next });
}

/** `conversations.list`. @see https://docs.slack.dev/reference/methods/conversations.list */
export function list(call: Call): Record<string, unknown> {
  const types = (text(call, 'types') ?? 'public_channel').split(',').map((type) => type.trim());
  const scopes: Readonly<Record<string, string>> = {
    public_channel: 'channels:read',
    private_channel: 'groups:read',
    im: 'im:read',
    mpim: 'mpim:read',
  };
  for (const type of types) {
    const scope = scopes[type];
    if (scope === undefined) throw new SlackError('invalid_types');
    needScope(call, [scope]);
  }
  const hidden = flag(call, 'exclude_archived');
  const rows = [...call.workspace.channels.values()].filter(
    (channel) => types.includes(typeOf(channel)) && sees(call, channel) && !(hidden && channel.is_archived),
  );
  const part = page(call, rows, bounded(call, 'limit', 100, { min: 1, max: 1000 }));
  const channels = part.rows.map((channel) => shownChannel(call, channel, true));
  return { channels, response_metadata: { next_cursor: part.next } };
}

/** `conversations.info`. */
export function info(call: Call): Record<string, unknown> {
  const channel = needChannel(call);
  needScope(call, [scopeFor(channel, 'read')]);
  return { channel: shownChannel(call, channel, flag(call, 'include_num_members')) };
}

/** `conversations.members`. */
export function members(call: Call): Record<string, unknown> {
  const channel = needChannel(call);
  needScope(call, [scopeFor(channel, 'read')]);
  const part = page(call, channel.members, bounded(call, 'limit', 100, { min: 1, max: 1000 }));
  return { members: part.rows, response_metadata: { next_cursor: part.next } };
}

function typeOf(channel: Channel): string {
  if (channel.is_im) return 'im';
  return channel.is_private ? 'private_channel' : 'public_channel';
}

function readable(call: Call): Channel {
  const channel = needChannel(call);
  needScope(call, [scopeFor(channel, 'history')]);
  // A bot reads no public channel that it is not in; a person does.
  const inside = channel.members.includes(call.token.user);
  if (!inside && call.token.kind === 'bot') throw new SlackError('not_in_channel');
  return channel;
}

/** Whether a time lies between `oldest` and `latest`; on them only with `inclusive`. */
function between(call: Call): (ts: string) => boolean {
  const bound = (name: 'oldest' | 'latest') => {
    const given = text(call, name);
    const at = given === undefined ? undefined : micros(given);
    if (at === null) throw new SlackError(`invalid_ts_${name}`);
    return at;
  };
  const [oldest, latest] = [bound('oldest'), bound('latest')];
  const inclusive = flag(call, 'inclusive');
  return (ts) => {
    const at = micros(ts) ?? 0;
    if (oldest !== undefined && (inclusive ? at < oldest : at <= oldest)) return false;
    return latest === undefined || (inclusive ? at <= latest : at < latest);
  };
}

function shownPage(call: Call, channel: Channel, part: { rows: readonly Message[]; next: string }) {
  const metadata = flag(call, 'include_all_metadata') && call.token.scopes.has('metadata.message:read');
  const messages = part.rows.map((message) => shownMessage(call.workspace, channel.id, message, metadata));
  const more = part.next === '' ? {} : { response_metadata: { next_cursor: part.next } };
  return { messages, has_more: part.next !== '', ...more };
}

function shownChannel({ token, workspace }: Call, channel: Channel, count: boolean): object {
  const { id, name, created, creator, is_archived, is_private, is_im } = channel;
  const set = (value: string) => ({
    value,
    creator: value === '' ? '' : creator,
    last_set: value === '' ? 0 : created,
  });
  return {
    ...{ id, name, name_normalized: name, created, creator, is_archived, is_private, is_im },
    is_channel: !is_private && !is_im,
    is_group: is_private && !is_im,
    is_mpim: false,
    is_general: name === 'general',
    is_member: channel.members.includes(token.user),
    is_shared: false,
    is_ext_shared: false,
    is_org_shared: false,
    context_team_id: workspace.teamId,
    topic: set(channel.topic),
    purpose: set(channel.purpose),
    previous_names: [],
    ...(count ? { num_members: channel.members.length } : {}),
  };
}
