import type { SecretStore } from '../auth/ports.ts';
import type { Clock } from '../model/clock.ts';
import type { Log } from '../observe/log.ts';

/** Values of the channels' secrets in memory. */
export type SecretCache = {
  /** Loads what is missing or old; at most once in `maxAgeMs`, and after a failure once in 30 s. Never throws. */
  keepFresh(): Promise<void>;
  /** Current and previous value, or null where they have never been loaded. */
  valuesOf(name: string): readonly string[] | null;
};

const retryAfterMs = 30_000;

/**
 * Secrets of the webhook door: loaded at start and by age. A request never causes a load, so forged traffic costs nothing.
 * @param deps.names the secrets' names; @param maxAgeMs how old a value may be, 5 minutes by default
 */
export function createSecretCache(
  deps: {
    readonly secrets: Pick<SecretStore, 'current'>;
    readonly names: readonly string[];
    readonly clock: Clock;
    readonly log: Log;
  },
  maxAgeMs = 300_000,
): SecretCache {
  const values = new Map<string, readonly string[]>();
  let dueMs = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | null = null;
  const load = async (): Promise<void> => {
    const results = await Promise.allSettled(
      [...new Set(deps.names)].map(async (name) => {
        const versions = await deps.secrets.current(name);
        if (versions.length === 0) throw new Error('the secret has no value');
        values.set(name, [...new Set(versions.map(({ value }) => value))]);
      }),
    );
    const failed = results.filter(({ status }) => status === 'rejected').length;
    if (failed > 0) deps.log.error('Webhook secrets could not be loaded.', { count: failed });
    dueMs = deps.clock.now() + (failed > 0 ? retryAfterMs : maxAgeMs);
    running = null;
  };
  return {
    keepFresh: () => {
      if (deps.clock.now() < dueMs) return Promise.resolve();
      running ??= load();
      return running;
    },
    valuesOf: (name) => values.get(name) ?? null,
  };
}
