import type { Random } from '../model/clock.ts';

/** Waits between attempts: `baseMs` doubles with each attempt up to `capMs`. */
export type Backoff = { readonly baseMs: number; readonly capMs: number };

/** 2 s, 4 s, 8 s ... up to 15 minutes: what one queue message can wait. */
export const defaultBackoff: Backoff = { baseMs: 2000, capMs: 900_000 };

/**
 * How long to wait before attempt `attempt` + 1: a random time between 0 and the doubled base (full jitter), and never
 * less than what the other side asked for, to which the jitter is then added.
 * @param input.attempt attempts made so far, from 1; @param input.retryAfterMs what the other side asked for, if it did
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function backoffMs(
  { backoff, random }: { readonly backoff: Backoff; readonly random: Random },
  input: { readonly attempt: number; readonly retryAfterMs?: number | undefined },
): number {
  return jitteredMs(backoff, { ...input, jitter: fraction(random) });
}

/** The same wait, for who draws the random part elsewhere. @param input.jitter from 0 to 1 */
export function jitteredMs(
  backoff: Backoff,
  input: { readonly attempt: number; readonly jitter: number; readonly retryAfterMs?: number | undefined },
): number {
  const ceiling = Math.min(backoff.capMs, backoff.baseMs * 2 ** Math.min(Math.max(input.attempt, 1) - 1, 30));
  const jitterMs = Math.floor(input.jitter * ceiling);
  return input.retryAfterMs === undefined ? jitterMs : input.retryAfterMs + Math.min(jitterMs, backoff.baseMs);
}

/** A number from 0 up to 1. */
function fraction(random: Random): number {
  const [a = 0, b = 0, c = 0, d = 0] = random(4);
  return (((a << 24) | (b << 16) | (c << 8) | d) >>> 0) / 4_294_967_296;
}

/**
 * A `Retry-After` header as milliseconds from now: whole seconds or an HTTP date; null for anything else.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | null {
  if (value === undefined) return null;
  const text = value.trim();
  if (/^[0-9]{1,9}$/.test(text)) return Number(text) * 1000;
  const atMs = /^[A-Z][a-z]{2}, /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}
