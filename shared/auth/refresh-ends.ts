import type { Held } from './exchange.ts';
import { isUsedUp } from './grants.ts';
import type { TokenRecord } from './ports.ts';
import type { again, RefreshResult, Run } from './refresh.ts';
import { openRefreshCase } from './refresh-case.ts';
import {
  broken,
  failingTooLongMs,
  gaveUp,
  interrupted,
  mayRetryInGrace,
  released,
  unknownCode,
} from './token-record.ts';

type Step = RefreshResult | typeof again;

/** Ends a refresh of which it is proven that nothing was issued, or that may be repeated at will. */
export async function giveBack(held: Held, code: string): Promise<RefreshResult> {
  const { deps, system, settings, before, leased } = held;
  const nowMs = deps.clock.now();
  const next = released(before, leased, code, nowMs);
  if (nowMs - (next.failingSinceMs ?? nowMs) >= failingTooLongMs) {
    await openRefreshCase(deps, { system, owner: settings.owner, code }, nowMs);
  }
  await deps.tokens.write(next, leased.epoch);
  deps.log.warn('A token refresh brought no token.', { system, code });
  return { kind: 'busy' };
}

/** Ends a refresh of unknown outcome. A grant that is not used up by it is simply used again. */
export async function leaveTrail(held: Held, code: string): Promise<Step> {
  const { deps, system, settings, leased } = held;
  if (!isUsedUp(settings)) return giveBack(held, code);
  deps.log.error('The outcome of a token refresh is not known.', { system, code });
  const nowMs = deps.clock.now();
  const next = interrupted(leased, nowMs);
  if (!mayRetryInGrace(next, settings.rotationGraceMs, nowMs)) return giveUp(held, leased);
  await deps.tokens.write(next, leased.epoch);
  return { kind: 'busy' };
}

/** Ends a refresh of which nobody knows whether it used up the grant. */
// The case comes first: a crash in between opens it again under the same name, it never stays unopened.
export async function giveUp(run: Run, record: TokenRecord): Promise<Step> {
  const { deps, system, settings } = run;
  const nowMs = deps.clock.now();
  await openRefreshCase(deps, { system, owner: settings.owner, code: unknownCode }, nowMs);
  if ((await deps.tokens.write(gaveUp(record, nowMs), record.epoch)) === 'lost') return 'again';
  return { kind: 'broken', code: unknownCode };
}

/** Ends a refresh whose grant is refused, missing or unreadable, or whose token leads elsewhere. */
export async function breakOff(run: Run, record: TokenRecord, code: string, detail?: string): Promise<Step> {
  const { deps, system, settings } = run;
  const nowMs = deps.clock.now();
  await openRefreshCase(deps, { system, owner: settings.owner, code, ...(detail ? { detail } : {}) }, nowMs);
  if ((await deps.tokens.write(broken(record, code, nowMs), record.epoch)) === 'lost') return 'again';
  return { kind: 'broken', code };
}
