import type { PlumblineConfig } from '../config/schema.ts';
import type { Clock } from '../model/clock.ts';
import type { RefreshInvoker, TokenStore } from './ports.ts';
import { refreshDueMs } from './token-source.ts';

/** What refreshing ahead of time needs. */
export type RefreshAheadDeps = {
  readonly systems: PlumblineConfig['systems'];
  readonly tokens: Pick<TokenStore, 'get'>;
  readonly invoker: RefreshInvoker;
  readonly clock: Clock;
};

/**
 * Asks for a new token of every system whose token has used up 80 % of its life, so that no call has to wait for one.
 * Returns the systems asked for. A system that fails is asked again a minute later; its case is opened by the refresh itself.
 */
export async function refreshAhead(deps: RefreshAheadDeps): Promise<readonly string[]> {
  const asked = Object.entries(deps.systems).map(async ([system, { auth }]) => {
    if (!('refresh' in auth)) return [];
    const record = await deps.tokens.get(system);
    const dueMs = refreshDueMs(record, auth.refresh);
    if (record === null || dueMs === null || dueMs > deps.clock.now()) return [];
    await deps.invoker.refresh({ system, seenVersion: record.version });
    return [system];
  });
  return (await Promise.all(asked)).flat();
}
