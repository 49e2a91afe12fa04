import type { Stored } from '../model/action.ts';
import { atNow } from './driver.ts';
import { roomIn } from './fit.ts';
import { frozen, putObjects } from './frozen.ts';
import { newNonce } from './send-once.ts';
import { openingMove } from './step-claim.ts';
import type { ClaimEvent } from './step-types.ts';
import type { ClaimRequest, KernelDeps } from './types.ts';

/** Bytes an object's hash takes in a record. */
const hashBytes = 46;

/**
 * Freezes what a claim will send: inline while the record stays below one write unit, else as objects that are stored before
 * the claim. Throws what the payload store throws; then nothing was claimed.
 */
export async function freeze(deps: KernelDeps, request: ClaimRequest): Promise<ClaimEvent> {
  const asObject: Stored = { object: '0'.repeat(64) };
  const bare: ClaimEvent = {
    kind: 'claim',
    request,
    nonce: newNonce(deps),
    intent: asObject,
    before: request.before === null ? null : asObject,
    requestDigest: request.requestDigest,
    shared: deps.seat?.oneKey(request.call) ?? false,
  };
  const draft = openingMove(bare, atNow(deps));
  const room = draft ? roomIn(draft.next) : 0;
  const intent = frozen(request.call.input, room + hashBytes);
  const left = 'inline' in intent.stored ? room + hashBytes - JSON.stringify(intent.stored.inline).length : room;
  const before = request.before === null ? null : frozen(request.before, left + hashBytes);
  await putObjects(deps.payloads, before ? [intent, before] : [intent]);
  return { ...bare, intent: intent.stored, before: before?.stored ?? null };
}
