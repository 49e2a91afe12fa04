import type { Clock } from '../../../../shared/model/clock.ts';
import { type HubSpotError, rateLimited } from './errors.ts';

/** How many calls the simulated account allows. */
export type HubSpotLimits = {
  readonly tenSecondly: number;
  readonly daily: number;
  /** Search requests in a second, over all tokens. */
  readonly searchPerSecond: number;
};

/** The limits of a small account. */
export const smallAccountLimits: HubSpotLimits = { tenSecondly: 100, daily: 250_000, searchPerSecond: 5 };

/** What became of one call: refused with the policy that was hit, and the headers to send either way. */
export type LimitVerdict = {
  readonly refused: HubSpotError | null;
  readonly headers: Readonly<Record<string, string>>;
};

/** Counts calls in rolling windows; refused calls count towards the day only. */
export type Limiter = { take(token: string, kind: 'search' | 'other'): LimitVerdict };

/** @param clock the account's clock; @param limits what it allows */
export function createLimiter(clock: Clock, limits: HubSpotLimits): Limiter {
  const perToken = new Map<string, number[]>();
  let searches: number[] = [];
  let day = '';
  let today = 0;
  return {
    take(token, kind) {
      const nowMs = clock.now();
      const date = new Date(nowMs).toISOString().slice(0, 10);
      if (date !== day) [day, today] = [date, 0];
      today += 1;
      const recent = (perToken.get(token) ?? []).filter((atMs) => atMs > nowMs - 10_000);
      searches = searches.filter((atMs) => atMs > nowMs - 1_000);
      const refused = refusal(limits, {
        today,
        recent: recent.length,
        searches: kind === 'search' ? searches.length : -1,
      });
      if (refused === null) {
        recent.push(nowMs);
        if (kind === 'search') searches.push(nowMs);
      }
      perToken.set(token, recent);
      // Search answers carry no rate headers.
      return { refused, headers: kind === 'search' ? {} : headersOf(limits, recent.length, today) };
    },
  };
}

function refusal(
  limits: HubSpotLimits,
  used: { today: number; recent: number; searches: number },
): HubSpotError | null {
  if (used.today > limits.daily) return rateLimited('DAILY');
  if (used.recent >= limits.tenSecondly) return rateLimited('TEN_SECONDLY_ROLLING');
  if (used.searches >= limits.searchPerSecond) return rateLimited('SECONDLY');
  return null;
}

function headersOf(limits: HubSpotLimits, used: number, today: number): Record<string, string> {
  return {
    'x-hubspot-ratelimit-daily': String(limits.daily),
    'x-hubspot-ratelimit-daily-remaining': String(Math.max(0, limits.daily - today)),
    'x-hubspot-ratelimit-interval-milliseconds': '10000',
    'x-hubspot-ratelimit-max': String(limits.tenSecondly),
    'x-hubspot-ratelimit-remaining': String(Math.max(0, limits.tenSecondly - used)),
    'x-hubspot-ratelimit-secondly': String(Math.ceil(limits.tenSecondly / 10)),
    'x-hubspot-ratelimit-secondly-remaining': String(Math.ceil(Math.max(0, limits.tenSecondly - used) / 10)),
  };
}
