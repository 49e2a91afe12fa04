import type { Feed, FeedChange } from '../connectors/feed.ts';
import type { Json } from '../model/json.ts';
import type { WebhookAdapter } from './adapter.ts';

/** The scheme of what a feed found: it carries no signature, because we asked for it ourselves. */
export const feedScheme = 'feed';

/** How changes that a feed found are read: which record in which version; the record itself is read live. */
export function feedAdapter(feeds: Readonly<Record<string, Feed>>): WebhookAdapter {
  const ofObject = (object: string) => Object.values(feeds).find((feed) => feed.object === object) ?? null;
  return {
    schemes: [feedScheme],
    shape: { object: 'text', id: 'text', version: 'text' },
    split: (body) => (Array.isArray(body) ? (body as readonly Json[]) : null),
    identity: (item) => {
      const change = changeIn(item);
      return change && `${change.object}:${change.id}@${change.version}`;
    },
    stable: (item) => item,
    type: (item) => `${changeIn(item)?.object ?? 'record'}.changed`,
    occurredAtMs: () => null,
    attempt: () => null,
    reRead: (item, system) => {
      const change = changeIn(item);
      return change ? (ofObject(change.object)?.get(system, change.id) ?? null) : null;
    },
    record: (item, system) => {
      const change = changeIn(item);
      return change && [system, change.object, change.id];
    },
  };
}

function changeIn(item: Json): FeedChange | null {
  const { object, id, version } = (item ?? {}) as { readonly [name: string]: unknown };
  const whole = typeof object === 'string' && typeof id === 'string' && typeof version === 'string';
  return whole ? { object, id, version } : null;
}
