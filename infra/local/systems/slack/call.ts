import type { SimRequest } from '../loopback-server.ts';
import { invalidArguments, SlackError } from './errors.ts';
import type { Channel, Workspace } from './workspace.ts';

/** One token of the installed app. */
export type Token = {
  /** `bot` acts as the app's bot, `user` as the person who installed it. */
  readonly kind: 'bot' | 'user';
  readonly user: string;
  readonly scopes: ReadonlySet<string>;
  /** Seconds it still works, where tokens are rotated. */
  readonly expiresInS?: number;
};

/** One authenticated call on its way through the workspace. */
export type Call = {
  readonly workspace: Workspace;
  readonly request: SimRequest;
  readonly args: Readonly<Record<string, unknown>>;
  readonly token: Token;
  /** How long search does not see a message, milliseconds. */
  readonly searchLagMs: number;
};

/** The arguments of a call: of the query, a form or JSON. @throws SlackError */
export function argumentsOf(request: SimRequest): { args: Record<string, unknown>; warning: string | null } {
  const query = Object.fromEntries(request.query);
  if (request.method === 'GET' || request.bodyText === '') return { args: query, warning: null };
  const type = request.headers['content-type'] ?? '';
  if (type === '') throw new SlackError('missing_post_type');
  if (/^application\/x-www-form-urlencoded\b/i.test(type)) {
    return { args: { ...query, ...Object.fromEntries(new URLSearchParams(request.bodyText)) }, warning: null };
  }
  if (!/^application\/json\b/i.test(type)) throw new SlackError('invalid_post_type');
  const body = parsed(request.bodyText, 'invalid_json');
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new SlackError('json_not_object');
  const warning = /charset=/i.test(type) ? null : 'missing_charset';
  return { args: { ...query, ...(body as Record<string, unknown>) }, warning };
}

function parsed(text: string, code: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new SlackError(code);
  }
}

/** A text argument, or undefined where it is not given. */
export function text(call: Call, name: string): string | undefined {
  const value = call.args[name];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'object') throw invalidArguments(`must be a string [json-pointer:/${name}]`);
  return String(value);
}

/** A text argument that must be there. @throws SlackError invalid_arguments */
export function needText(call: Call, name: string): string {
  const value = text(call, name);
  if (value === undefined) throw invalidArguments(`missing required field: ${name}`);
  return value;
}

/** A yes or no; Slack takes `1` and `true`. */
export function flag(call: Call, name: string): boolean {
  return ['1', 'true', 't'].includes(String(call.args[name] ?? '').toLowerCase());
}

/** A whole number within bounds. @throws SlackError */
export function bounded(call: Call, name: string, fallback: number, bounds: { min: number; max: number }): number {
  const given = text(call, name);
  if (given === undefined) return fallback;
  const value = Number(given);
  if (Number.isInteger(value) && value >= bounds.min && value <= bounds.max) return value;
  throw new SlackError('invalid_limit');
}

/** A structure: an object in JSON, JSON text in a form. @throws SlackError with `code` where it cannot be read */
export function structure(call: Call, name: string, code: string): unknown {
  const value = call.args[name];
  if (value === undefined || value === null || value === '') return undefined;
  return typeof value === 'string' ? parsed(value, code) : value;
}

/** Refuses where the token lacks every one of the scopes. @throws SlackError missing_scope */
export function needScope(call: Pick<Call, 'token'>, anyOf: readonly string[]): void {
  if (anyOf.length === 0 || anyOf.some((scope) => call.token.scopes.has(scope))) return;
  throw new SlackError('missing_scope', { needed: anyOf.join(','), provided: [...call.token.scopes].join(',') });
}

/** Whether the caller can see a channel: a private one only from inside. */
export function sees(call: Call, channel: Channel): boolean {
  return (!channel.is_private && !channel.is_im) || channel.members.includes(call.token.user);
}

/** The channel an argument names. @throws SlackError channel_not_found, also for one that cannot be seen */
export function needChannel(call: Call, name = 'channel'): Channel {
  const channel = call.workspace.channels.get(needText(call, name));
  if (!channel || !sees(call, channel)) throw new SlackError('channel_not_found');
  return channel;
}

/** The scope that reading a channel of this kind needs, such as `groups:history`. */
export function scopeFor(channel: Channel, right: 'history' | 'read'): string {
  return `${channel.is_im ? 'im' : channel.is_private ? 'groups' : 'channels'}:${right}`;
}

/** One page of a list with Slack's cursors: opaque, and refused where they are none of ours. @throws SlackError invalid_cursor */
export function page<T>(call: Call, rows: readonly T[], limit: number): { rows: readonly T[]; next: string } {
  const cursor = text(call, 'cursor');
  const from = cursor === undefined ? 0 : offsetOf(cursor);
  if (from === null || from > rows.length) throw new SlackError('invalid_cursor');
  const next = from + limit < rows.length ? Buffer.from(`at:${from + limit}`).toString('base64') : '';
  return { rows: rows.slice(from, from + limit), next };
}

function offsetOf(cursor: string): number | null {
  const match = /^at:([0-9]{1,9})$/.exec(Buffer.from(cursor, 'base64').toString());
  return match ? Number(match[1]) : null;
}
