import type { Json } from '../model/json.ts';
import type { BreakerState } from './ports.ts';

/** When a breaker opens and for how long. */
export type BreakerRule = {
  /** Failures in a row that open it. */
  readonly opensAfter: number;
  /** How long it stays open before one probe, milliseconds; doubles with each failed probe up to 16 times. */
  readonly staysMs: number;
};

/** Calls that change nothing and calls that do fail apart: each class of a system has a breaker of its own. */
export type OperationClass = 'read' | 'write';

/**
 * What a breaker says of one request. `probe`: it may go, as the one trial, once `next` has been stored. `read_first`:
 * the wait is over, and a read has to show that the system works again.
 */
export type BreakerVerdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'read_first' }
  | { readonly kind: 'probe'; readonly next: BreakerState }
  | { readonly kind: 'refuse'; readonly retryAfterMs: number };

/** The state of a breaker nobody has heard of yet. */
export const closedBreaker: BreakerState = { kind: 'closed', failures: 0 };

/** How long a probe may take before another caller may try. */
const probeMs = 30_000;

/**
 * Whether a request may go. While the breaker is open, only one read goes at a time, and only after the wait: a write is
 * never what tries out a system that was failing.
 * @param input.owner who asks; @param input.readOnly whether the request changes nothing
 */
export function askBreaker(
  rule: BreakerRule,
  state: BreakerState,
  input: { readonly nowMs: number; readonly owner: string; readonly readOnly: boolean },
): BreakerVerdict {
  if (state.kind === 'closed') return { kind: 'pass' };
  const waitMs =
    state.kind === 'open'
      ? state.openedAtMs + staysMs(rule, state.attemptNo) - input.nowMs
      : state.probeUntilMs - input.nowMs;
  if (waitMs > 0) return { kind: 'refuse', retryAfterMs: waitMs };
  if (!input.readOnly) return { kind: 'read_first' };
  const { openedAtMs, attemptNo } = state;
  const probe = { probeOwner: input.owner, probeUntilMs: input.nowMs + probeMs };
  return { kind: 'probe', next: { kind: 'half_open', openedAtMs, attemptNo, ...probe } };
}

/**
 * The state after a request that the system answered, whatever the answer: 4xx and 429 are answers. An open breaker stays
 * open: such an answer was on its way when it opened.
 */
export function afterSuccess(state: BreakerState): BreakerState {
  if (state.kind === 'open') return state;
  return state.kind === 'closed' && state.failures === 0 ? state : closedBreaker;
}

/**
 * The state of the breaker of writes after a read showed that the system works. It says nothing of writes: one that fails
 * opens the breaker again, for longer than before.
 */
export function afterProbe(rule: BreakerRule, state: BreakerState): BreakerState {
  if (state.kind !== 'half_open') return state;
  return { kind: 'closed', failures: rule.opensAfter - 1, attemptNo: state.attemptNo + 1 };
}

/** The state after a request that found the system failing: 5xx, no connection, no answer. */
export function afterFailure(rule: BreakerRule, state: BreakerState, nowMs: number): BreakerState {
  if (state.kind === 'half_open') return { kind: 'open', openedAtMs: nowMs, attemptNo: state.attemptNo + 1 };
  if (state.kind === 'open') return state;
  const failures = state.failures + 1;
  const { attemptNo = 0 } = state;
  return failures >= rule.opensAfter ? { kind: 'open', openedAtMs: nowMs, attemptNo } : { ...state, failures };
}

/** A breaker as it is stored; what cannot be read counts as closed. */
export function breakerStateOf(value: Json | null): BreakerState {
  const state = value as BreakerState | null;
  return state && ['closed', 'open', 'half_open'].includes(state.kind) ? state : closedBreaker;
}

function staysMs(rule: BreakerRule, attemptNo: number): number {
  return rule.staysMs * 2 ** Math.min(attemptNo, 4);
}
