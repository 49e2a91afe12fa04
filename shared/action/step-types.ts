import type { ActionRecord, Decision, Stored } from '../model/action.ts';
import type { Failure } from '../model/errors.ts';
import type { ProbeVerdict, RecordRef, WriteVerdict } from '../model/operation.ts';
import type { ClaimRequest, KernelLimits } from './types.ts';

/** Time and bounds a transition is judged by. */
export type StepAt = { readonly nowMs: number; readonly limits: KernelLimits };

/** What happens to an action: the caller's claim, the owner's verdict, time, policy, proof, a person. */
export type StepEvent =
  | ClaimEvent
  | StartEvent
  | SettleEvent
  | { readonly kind: 'time' }
  | RecheckEvent
  | ResendEvent
  | ProbedEvent
  | { readonly kind: 'unprovable'; readonly why: string }
  | PersonEvent;

/** A call wants its effect. `intent` and `before` are frozen already: objects they name have been stored. */
export type ClaimEvent = {
  readonly kind: 'claim';
  readonly request: ClaimRequest;
  readonly nonce: string;
  readonly intent: Stored;
  readonly before: Stored | null;
  /** Digest of today's request for the record's own frozen intent. */
  readonly requestDigest: string;
  readonly shared?: boolean;
};

/**
 * A worker attempts a due action after policy was asked again. `shared`, here and in a claim: the request may carry other
 * actions too, all under one provider key.
 */
export type StartEvent = {
  readonly kind: 'start';
  readonly nonce: string;
  readonly requestDigest: string;
  readonly shared?: boolean;
};

/** The owner's verdict on its one send. `result` is the stored form of an applied verdict's data. */
export type SettleEvent = {
  readonly kind: 'settle';
  readonly nonce: string;
  readonly epoch: number;
  readonly verdict: WriteVerdict;
  readonly failure: Failure;
  readonly result: Stored;
  /** 0 to 1, spreads retries. */
  readonly jitter: number;
};

/** What policy says of a waiting action when it is looked at again; `go` is not an event. */
export type RecheckEvent = {
  readonly kind: 'recheck';
  readonly says: /** `unreachable`: its system cannot be asked at all for now, not even to read back. */
    | { readonly kind: 'hold'; readonly untilMs: number; readonly unreachable?: boolean }
    | { readonly kind: 'refuse'; readonly failure: Failure }
    | { readonly kind: 'approval'; readonly rule: string; readonly by: string; readonly notAfterMs: number }
    | { readonly kind: 'target_changed' };
};

/** The same request again, from UNKNOWN, under the provider's own key. */
export type ResendEvent = { readonly kind: 'resend'; readonly nonce: string; readonly requestDigest: string };

/** A read-back, with the time it was asked: what was asked too early proves no absence. */
export type ProbedEvent = {
  readonly kind: 'probed';
  readonly verdict: ProbeVerdict;
  readonly askedAtMs: number;
  readonly result: Stored;
  readonly jitter: number;
};

/** A named person's act on one generation. */
export type PersonEvent = { readonly kind: 'person'; readonly gen: number; readonly decision: Decision } & PersonAct;
export type PersonAct =
  | { readonly act: 'approve' }
  | { readonly act: 'reject' }
  | { readonly act: 'cancel' }
  | { readonly act: 'applied'; readonly result: Stored; readonly records: readonly RecordRef[] }
  | { readonly act: 'not_applied' }
  | { readonly act: 'retry' }
  | { readonly act: 'ask_approval'; readonly rule: string; readonly by: string; readonly notAfterMs: number };

/**
 * Why a record stays as it is. `answered`: it is the answer. `wait`: another owner is at it. `reused`: the key stands for
 * another intent. `superseded`: the fence holds against this writer. `too_early`: proof needs more time. `illegal`: no such way.
 */
export type Why =
  | 'answered'
  | 'wait'
  | 'reused'
  | 'again_not_matching'
  | 'again_not_allowed'
  | 'superseded'
  | 'too_early'
  | 'illegal';

/** One transition, to be written under the guard of the record it was judged on; or none. */
export type Step =
  | { readonly kind: 'move'; readonly next: ActionRecord }
  | { readonly kind: 'stay'; readonly why: Why };
