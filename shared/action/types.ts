import type { ActionBase, ActionRecord, Occasion } from '../model/action.ts';
import type { Clock, Random } from '../model/clock.ts';
import { type ErrorCode, type Failure, PlumblineError } from '../model/errors.ts';
import type { Json } from '../model/json.ts';
import type {
  Classified,
  PlannedCall,
  ProbeVerdict,
  RecordRef,
  ResendClass,
  WriteEffect,
  WriteVerdict,
} from '../model/operation.ts';
import type { ActionStore } from './store.ts';

/** The derived identity of one intent. `onMismatch`: what another intent under the same key means. */
export type Identity = {
  readonly key: string;
  readonly intentHash: string;
  readonly inputHash: string;
  readonly occasion: Occasion;
  readonly windowMs: number | null;
  readonly onMismatch: 'refuse' | 'differs';
};

/** Everything a first claim freezes. Built after policy said yes (or "with approval"). */
export type ClaimRequest = {
  readonly identity: Identity;
  /** Generation of the action id named by `again`, or null. */
  readonly again: number | null;
  /** Whether policy lets `again` repeat a SUCCEEDED action of this tool; a FAILED one may always be meant again. */
  readonly againAllowed: boolean;
  readonly principal: string;
  readonly tool: string;
  readonly effect: WriteEffect;
  readonly resend: ResendClass;
  readonly call: PlannedCall;
  readonly requestDigest: string;
  readonly before: Json | null;
  readonly target: RecordRef;
  readonly context: Pick<ActionBase, 'callId' | 'runId' | 'workflow' | 'period' | 'eventId' | 'contextHash'>;
  /** `approval`: the claim writes AWAITING_APPROVAL instead of STARTED. */
  readonly permission:
    | { readonly kind: 'allow' }
    | { readonly kind: 'approval'; readonly rule: string; readonly by: string; readonly notAfterMs: number };
  /** Absolute time by which the caller must be answered; sends end before it, losers wait until shortly before it. */
  readonly deadlineMs: number;
};

/** What the one owner of a live lease may do: send once. */
export type AttemptInput = {
  readonly record: ActionRecord;
  readonly call: PlannedCall;
  /** `act_<key>_<gen>` with `:rN` after a stored provider error. */
  readonly providerKey: string;
  readonly deadlineMs: number;
  /** True while the lease is live; asked in the moment the request head is written. */
  readonly mayWrite: () => boolean;
};

/** Sends a write and judges the answer. Supplied by the tools room over the connector; throws mean nothing is known, except {@link NotSentError}. */
export type Attempt = (input: AttemptInput) => Promise<WriteVerdict>;

/** Proof that no byte of the request left this process: the one throw of an {@link Attempt} that means "not applied". */
export class NotSentError extends PlumblineError {
  /** @param error why it was not sent; its class decides whether it is tried again */
  constructor(error: Classified) {
    super('The request was not sent.', { code: 'system_unavailable', retry: 'later', hint: 'It is tried again.' });
    this.name = 'NotSentError';
    this.error = error;
  }
  readonly error: Classified;
}

/** One request for several owners of live leases. `mayWrite`: whether all of them are live, asked with the head of the request. */
export type SharedAttempt = {
  readonly items: readonly AttemptInput[];
  readonly deadlineMs: number;
  readonly mayWrite: () => boolean;
};

/** How actions share requests; supplied by the tools room over the connectors' batch forms. */
export type Batching = {
  /** Which calls go together, as positions: each position once, those that go alone by themselves. */
  readonly plan: (calls: readonly PlannedCall[]) => readonly (readonly number[])[];
  /** Whether a shared request for this call goes under one provider key, which then proves nothing of a single action. */
  readonly oneKey: (call: PlannedCall) => boolean;
  /** Sends what {@link Batching.plan} put together: one verdict for each item, in order. Throws as an {@link Attempt} does. */
  readonly send: (shared: SharedAttempt) => Promise<readonly WriteVerdict[]>;
};

/** The place of one action among those that share a request. */
export type Seat = Pick<Batching, 'oneKey'> & {
  /** Waits for the others, then goes out with those it may share a request with. */
  readonly attempt: Attempt;
  /** Says that this action is not sent soon, if at all, so that the others do not wait for it. Harmless when repeated. */
  readonly leave: () => void;
};

/** Reads back a write of unknown outcome. */
export type Probe = (input: {
  record: ActionRecord;
  call: PlannedCall;
  before: Json | null;
  providerKey: string;
  deadlineMs: number;
}) => Promise<ProbeVerdict>;

/** Stored payloads as the kernel needs them: intents, before-images and results above 600 bytes. */
export type KernelPayloads = { put(bytes: Uint8Array): Promise<string>; get(hash: string): Promise<Uint8Array | null> };

/** Bounds of the kernel; one set a stage. */
export type KernelLimits = {
  /** Lambda timeout + 5 s. */
  readonly leaseMs: number;
  /** Bound of clock skew between machines. */
  readonly skewMs: number;
  readonly maxAttempts: number;
  /** A RETRYABLE action this old fails; counted from its making or the last decision of a person. */
  readonly maxAgeMs: number;
  readonly maxProbes: number;
};

export type KernelDeps = {
  readonly store: ActionStore;
  readonly payloads: KernelPayloads;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: KernelLimits;
  readonly attempt: Attempt;
  /** Where this action shares its request with others: it is sent by its seat, once they have come or left. */
  readonly seat?: Seat;
  /**
   * Digest of the request that today's code would send for a frozen call, rendered with the provider key `act_<key>`, so that
   * it says the same for every generation. `ClaimRequest.requestDigest` is computed alike.
   */
  readonly digest: (call: PlannedCall) => string;
  /** A system's classified failure in the words of our answers. */
  readonly failureOf: (error: Classified, system: string) => Failure;
  /**
   * Renders the exact answer bytes of an outcome, before the transition that carries their hash is written.
   * Null in workers, where no caller is answered.
   */
  readonly render: ((outcome: Outcome) => Uint8Array) | null;
};

/** What became of a claim, for the one who made it. */
export type Outcome =
  | { readonly kind: 'applied'; readonly record: ActionRecord; readonly result: Json }
  | { readonly kind: 'replayed'; readonly record: ActionRecord; readonly result: Json; readonly differs: boolean }
  | { readonly kind: 'failed'; readonly record: ActionRecord; readonly failure: Failure; readonly replayed: boolean }
  | { readonly kind: 'pending_approval'; readonly record: ActionRecord }
  | { readonly kind: 'queued'; readonly record: ActionRecord; readonly dueMs: number }
  | { readonly kind: 'in_progress'; readonly record: ActionRecord; readonly retryAfterMs: number }
  | { readonly kind: 'unknown'; readonly record: ActionRecord; readonly failure: Failure }
  | {
      readonly kind: 'refused';
      readonly record: ActionRecord | null;
      readonly code: ErrorCode;
      readonly detail: string;
    };

/**
 * `answeredBy: 'transition'`: the record's own transition carries call id and answer hash, so the ledger writes the call entry
 * from the stream. `'caller'`: this call changed nothing, so the door writes its call entry before it answers.
 */
export type Executed = {
  readonly outcome: Outcome;
  /** The exact bytes to answer with; null where nothing renders. */
  readonly answer: Uint8Array | null;
  readonly answeredBy: 'transition' | 'caller';
  /** For `transition`: whether the answer's object was stored. False is worth an alarm; it never undoes the effect. */
  readonly answerStored: boolean;
};
