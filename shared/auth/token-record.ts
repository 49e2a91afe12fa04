import type { Random } from '../model/clock.ts';
import type { TokenRecord } from './ports.ts';

/** How long one refresher may hold the right to use a grant, milliseconds. Longer than the refresh function may run. */
export const leaseMs = 15_000;

/** How long after the lease was taken the request may still leave, milliseconds. */
export const sendWindowMs = 4_000;

/** How long the token endpoint may take, milliseconds. */
export const answerTimeoutMs = 5_000;

/** Marks, in `lastFailure`, that the one retry inside the provider's grace window has been taken. */
export const graceRetryCode = 'retry_in_grace';

/** Marks that nobody knows whether the grant was rotated, and that a case was opened. */
export const unknownCode = 'refresh_outcome_unknown';

/** Marks that the provider issued a token for another origin than the configured one. */
export const otherOriginCode = 'token_for_other_origin';

/** How long a failure that a person may mend at the provider stands before it is tried again, milliseconds. */
const triedAgainAfterMs = 900_000;

/** A refresh that fails for this long becomes a case, although each try by itself may be repeated; milliseconds. */
export const failingTooLongMs = 900_000;

/** The item of a system that was never refreshed. */
export function emptyTokenRecord(system: string): TokenRecord {
  return {
    system,
    current: null,
    version: 0,
    secretVersionId: null,
    lease: null,
    health: 'ok',
    lastRefreshAtMs: null,
    lastFailure: null,
    observedLifetimeMs: null,
    failingSinceMs: null,
    epoch: 0,
  };
}

/** What the item allows a refresher to do next. */
export type Situation =
  | { readonly kind: 'fresh'; readonly version: number }
  | { readonly kind: 'busy' }
  /** The last refresh was not finished: ask for exactly the version it was going to write. */
  | { readonly kind: 'interrupted'; readonly nextSecretVersionId: string }
  /** Only a grant that a person has set since can help. */
  | { readonly kind: 'stuck'; readonly code: string }
  | { readonly kind: 'free' };

/**
 * Judges the item. Pure.
 * @param asked.seenVersion the version the asker holds; the same version means that it was rejected or is about to expire
 * @param asked.usedUp whether a request uses up the grant, so that an unfinished one matters
 */
export function situationOf(
  record: TokenRecord,
  asked: { readonly seenVersion: number; readonly usedUp: boolean },
  nowMs: number,
): Situation {
  const { current, lease } = record;
  if (current !== null && record.version > asked.seenVersion && current.expiresAtMs > nowMs) {
    return { kind: 'fresh', version: record.version };
  }
  if (lease !== null && lease.untilMs > nowMs) return { kind: 'busy' };
  if (lease !== null && asked.usedUp) return { kind: 'interrupted', nextSecretVersionId: lease.nextSecretVersionId };
  if (record.health !== 'broken') return { kind: 'free' };
  const { atMs, code } = record.lastFailure ?? { atMs: nowMs, code: 'grant_refused' };
  const mayBeMended = !asked.usedUp || code === otherOriginCode;
  return mayBeMended && nowMs - atMs >= triedAgainAfterMs ? { kind: 'free' } : { kind: 'stuck', code };
}

/**
 * Whether the old grant may be used once more after an interrupted refresh: the provider documents that it still works
 * after a rotation, that time is not over, and it was not done before.
 */
export function mayRetryInGrace(record: TokenRecord, graceMs: number | undefined, nowMs: number): boolean {
  if (graceMs === undefined || record.lease === null || record.health === 'unknown') return false;
  // The lease may have been given back early, so this start is never later than the real one.
  const startedAtMs = record.lease.untilMs - leaseMs;
  return nowMs + sendWindowMs + answerTimeoutMs < startedAtMs + graceMs;
}

/** The item with a lease on it. The grant's next version id stands in it before the request is made. */
export function claimed(
  record: TokenRecord,
  lease: { owner: string; nextSecretVersionId: string; secretVersionId: string; retry: boolean },
  nowMs: number,
): TokenRecord {
  const epoch = record.epoch + 1;
  const { owner, nextSecretVersionId, secretVersionId, retry } = lease;
  return {
    ...record,
    secretVersionId,
    lease: { owner, epoch, untilMs: nowMs + leaseMs, nextSecretVersionId },
    health: retry ? 'unknown' : 'refreshing',
    lastFailure: retry ? { atMs: nowMs, code: graceRetryCode } : null,
    epoch,
  };
}

/** The item with a new access token, and the lease given back. */
export function published(
  record: TokenRecord,
  issued: {
    token: string;
    secretVersionId: string;
    lifetimeMs: number;
    observedLifetimeMs: number | null;
    documentedLifetimeMs: number;
  },
  nowMs: number,
): TokenRecord {
  const version = record.version + 1;
  const { token, secretVersionId, lifetimeMs, observedLifetimeMs, documentedLifetimeMs } = issued;
  return {
    ...record,
    current: { token, version, issuedAtMs: nowMs, expiresAtMs: nowMs + lifetimeMs },
    version,
    secretVersionId,
    lease: null,
    health: 'ok',
    lastRefreshAtMs: nowMs,
    lastFailure: null,
    observedLifetimeMs,
    documentedLifetimeMs,
    failingSinceMs: null,
    epoch: record.epoch + 1,
  };
}

/**
 * The item after proof that nothing was issued: as it was before the lease, so that the next caller may try.
 * @param before the item the lease was taken on; its trail, where it has one, is what a grace retry goes back to
 */
export function released(before: TokenRecord, leased: TokenRecord, code: string, nowMs: number): TokenRecord {
  const { secretVersionId, epoch } = leased;
  const failingSinceMs = before.failingSinceMs ?? nowMs;
  return { ...before, secretVersionId, lastFailure: { atMs: nowMs, code }, failingSinceMs, epoch: epoch + 1 };
}

/** The item after a request of unknown outcome: the lease ends now, its trail stays. */
export function interrupted(record: TokenRecord, nowMs: number): TokenRecord {
  const lease = record.lease === null ? null : { ...record.lease, untilMs: nowMs };
  return { ...record, lease, epoch: record.epoch + 1 };
}

/** The item once nobody knows whether the grant was rotated; the trail stays, so that a late write still heals it. */
export function gaveUp(record: TokenRecord, nowMs: number): TokenRecord {
  const lastFailure = { atMs: nowMs, code: unknownCode };
  return { ...interrupted(record, Math.min(nowMs, record.lease?.untilMs ?? nowMs)), health: 'unknown', lastFailure };
}

/** The item once the provider has refused the grant. */
export function broken(record: TokenRecord, code: string, nowMs: number): TokenRecord {
  return { ...record, lease: null, health: 'broken', lastFailure: { atMs: nowMs, code }, epoch: record.epoch + 1 };
}

/** A name for one holder of the lease, by which it recognises its own write. */
export function newOwner(random: Random): string {
  return Buffer.from(random(16)).toString('hex');
}

/** An id for a version of a secret, in the shape Secrets Manager asks for: a UUID. */
export function newVersionId(random: Random): string {
  const text = Buffer.from(random(16)).toString('hex');
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join('-');
}
