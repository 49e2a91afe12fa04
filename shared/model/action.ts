import type { Failure } from './errors.ts';
import type { Json } from './json.ts';
import type { PlannedCall, RecordRef, ResendClass, WriteEffect } from './operation.ts';

/** When the same intent counts as a new one. See docs/architecture.md, "Identity". */
export type Occasion = 'run' | 'window' | 'event' | 'ever' | 'caller';

/** A value stored inline when small, else as the hash of a payload object. */
export type Stored = { readonly inline: Json } | { readonly object: string };

/** Who decided, when and why. `by` is a person's principal id. */
export type Decision = { readonly by: string; readonly atMs: number; readonly reason: string };

/** What all states of an action share. One record per action key; a later generation replaces the earlier in place. */
export type ActionBase = {
  /** 40 base32 characters: the first 200 bits of SHA-256 over principal, action type and the occasion's parts. */
  readonly key: string;
  readonly gen: number;
  /** Fencing epoch; rises with every claim and every transition by someone else than the owner; never restarts. */
  readonly epoch: number;
  /** SHA-256 over the identifying inputs. */
  readonly intentHash: string;
  /** SHA-256 over all inputs. */
  readonly inputHash: string;
  readonly tool: string;
  readonly effect: WriteEffect;
  readonly principal: string;
  readonly occasion: Occasion;
  /** For `window`: how long after settlement the same intent is a replay, milliseconds. */
  readonly windowMs: number | null;
  readonly system: string;
  readonly operation: string;
  readonly resend: ResendClass;
  /** `PlannedCall.input`, frozen at the first claim of the generation. */
  readonly intent: Stored;
  /** SHA-256 over method, path, query, body and headers, without auth, date and trace headers. */
  readonly requestDigest: string;
  /** The written fields before the write, where undo or read-back needs them. */
  readonly before: Stored | null;
  readonly target: RecordRef;
  readonly attempts: number;
  /** Provider key suffix counter; raised only after a stored provider error is proven not applied. */
  readonly resendNo: number;
  /** An earlier send of this generation is unproven: a later answer "not applied" says nothing of it. */
  readonly inDoubt?: boolean;
  /** The provider keeps an error under the current provider key: only a read-back proves anything, never a resend. */
  readonly keySpent?: boolean;
  readonly firstSentAtMs: number | null;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** The run, the call that made this generation, and the call whose answer the last transition carries. */
  readonly runId: string | null;
  readonly callId: string;
  readonly workflow: string | null;
  readonly period: string | null;
  readonly eventId: string | null;
  /** Content hash of the prompt context, or null: a write without context is marked by null and counted. */
  readonly contextHash: string | null;
  /** Content hash of the exact answer of the call that made this transition. */
  readonly answerHash: string | null;
  readonly approval: {
    readonly rule: string;
    readonly by: string;
    readonly notAfterMs: number;
    readonly decision: Decision | null;
  } | null;
  /** The last decision of a person on this generation. */
  readonly decision: Decision | null;
};

/** Nonce and lease of the one worker that may send. */
export type Ownership = { readonly owner: string; readonly leaseUntilMs: number };

/** The state of an action. Wrong combinations cannot be written. */
export type ActionState =
  | { readonly state: 'AWAITING_APPROVAL'; readonly dueMs: number }
  | { readonly state: 'RETRYABLE'; readonly dueMs: number; readonly failure: Failure | null }
  | ({ readonly state: 'STARTED'; readonly dueMs: number } & Ownership)
  | {
      readonly state: 'UNKNOWN';
      readonly dueMs: number;
      readonly sinceMs: number;
      readonly probes: number;
      readonly failure: Failure;
      readonly owner: string | null;
    }
  | { readonly state: 'NEEDS_HUMAN'; readonly sinceMs: number; readonly failure: Failure }
  | {
      readonly state: 'SUCCEEDED';
      readonly settledAtMs: number;
      readonly result: Stored;
      readonly records: readonly RecordRef[];
      readonly proof: 'answer' | 'read_back' | 'person';
      readonly owner: string | null;
    }
  | { readonly state: 'FAILED'; readonly settledAtMs: number; readonly failure: Failure; readonly owner: string | null }
  | { readonly state: 'REJECTED'; readonly settledAtMs: number; readonly failure: Failure }
  | { readonly state: 'EXPIRED'; readonly settledAtMs: number; readonly failure: Failure }
  | { readonly state: 'CANCELLED'; readonly settledAtMs: number };

export type ActionRecord = ActionBase & ActionState;
export type StateName = ActionState['state'];

/** The frozen call of a record whose intent has been loaded. */
export function plannedCallOf(record: ActionRecord, intent: Json): PlannedCall {
  return { operation: record.operation, system: record.system, input: intent };
}
