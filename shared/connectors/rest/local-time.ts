const written = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?$/;
const zoned = /(?:Z|[+-]\d{2}:?\d{2})$/i;

/**
 * A time without a zone as the moment it means in a zone, ISO 8601 in UTC; a time that names its zone keeps it. Null where it
 * is no time. An hour that the clocks run through twice counts as the first of the two; one that they leave out, as the hour after.
 */
export function fromLocal(text: string, zone: string): string | null {
  if (zoned.test(text) && !Number.isNaN(Date.parse(text))) return new Date(text).toISOString();
  const match = written.exec(text);
  if (!match) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map((part) => Number(part ?? 0));
  const wallMs = Date.UTC(year, month - 1, day, hour, minute, second);
  const wall = new Date(wallMs);
  if (wall.getUTCMonth() !== month - 1 || wall.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59)
    return null;
  // The offset a day before and a day after: where they differ, the clocks are changed in between.
  const offsets = [offsetMs(wallMs - 86_400_000, zone), offsetMs(wallMs + 86_400_000, zone)];
  const moments = offsets.map((offset) => wallMs - offset).filter((atMs) => atMs + offsetMs(atMs, zone) === wallMs);
  return new Date(moments.length > 0 ? Math.min(...moments) : wallMs - (offsets[0] ?? 0)).toISOString();
}

/** A moment as a time without a zone, as a zone's clocks show it: `2026-03-01T12:00:00`. */
export function toLocal(atMs: number, zone: string): string {
  return new Date(atMs + offsetMs(atMs, zone)).toISOString().slice(0, 19);
}

/** How far the clocks of a zone are ahead of UTC at a moment, milliseconds. */
function offsetMs(atMs: number, zone: string): number {
  const whole = Math.floor(atMs / 1000) * 1000;
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  });
  const parts = Object.fromEntries(format.formatToParts(whole).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - whole;
}
