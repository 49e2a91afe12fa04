import type { Clock } from '../model/clock.ts';

/** Milliseconds left until a deadline; 0 once it has passed. */
export function remainingMs(deadlineMs: number, clock: Clock): number {
  return Math.max(0, deadlineMs - clock.now());
}

/** The nearer of a deadline and `timeoutMs` from now; no timeout leaves the deadline as it is. */
export function nearerDeadline(deadlineMs: number, timeoutMs: number | undefined, clock: Clock): number {
  return timeoutMs === undefined ? deadlineMs : Math.min(deadlineMs, clock.now() + timeoutMs);
}
