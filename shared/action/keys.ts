import { createHash } from 'node:crypto';
import type { Occasion } from '../model/action.ts';
import { base32, idTimeMs } from '../model/ids.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { RecordRef } from '../model/operation.ts';
import { canonicalJson, hashJson } from './canonical.ts';
import type { Identity } from './types.ts';

/** What identifies one intended effect. Inputs have passed `normaliseJson`: the same values are hashed here and sent later. */
export type IdentityInput = {
  /** `agent:sales-assistant`. */
  readonly principal: string;
  /** The tool's name, or the product's own kind of work, such as `undo`. */
  readonly actionType: string;
  /** As the tool declares it. */
  readonly occasion: Occasion;
  /** For `window`, and for `run` and `event` where no run or event is given; milliseconds, 24 h where null. */
  readonly windowMs: number | null;
  readonly target: RecordRef;
  /** The inputs that make it the same intent. */
  readonly identifying: JsonObject;
  /** All inputs. */
  readonly input: JsonObject;
  readonly runId: string | null;
  /** Id of an event believed because its handle was verified, and the inputs that tell two effects of one event apart. */
  readonly event: { readonly id: string; readonly part: JsonObject } | null;
  /** The caller's Idempotency-Key header, or null. */
  readonly idempotencyKey: string | null;
  /** For `ever`: what names the effect by itself, such as saga key and step, instead of target and intent. */
  readonly natural?: Json;
};

/** The identity, or why none can be derived: nothing was looked up or written. */
export type Derived =
  | { readonly kind: 'identity'; readonly identity: Identity }
  | {
      readonly kind: 'refused';
      readonly code: 'idempotency_key_not_accepted' | 'run_too_old' | 'invalid_input';
      readonly detail: string;
    };

const dayMs = 86_400_000;

/**
 * Derives the key of an action: 40 base32 characters, the first 200 bits of SHA-256 over principal, action type and the
 * occasion's parts. Equal inputs give equal keys in every deployment and version.
 * @param at wall clock and how long records are kept, milliseconds: a run whose id is older could meet a forgotten record
 */
export function deriveIdentity(
  input: IdentityInput,
  at: { readonly nowMs: number; readonly retentionMs: number },
): Derived {
  if (input.idempotencyKey !== null && input.occasion !== 'caller') {
    return refused('idempotency_key_not_accepted', 'This tool derives what is the same by itself.');
  }
  if (input.occasion === 'caller' && !validKey(input.idempotencyKey)) {
    return refused('invalid_input', 'This tool needs an Idempotency-Key of 1 to 255 printable ASCII characters.');
  }
  const born = input.runId?.startsWith('run_') ? idTimeMs(input.runId) : null;
  if (born !== null && born < at.nowMs - at.retentionMs) {
    return refused('run_too_old', 'This run is older than the records that would show what it did.');
  }
  const occasion = effectiveOccasion(input);
  const intentHash = hashJson(input.identifying);
  const parts = [input.principal, input.actionType, occasion, ...partsOf(input, occasion, intentHash)];
  const key = base32(createHash('sha256').update(canonicalJson(parts)).digest().subarray(0, 25));
  const windowMs = occasion === 'window' ? (input.windowMs ?? dayMs) : null;
  const onMismatch = occasion === 'caller' ? 'refuse' : 'differs';
  const inputHash = hashJson(input.input);
  return { kind: 'identity', identity: { key, intentHash, inputHash, occasion, windowMs, onMismatch } };
}

/** `run` without a run and `event` without an event name no occasion: the window decides. */
function effectiveOccasion({ occasion, runId, event }: IdentityInput): Occasion {
  if (occasion === 'run' && runId === null) return 'window';
  return occasion === 'event' && event === null ? 'window' : occasion;
}

function partsOf(input: IdentityInput, occasion: Occasion, intentHash: string): readonly Json[] {
  switch (occasion) {
    case 'run':
      return [input.runId, input.target, intentHash];
    case 'window':
      return [input.target, intentHash];
    case 'event':
      return [input.event?.id ?? null, input.target, input.event?.part ?? {}];
    case 'ever':
      return input.natural === undefined ? [input.target, intentHash] : [input.natural];
    case 'caller':
      return [input.idempotencyKey];
  }
}

/** @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/ */
function validKey(key: string | null): boolean {
  return key !== null && /^[\x20-\x7e]{1,255}$/.test(key);
}

function refused(code: Extract<Derived, { kind: 'refused' }>['code'], detail: string): Derived {
  return { kind: 'refused', code, detail };
}
