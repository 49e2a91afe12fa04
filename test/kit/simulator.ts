import { type HubSpotOptions, type HubSpotSimulator, startHubSpot } from '../../infra/local/systems/hubspot/start.ts';
import { systemClock } from '../../shared/model/clock.ts';
import { callJson } from './answers.ts';

/** A bearer every simulated account of the tests accepts. */
export const staticToken = 'local-static-token';

/**
 * A simulated HubSpot account on a free port, with limits that do not get in the way. Close it in `afterEach` or `afterAll`.
 * @param options anything to have otherwise; `seeded` is false unless asked for
 */
export function startTestHubSpot(options: Partial<HubSpotOptions> = {}): Promise<HubSpotSimulator> {
  const limits = { tenSecondly: 100_000, daily: 1_000_000, searchPerSecond: 100_000, ...options.limits };
  return startHubSpot({ port: 0, seed: 1, clock: systemClock, searchLagMs: 0, seeded: false, ...options, limits });
}

/** One JSON request to a simulated account; the body of the answer parsed where it is JSON. */
export function callHubSpot(
  hubspot: { readonly url: string },
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
) {
  return callJson(hubspot.url + path, method, body, { authorization: `Bearer ${staticToken}`, ...headers });
}

/** A clock that stands still until it is told to move; sleepers wake in order when their time comes. */
export function manualClock(startMs = 1_800_000_000_000) {
  let nowMs = startMs;
  let sleepers: { atMs: number; wake: () => void }[] = [];
  return {
    now: () => nowMs,
    sleep: (ms: number) =>
      ms <= 0 ? Promise.resolve() : new Promise<void>((wake) => sleepers.push({ atMs: nowMs + ms, wake })),
    advance(ms: number) {
      nowMs += ms;
      const due = sleepers.filter((sleeper) => sleeper.atMs <= nowMs);
      sleepers = sleepers.filter((sleeper) => sleeper.atMs > nowMs);
      for (const sleeper of due) sleeper.wake();
    },
  };
}
