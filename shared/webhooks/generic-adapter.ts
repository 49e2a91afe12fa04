import { sha256Hex } from '../model/ids.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { DeliveryFacts, WebhookAdapter } from './adapter.ts';
import type { Provider } from './providers.ts';

/**
 * The adapter of a provider without a connector: everything from the table, nothing re-read.
 * @param unsignedType a type that a header named; a label only, since the signature does not cover it
 */
export function genericAdapter(provider: Provider, unsignedType: string | null): WebhookAdapter {
  const stable = (item: Json) => provider.volatile.reduce(without, item);
  return {
    schemes: [],
    split: (body) => itemsOf(provider.items, body),
    identity: (item, delivery) => identityOf(provider, item, stable(item), delivery),
    stable,
    type: (item) => {
      const named = provider.type.map((path) => scalarAt(item, path)).find((value) => value !== null);
      return [unsignedType, named].filter((part) => part !== null && part !== undefined).join('.') || 'event';
    },
    occurredAtMs: (item) => occurredAtMs(provider, item),
    attempt: (item) => {
      const value = provider.attempt === null ? null : scalarAt(item, provider.attempt);
      return value !== null && /^\d{1,6}$/.test(value) ? Number(value) : null;
    },
    reRead: () => null,
  };
}

function itemsOf(items: string, body: Json): readonly Json[] | null {
  if (items === 'self') return body !== null && typeof body === 'object' ? [body] : null;
  const list = items === 'list' || isList(body) ? body : valueAt(body, items);
  return isList(list) ? list : null;
}

/** An id that the signature covers stands alone; without one, only the content itself does. */
function identityOf(provider: Provider, item: Json, stable: Json, delivery: DeliveryFacts): string | null {
  if (delivery.signedId !== null) return `id:${delivery.signedId}`;
  const parts = provider.identity.map((path) => scalarAt(item, path));
  if (parts.length > 0 && parts.every((part) => part !== null && part !== '')) {
    const all = [...parts, ...provider.identityExtra.map((path) => scalarAt(item, path) ?? '')];
    // a hash, because an identity stands in the ledger and these parts may be personal data
    return `key:${sha256Hex(JSON.stringify(all)).slice(0, 40)}`;
  }
  const window = provider.equalWithinMs;
  const bucket = window === null ? '' : `@${Math.floor(delivery.receivedAtMs / window)}`;
  return `content:${sha256Hex(JSON.stringify(stable))}${bucket}`;
}

function occurredAtMs(provider: Provider, item: Json): number | null {
  const named = provider.occurredAt;
  const value = named ? scalarAt(item, named.path) : null;
  if (!named || value === null) return null;
  const atMs = named.unit === 'iso' ? Date.parse(value) : Number(value) * (named.unit === 's' ? 1000 : 1);
  return Number.isFinite(atMs) ? atMs : null;
}

function scalarAt(item: Json, path: string): string | null {
  const value = valueAt(item, path);
  return typeof value === 'string' || typeof value === 'number' ? String(value).toWellFormed() : null;
}

/** Value at a dotted path; `\.` is a dot inside a name. */
function valueAt(item: Json, path: string): Json | undefined {
  let value: Json | undefined = item;
  for (const name of path.split(/(?<!\\)\./).map((part) => part.replaceAll('\\.', '.'))) {
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

function without(item: Json, path: string): Json {
  if (!isObject(item)) return item;
  const [name = '', ...rest] = path.split('.');
  if (!Object.hasOwn(item, name)) return item;
  const { [name]: inner, ...others } = item;
  return rest.length === 0 ? others : { ...others, [name]: without(inner ?? null, rest.join('.')) };
}

function isObject(value: Json | undefined): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}
