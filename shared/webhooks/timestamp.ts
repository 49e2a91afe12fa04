import { Refusal } from './verify-types.ts';

/** How a provider writes the signed time: seconds, milliseconds, or ISO 8601 in UTC or with an offset. */
export type TimestampUnit = 's' | 'ms' | 'iso';

const defaultToleranceSeconds = 300;
const maxToleranceSeconds = 86_400;
const iso = /^(\d{4})-(\d{2})-(\d{2})T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-][01]\d:[0-5]\d)$/;

/**
 * Reads a signed timestamp strictly and refuses one outside the tolerance, in the past and in the future alike.
 * No tolerance switches the check off: what is not a number from 0 to 86 400 counts as the default or the maximum.
 * Refuses `malformed_timestamp`, `stale_timestamp`.
 * @param toleranceSeconds greatest difference, 300 by default
 * @returns the time in milliseconds
 */
export function freshTimestamp(
  text: string,
  unit: TimestampUnit,
  clock: { readonly nowMs: number; readonly toleranceSeconds?: number | undefined },
): number {
  const atMs = parseTimestamp(text, unit);
  if (atMs === null || !Number.isFinite(clock.nowMs)) throw new Refusal('malformed_timestamp');
  const asked = clock.toleranceSeconds;
  const valid = typeof asked === 'number' && Number.isFinite(asked) && asked >= 0;
  const toleranceMs = Math.min(valid ? asked : defaultToleranceSeconds, maxToleranceSeconds) * 1000;
  // a provider that counts whole seconds is compared in whole seconds
  const nowMs = unit === 's' ? Math.floor(clock.nowMs / 1000) * 1000 : clock.nowMs;
  if (Math.abs(nowMs - atMs) > toleranceMs) throw new Refusal('stale_timestamp');
  return atMs;
}

function parseTimestamp(text: string, unit: TimestampUnit): number | null {
  if (unit === 's') return /^[1-9]\d{0,9}$/.test(text) ? Number(text) * 1000 : null;
  if (unit === 'ms') return /^[1-9]\d{0,12}$/.test(text) ? Number(text) : null;
  const match = iso.exec(text);
  if (!match) return null;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const date = new Date(Date.UTC(year, month - 1, day));
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? null : atMs;
}
