import { sha256Hex } from '../../model/ids.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { PlannedCall, RecordRef } from '../../model/operation.ts';
import type { WebhookAdapter } from '../../webhooks/adapter.ts';
import { slackOn } from './calls.ts';
import { isId, type MessagePlace, messageId, textOf } from './client.ts';

/**
 * Slack's notifications: one event a delivery (`event_callback`), or what a person did to a message (`block_actions` and the
 * like, JSON inside a form). An event's id is its identity; an interaction's is the trigger that every click has of its own.
 * What this app itself did is told apart by type (`message.own`), so that an agent that answers messages does not answer its own.
 * @see https://docs.slack.dev/apis/events-api and https://docs.slack.dev/reference/interaction-payloads
 */
export const webhookAdapter: WebhookAdapter = {
  schemes: ['slack'],
  split: (body) => {
    const item = isObject(body) && typeof body.payload === 'string' ? parsed(body.payload) : body;
    return isObject(item) ? [item] : null;
  },
  identity,
  stable: (item) => item,
  type: typeOf,
  occurredAtMs: (item) => {
    const seconds = isObject(item) ? item.event_time : undefined;
    return typeof seconds === 'number' && Number.isSafeInteger(seconds) && seconds >= 0 ? seconds * 1000 : null;
  },
  // The number of an attempt stands in a header that no signature covers.
  attempt: () => null,
  account: (item) => {
    const teamId = isObject(item) ? teamOf(item) : null;
    return teamId === null ? null : { teamId };
  },
  reRead: (item, system) => {
    const about = aboutOf(item);
    return about ? about.read(system) : null;
  },
  record: (item, system): RecordRef | null => {
    const about = aboutOf(item);
    return about ? [system, about.object, about.id] : null;
  },
};

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}

function teamOf(item: JsonObject): string | null {
  const named = textOf(item, 'team_id') ?? (isObject(item.team) ? textOf(item.team, 'id') : null);
  return named !== null && /^[TE][A-Z0-9]{2,20}$/.test(named) ? named : null;
}

function identity(item: Json): string | null {
  if (!isObject(item)) return null;
  const team = teamOf(item);
  const eventId = textOf(item, 'event_id');
  if (team === null) return null;
  if (eventId !== null) return /^Ev[A-Za-z0-9]{2,40}$/.test(eventId) ? `${team}-${eventId}` : null;
  if (item.type === 'app_rate_limited') return `${team}-limited-${String(item.minute_rate_limited)}`;
  const trigger = textOf(item, 'trigger_id');
  return trigger === null ? null : `${team}-${sha256Hex(trigger).slice(0, 40)}`;
}

const word = /^[a-z][a-z_]{1,60}$/;

function typeOf(item: Json): string {
  const event = eventOf(item);
  const outer = isObject(item) ? (textOf(item, 'command') === null ? textOf(item, 'type') : 'slash_command') : null;
  const named = event ? textOf(event, 'type') : outer;
  if (named === null || !word.test(named)) return 'unknown';
  const subtype = event ? textOf(event, 'subtype') : null;
  const own = isObject(item) && event && named === 'message' && isOwn(item, event) ? '.own' : '';
  return `${named}${subtype !== null && word.test(subtype) ? `.${subtype}` : ''}${own}`;
}

function isOwn(item: JsonObject, event: JsonObject): boolean {
  const message = isObject(event.message) ? event.message : event;
  const app = textOf(item, 'api_app_id');
  return app !== null && message.app_id === app;
}

function eventOf(item: Json): JsonObject | null {
  return isObject(item) && isObject(item.event) ? item.event : null;
}

type About = { readonly object: string; readonly id: string; readonly read: (system: string) => PlannedCall };

/** The record an event is about. Only plain ids are taken. */
function aboutOf(item: Json): About | null {
  const event = eventOf(item) ?? (isObject(item) ? item : {});
  const place = placeOf(event);
  if (place) return { object: 'message', id: messageId(place), read: (system) => slackOn(system).messages.get(place) };
  const channel = isObject(event.channel) ? event.channel.id : event.channel;
  if (isId('channel', channel)) {
    return { object: 'channel', id: channel, read: (system) => slackOn(system).channels.get(channel) };
  }
  const user = isObject(event.user) ? event.user.id : event.user;
  if (isId('user', user)) return { object: 'user', id: user, read: (system) => slackOn(system).users.get(user) };
  return null;
}

/** The message of an event: posted, changed, deleted, reacted to, or clicked on. */
function placeOf(event: JsonObject): MessagePlace | null {
  const inner = isObject(event.item) ? event.item : isObject(event.container) ? event.container : event;
  const channel = inner.channel ?? inner.channel_id ?? event.channel;
  const message = isObject(event.message)
    ? event.message
    : isObject(event.previous_message)
      ? event.previous_message
      : inner;
  const ts = event.deleted_ts ?? message.ts ?? inner.message_ts ?? inner.ts;
  if (!isId('channel', channel) || !isId('ts', ts)) return null;
  const thread = message.thread_ts ?? inner.thread_ts;
  return { channel, ts, ...(isId('ts', thread) && thread !== ts ? { threadTs: thread } : {}) };
}
