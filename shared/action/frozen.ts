import type { Stored } from '../model/action.ts';
import { PlumblineError } from '../model/errors.ts';
import { sha256Hex } from '../model/ids.ts';
import type { Json } from '../model/json.ts';
import { sortedJson } from './canonical.ts';
import type { KernelPayloads } from './types.ts';

/** Above this a value is an object of its own, bytes of JSON. */
export const inlineBytes = 600;

/** SHA-256 of a stored value, the same whether it stands inline or as an object. */
export function storedHash(stored: Stored): string {
  return 'object' in stored ? stored.object : sha256Hex(sortedJson(stored.inline));
}

/** A value in its stored form: inline up to `roomBytes` and never above {@link inlineBytes}, else as its object. */
export function frozen(value: Json, roomBytes: number): { stored: Stored; object: Uint8Array | null } {
  const bytes = Buffer.from(sortedJson(value));
  if (bytes.length <= Math.min(roomBytes, inlineBytes)) return { stored: { inline: value }, object: null };
  return { stored: { object: sha256Hex(bytes) }, object: bytes };
}

/** A stored value, or null where its object was erased. */
export async function thawed(payloads: KernelPayloads, stored: Stored): Promise<Json> {
  if ('inline' in stored) return stored.inline;
  const bytes = await payloads.get(stored.object);
  return bytes ? (JSON.parse(Buffer.from(bytes).toString('utf8')) as Json) : null;
}

/** A frozen intent. Throws `internal` where its object is gone: what cannot be read cannot be sent. */
export async function thawedIntent(payloads: KernelPayloads, stored: Stored): Promise<Json> {
  if ('inline' in stored) return stored.inline;
  const intent = await thawed(payloads, stored);
  if (intent !== null) return intent;
  throw new PlumblineError(`The frozen intent ${stored.object} is gone.`, {
    code: 'internal',
    retry: 'never',
    hint: 'It was erased: settle or cancel the action that names it.',
  });
}

/** Stores the objects that a record is about to name. */
export async function putObjects(
  payloads: KernelPayloads,
  values: readonly { readonly object: Uint8Array | null }[],
): Promise<void> {
  await Promise.all(values.map(async ({ object }) => (object ? payloads.put(object) : null)));
}
