import { createHash } from 'node:crypto';
import { equalBytes } from './encoding.ts';
import { parseStrictJson } from './strict-json.ts';
import type { CheckedRequest } from './verify-table.ts';
import { type Proof, Refusal } from './verify-types.ts';

/**
 * Microsoft Graph signs nothing: each item carries the `clientState` that was given when the subscription was made.
 * Passes where at least one item does; `items` says which, and the others must not be believed.
 * @see https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks
 */
export function verifyGraph(request: CheckedRequest): Proof {
  const parsed = parseStrictJson(request.body);
  if (!parsed.ok) throw new Refusal('malformed_body');
  const { value } = parsed;
  const list = value !== null && typeof value === 'object' && 'value' in value ? value.value : null;
  if (!Array.isArray(list)) throw new Refusal('malformed_body');
  const hash = (text: string) => createHash('sha256').update(text).digest();
  const expected = request.secrets.map(hash);
  let secretIndex = -1;
  const items: number[] = [];
  list.forEach((item: unknown, index) => {
    const state = item !== null && typeof item === 'object' && 'clientState' in item ? item.clientState : null;
    if (typeof state !== 'string' || state.length > 255) return;
    const given = hash(state);
    const found = expected.map((one) => equalBytes(one, given)).indexOf(true);
    if (found < 0) return;
    items.push(index);
    if (secretIndex < 0) secretIndex = found;
  });
  if (secretIndex < 0) throw new Refusal('mismatch');
  return { secretIndex, items };
}
