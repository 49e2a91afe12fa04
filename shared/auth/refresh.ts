import type { CaseStore } from '../ledger/ports.ts';
import type { Clock, Random } from '../model/clock.ts';
import type { Log } from '../observe/log.ts';
import { type Grant, judgeTokenAnswer, parseGrant, refreshForm, withRefreshToken } from './grants.ts';
import type { RefreshInvoker, SecretStore, SecretVersion, TokenRecord, TokenStore } from './ports.ts';
import { openRefreshCase, settleRefreshCase } from './refresh-case.ts';
import {
  answerTimeoutMs,
  broken,
  claimed,
  emptyTokenRecord,
  gaveUp,
  interrupted,
  mayRetryInGrace,
  newOwner,
  newVersionId,
  published,
  released,
  sendWindowMs,
  situationOf,
  unknownCode,
} from './token-record.ts';

/** What refreshing needs to know of a system with `grant: refresh_token`. */
export type RefreshSystem = {
  readonly owner: string;
  readonly secret: string;
  readonly tokenUrl: string;
  readonly tokenLifetimeMs: number;
  /** How long the provider documents a replaced refresh token to work; absent: not at all. */
  readonly rotationGraceMs?: number;
};

/**
 * Sends one form to a system's token endpoint, once. `mayWrite` is asked in the moment the request head is written.
 * `not_sent` is proof that nothing left; anything short of a complete answer is `lost`.
 */
export type TokenPost = (input: {
  readonly system: string;
  readonly path: string;
  readonly form: readonly (readonly [string, string])[];
  readonly mayWrite: () => boolean;
  readonly deadlineMs: number;
}) => Promise<
  | { readonly kind: 'answer'; readonly status: number; readonly bodyText: string }
  | { readonly kind: 'not_sent'; readonly code: string }
  | { readonly kind: 'lost'; readonly code: string }
>;

/** What {@link refresh} needs. */
export type RefreshDeps = {
  readonly systems: { readonly [system: string]: RefreshSystem };
  readonly tokens: TokenStore;
  readonly secrets: SecretStore;
  readonly cases: Pick<CaseStore, 'open' | 'settle'>;
  readonly post: TokenPost;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
};

/** Which system, and the version the asker holds. */
export type RefreshInput = { readonly system: string; readonly seenVersion: number };
/** `busy`: someone else is at it, or nothing could be sent: look at the token item, come back later. */
export type RefreshResult = Awaited<ReturnType<RefreshInvoker['refresh']>>;

type Run = { readonly deps: RefreshDeps; readonly system: string; readonly settings: RefreshSystem };
type Held = Run & {
  readonly before: TokenRecord;
  readonly leased: TokenRecord;
  readonly secret: SecretVersion;
  readonly grant: Grant;
};

/** Someone took the item in between: look again. */
const again = 'again';

/**
 * Gets a system an access token newer than `seenVersion`, by one refresher at a time over all processes. The lease, and in
 * it the id of the grant's next version, is durable before the request; the new grant is durable before the token is
 * published. A refresh that was not finished is picked up by that id; where it is absent, the old grant is used at most
 * once more, and only inside a documented grace window; else one case asks a person. Fails closed: throws
 * `store_unavailable` where the lease cannot be written.
 * @see https://www.rfc-editor.org/rfc/rfc9700#section-4.14
 */
export async function refresh(deps: RefreshDeps, input: RefreshInput): Promise<RefreshResult> {
  const settings = Object.hasOwn(deps.systems, input.system) ? deps.systems[input.system] : undefined;
  if (settings === undefined) return { kind: 'broken', code: 'no_refresh_grant' };
  const run = { deps, system: input.system, settings };
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const result = await refreshOnce(run, input.seenVersion);
    if (result !== again) return result;
  }
  return { kind: 'busy' };
}

async function refreshOnce(run: Run, seenVersion: number): Promise<RefreshResult | typeof again> {
  const { deps, system, settings } = run;
  const record = (await deps.tokens.get(system)) ?? emptyTokenRecord(system);
  const situation = situationOf(record, seenVersion, deps.clock.now());
  switch (situation.kind) {
    case 'fresh':
      return { kind: 'version', version: situation.version };
    case 'busy':
      return { kind: 'busy' };
    case 'stuck':
      return adoptNewGrant(run, record, situation.code);
    case 'interrupted':
      return pickUp(run, record, situation.nextSecretVersionId);
    case 'free': {
      const secret = await deps.secrets.get(settings.secret, record.secretVersionId ?? undefined);
      return secret === null ? breakOff(run, record, 'grant_missing') : useGrant(run, record, secret, false);
    }
  }
}

async function pickUp(run: Run, record: TokenRecord, nextVersionId: string): Promise<RefreshResult | typeof again> {
  const { deps, settings } = run;
  const written = await deps.secrets.get(settings.secret, nextVersionId);
  if (written !== null) {
    if (record.secretVersionId !== null) await promote(run, nextVersionId, record.secretVersionId);
    return useGrant(run, record, written, false);
  }
  if (mayRetryInGrace(record, settings.rotationGraceMs, deps.clock.now())) {
    const old = await deps.secrets.get(settings.secret, record.secretVersionId ?? undefined);
    if (old !== null) return useGrant(run, record, old, true);
  }
  return record.lastFailure?.code === unknownCode ? adoptNewGrant(run, record, unknownCode) : giveUp(run, record);
}

async function useGrant(
  run: Run,
  before: TokenRecord,
  secret: SecretVersion,
  retry: boolean,
): Promise<RefreshResult | typeof again> {
  const { deps } = run;
  const grant = parseGrant(secret.value);
  if (grant === null) return breakOff(run, { ...before, secretVersionId: secret.versionId }, 'grant_unreadable');
  const nowMs = deps.clock.now();
  const lease = {
    owner: newOwner(deps.random),
    nextSecretVersionId: newVersionId(deps.random),
    secretVersionId: secret.versionId,
    retry,
  };
  const leased = claimed(before, lease, nowMs);
  if (!(await takeLease(deps, leased, before.epoch))) return again;
  return exchange({ ...run, before, leased, secret, grant });
}

// A lease whose own answer was lost is recognised by its owner; without it nothing is sent.
async function takeLease(deps: RefreshDeps, leased: TokenRecord, expectedEpoch: number): Promise<boolean> {
  try {
    return (await deps.tokens.write(leased, expectedEpoch)) === 'written';
  } catch (error) {
    const stored = await deps.tokens.get(leased.system);
    if (stored?.epoch === leased.epoch && stored.lease?.owner === leased.lease?.owner) return true;
    throw error;
  }
}

async function exchange(held: Held): Promise<RefreshResult | typeof again> {
  const { deps, settings, system, grant, leased } = held;
  const untilMs = leased.lease?.untilMs ?? 0;
  const startedAtMs = deps.clock.now();
  const mayWrite = () => deps.clock.now() < Math.min(startedAtMs + sendWindowMs, untilMs - answerTimeoutMs);
  const sent = await deps.post({
    system,
    path: settings.tokenUrl,
    form: refreshForm(grant),
    mayWrite,
    deadlineMs: startedAtMs + answerTimeoutMs,
  });
  if (sent.kind === 'not_sent') return giveBack(held, sent.code);
  if (sent.kind === 'lost') return leaveTrail(held, sent.code);
  const answer = judgeTokenAnswer(sent);
  if (answer.kind === 'transient') return giveBack(held, answer.code);
  if (answer.kind === 'unclear') return leaveTrail(held, answer.code);
  if (answer.kind === 'refused') return refusedGrant(held, answer.code);
  const rotated = answer.refreshToken !== null && answer.refreshToken !== grant.refreshToken;
  const secretVersionId = rotated ? await keepGrant(held, answer.refreshToken ?? '') : held.secret.versionId;
  return publish(held, answer.accessToken, secretVersionId, answer.lifetimeMs);
}

async function keepGrant(held: Held, refreshToken: string): Promise<string> {
  const { deps, settings, secret, leased } = held;
  const nextVersionId = leased.lease?.nextSecretVersionId ?? '';
  const value = withRefreshToken(secret.value, refreshToken);
  // The provider has already dropped the old token: losing this write would lose the installation.
  for (let attempt = 1; ; attempt += 1) {
    try {
      await deps.secrets.putPending(settings.secret, value, nextVersionId);
      break;
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
  await promote(held, nextVersionId, secret.versionId);
  return nextVersionId;
}

async function promote(run: Run, toVersionId: string, fromVersionId: string): Promise<void> {
  const { deps, settings, system } = run;
  const outcome = await deps.secrets.promote(settings.secret, toVersionId, fromVersionId);
  // Somebody set another current version. Ours is the one that just worked: it stays in use by its id.
  if (outcome === 'lost') deps.log.warn('The current version of a grant was changed by someone else.', { system });
}

async function publish(
  held: Held,
  token: string,
  secretVersionId: string,
  lifetimeMs: number | null,
): Promise<RefreshResult> {
  const { deps, settings, system, before, leased } = held;
  const nowMs = deps.clock.now();
  const observedLifetimeMs = lifetimeMs ?? observedOf(before, nowMs);
  const issued = {
    token,
    secretVersionId,
    lifetimeMs: lifetimeMs ?? Math.min(observedLifetimeMs ?? settings.tokenLifetimeMs, settings.tokenLifetimeMs),
    observedLifetimeMs,
  };
  const next = published(leased, issued, nowMs);
  if ((await deps.tokens.write(next, leased.epoch)) === 'lost') return { kind: 'busy' };
  if (before.health !== 'ok') await settleRefreshCase(deps, system, nowMs);
  deps.log.metric('TokenRefreshed', 1, 'Count', { system });
  return { kind: 'version', version: next.version };
}

// Where the provider names no lifetime, a token that was refused before its time shows how long one really lives.
function observedOf(before: TokenRecord, nowMs: number): number | null {
  const { current, observedLifetimeMs } = before;
  if (current === null || current.expiresAtMs <= nowMs) return observedLifetimeMs;
  return Math.max(60_000, nowMs - current.issuedAtMs);
}

async function giveBack(held: Held, code: string): Promise<RefreshResult> {
  const { deps, system, before, leased } = held;
  await deps.tokens.write(released(before, leased, code, deps.clock.now()), leased.epoch);
  deps.log.warn('A token refresh did not reach the provider.', { system, code });
  return { kind: 'busy' };
}

async function leaveTrail(held: Held, code: string): Promise<RefreshResult | typeof again> {
  const { deps, system, settings, leased } = held;
  deps.log.error('The outcome of a token refresh is not known.', { system, code });
  const nowMs = deps.clock.now();
  const next = interrupted(leased, nowMs);
  if (!mayRetryInGrace(next, settings.rotationGraceMs, nowMs)) return giveUp(held, leased);
  await deps.tokens.write(next, leased.epoch);
  return { kind: 'busy' };
}

async function refusedGrant(held: Held, code: string): Promise<RefreshResult | typeof again> {
  const { deps, leased, system } = held;
  const stored = await deps.tokens.get(system);
  if (stored?.epoch !== leased.epoch) return again;
  const newer = await newerGrant(held, leased);
  return newer === null ? breakOff(held, leased, code) : useGrant(held, leased, newer, false);
}

async function adoptNewGrant(run: Run, record: TokenRecord, code: string): Promise<RefreshResult | typeof again> {
  const newer = await newerGrant(run, record);
  return newer === null ? { kind: 'broken', code } : useGrant(run, record, newer, false);
}

// A grant a person has set since. A stale read may show an older version than ours, never one whose predecessor is ours.
async function newerGrant(run: Run, record: TokenRecord): Promise<SecretVersion | null> {
  const [current, previous] = await run.deps.secrets.current(run.settings.secret);
  const ours = [record.secretVersionId, record.lease?.nextSecretVersionId];
  if (current === undefined || ours.includes(current.versionId)) return null;
  const follows = record.secretVersionId === null || (previous !== undefined && ours.includes(previous.versionId));
  const settledLongAgo = run.deps.clock.now() - (record.lastFailure?.atMs ?? run.deps.clock.now()) > 300_000;
  return follows || settledLongAgo ? current : null;
}

// The case comes first: a crash in between opens it again under the same name, it never stays unopened.
async function giveUp(run: Run, record: TokenRecord): Promise<RefreshResult | typeof again> {
  const { deps, system, settings } = run;
  const nowMs = deps.clock.now();
  await openRefreshCase(deps, { system, owner: settings.owner, code: unknownCode }, nowMs);
  if ((await deps.tokens.write(gaveUp(record, nowMs), record.epoch)) === 'lost') return again;
  return { kind: 'broken', code: unknownCode };
}

async function breakOff(run: Run, record: TokenRecord, code: string): Promise<RefreshResult | typeof again> {
  const { deps, system, settings } = run;
  const nowMs = deps.clock.now();
  await openRefreshCase(deps, { system, owner: settings.owner, code }, nowMs);
  if ((await deps.tokens.write(broken(record, code, nowMs), record.epoch)) === 'lost') return again;
  return { kind: 'broken', code };
}
