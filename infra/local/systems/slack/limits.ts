import type { Clock } from '../../../../shared/model/clock.ts';
import { rateLimited } from './errors.ts';
import type { Method } from './methods.ts';

/** What the workspace allows: calls a minute by tier, and messages in a row in one channel. */
export type SlackLimits = {
  readonly perMinute: Readonly<Record<1 | 2 | 3 | 4 | 'special', number>>;
  /** Messages a channel takes at once, before it takes one a second. */
  readonly burst: number;
};

/** Slack's documented tiers. @see https://docs.slack.dev/apis/web-api/rate-limits */
export const documentedLimits: SlackLimits = {
  perMinute: { 1: 1, 2: 20, 3: 50, 4: 100, special: 600 },
  burst: 5,
};

/** Counts calls by method, as Slack does for one app in one workspace. */
export type Limiter = { take(name: string, method: Method, channel: string): void };

/** @throws SlackError 429 with the seconds to wait, from `take` */
export function createLimiter(clock: Clock, limits: SlackLimits): Limiter {
  const calls = new Map<string, number[]>();
  const channels = new Map<string, { left: number; atMs: number }>();
  return {
    take(name, method, channel) {
      const nowMs = clock.now();
      if (method.tier === 'post') return takePost(channels, limits.burst, channel, nowMs);
      const recent = (calls.get(name) ?? []).filter((atMs) => atMs > nowMs - 60_000);
      calls.set(name, recent);
      if (recent.length >= limits.perMinute[method.tier]) {
        throw rateLimited(Math.max(1, Math.ceil(((recent[0] ?? nowMs) + 60_000 - nowMs) / 1000)));
      }
      recent.push(nowMs);
    },
  };
}

function takePost(
  channels: Map<string, { left: number; atMs: number }>,
  burst: number,
  channel: string,
  nowMs: number,
): void {
  const held = channels.get(channel) ?? { left: burst, atMs: nowMs };
  const left = Math.min(burst, held.left + (nowMs - held.atMs) / 1000);
  if (left < 1) {
    channels.set(channel, { left, atMs: nowMs });
    throw rateLimited(1);
  }
  channels.set(channel, { left: left - 1, atMs: nowMs });
}
