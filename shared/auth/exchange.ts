import { refreshTokenIn, type TokenRequest, tokenRequest, withRefreshToken } from './grants.ts';
import type { SecretVersion, TokenRecord } from './ports.ts';
import type { again, RefreshDeps, RefreshResult, Run } from './refresh.ts';
import { settleRefreshCase } from './refresh-case.ts';
import { breakOff, giveBack, leaveTrail } from './refresh-ends.ts';
import { isForOrigin, judgeTokenAnswer, type TokenAnswer } from './token-answer.ts';
import {
  answerTimeoutMs,
  claimed,
  newOwner,
  newVersionId,
  otherOriginCode,
  published,
  sendWindowMs,
} from './token-record.ts';

/** A run that holds the lease, and with what it asks. */
export type Held = Run & {
  readonly before: TokenRecord;
  readonly leased: TokenRecord;
  readonly secret: SecretVersion;
  readonly request: TokenRequest;
};

type Step = RefreshResult | typeof again;
type Issued = Extract<TokenAnswer, { kind: 'issued' }>;

/**
 * Takes the lease and asks for a token with this version of the grant, once.
 * @param retry whether this is the one retry inside the provider's grace window
 */
export async function useGrant(run: Run, before: TokenRecord, secret: SecretVersion, retry: boolean): Promise<Step> {
  const { deps, settings } = run;
  const nowMs = deps.clock.now();
  const nextSecretVersionId = newVersionId(deps.random);
  const request = tokenRequest(settings, { value: secret.value, nowMs, assertionId: nextSecretVersionId });
  if (request === null) return breakOff(run, { ...before, secretVersionId: secret.versionId }, 'grant_unreadable');
  const owner = newOwner(deps.random);
  const leased = claimed(before, { owner, nextSecretVersionId, secretVersionId: secret.versionId, retry }, nowMs);
  if (!(await takeLease(deps, leased, before.epoch))) return 'again';
  return exchange({ ...run, before, leased, secret, request });
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

async function exchange(held: Held): Promise<Step> {
  const { deps, settings, system, request, leased } = held;
  const untilMs = leased.lease?.untilMs ?? 0;
  const startedAtMs = deps.clock.now();
  const mayWrite = () => deps.clock.now() < Math.min(startedAtMs + sendWindowMs, untilMs - answerTimeoutMs);
  const deadlineMs = startedAtMs + answerTimeoutMs;
  const sent = await deps.post({ ...request, system, path: settings.tokenUrl, mayWrite, deadlineMs });
  if (sent.kind === 'not_sent') return giveBack(held, sent.code);
  if (sent.kind === 'lost') return leaveTrail(held, sent.code);
  const answer = judgeTokenAnswer(sent);
  if (answer.kind === 'transient') return giveBack(held, answer.code);
  if (answer.kind === 'unclear') return leaveTrail(held, answer.code);
  if (answer.kind === 'refused') {
    const told = (await deps.explain?.(system, sent)) ?? null;
    return told?.passes ? giveBack(held, told.code) : refusedGrant(held, told?.code ?? answer.code, told?.detail);
  }
  const secretVersionId = await keepGrant(held, answer.refreshToken);
  if (isForOrigin(answer.instanceUrl, await deps.originOf(system))) return publish(held, answer, secretVersionId);
  // The token leads to a system that nobody configured: it is dropped, the grant stays.
  return breakOff(held, { ...leased, secretVersionId }, otherOriginCode);
}

/** The version that holds the grant from now on: a new one where the provider rotated. */
async function keepGrant(held: Held, refreshToken: string | null): Promise<string> {
  const { deps, settings, secret, leased } = held;
  const rotated = settings.grant === 'refresh_token' && refreshToken !== null;
  if (!rotated || refreshToken === refreshTokenIn(secret.value)) return secret.versionId;
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

/** Makes a version of the grant the current one. */
export async function promote(run: Run, toVersionId: string, fromVersionId: string): Promise<void> {
  const { deps, settings, system } = run;
  const outcome = await deps.secrets.promote(settings.secret, toVersionId, fromVersionId);
  // Somebody set another current version. Ours is the one that just worked: it stays in use by its id.
  if (outcome === 'lost') deps.log.warn('The current version of a grant was changed by someone else.', { system });
}

async function publish(held: Held, answer: Issued, secretVersionId: string): Promise<RefreshResult> {
  const { deps, settings, system, before, leased } = held;
  const nowMs = deps.clock.now();
  const { accessToken: token, lifetimeMs } = answer;
  const observedLifetimeMs = lifetimeMs ?? observedOf(before, nowMs);
  const issued = {
    token,
    secretVersionId,
    lifetimeMs: lifetimeMs ?? Math.min(observedLifetimeMs ?? settings.tokenLifetimeMs, settings.tokenLifetimeMs),
    observedLifetimeMs,
    documentedLifetimeMs: settings.tokenLifetimeMs,
  };
  const next = published(leased, issued, nowMs);
  if ((await deps.tokens.write(next, leased.epoch)) === 'lost') return { kind: 'busy' };
  const failed = before.health !== 'ok' || (before.failingSinceMs ?? null) !== null;
  if (failed) await settleRefreshCase(deps, system, nowMs);
  deps.log.metric('TokenRefreshed', 1, 'Count', { system });
  return { kind: 'version', version: next.version };
}

// Where the provider names no lifetime, a token that was refused before its time shows how long one really lives.
function observedOf(before: TokenRecord, nowMs: number): number | null {
  const { current, observedLifetimeMs } = before;
  if (current === null || current.expiresAtMs <= nowMs) return observedLifetimeMs;
  return Math.max(60_000, nowMs - current.issuedAtMs);
}

async function refusedGrant(held: Held, code: string, detail?: string): Promise<Step> {
  const { deps, leased, system } = held;
  const stored = await deps.tokens.get(system);
  if (stored?.epoch !== leased.epoch) return 'again';
  const newer = await newerGrant(held, leased);
  return newer === null ? breakOff(held, leased, code, detail) : useGrant(held, leased, newer, false);
}

/** Goes on with a grant that a person has stored since; without one the answer stays `broken` with this code. */
export async function adoptNewGrant(run: Run, record: TokenRecord, code: string): Promise<Step> {
  const newer = await newerGrant(run, record);
  return newer === null ? { kind: 'broken', code } : useGrant(run, record, newer, false);
}

/**
 * A grant that a person has stored since ours, or null.
 */
// A stale read may show an older version than ours, never one whose predecessor is ours.
export async function newerGrant(run: Run, record: TokenRecord): Promise<SecretVersion | null> {
  const [current, previous] = await run.deps.secrets.current(run.settings.secret);
  const ours = [record.secretVersionId, record.lease?.nextSecretVersionId];
  if (current === undefined || ours.includes(current.versionId)) return null;
  const follows = record.secretVersionId === null || (previous !== undefined && ours.includes(previous.versionId));
  const settledLongAgo = run.deps.clock.now() - (record.lastFailure?.atMs ?? run.deps.clock.now()) > 300_000;
  return follows || settledLongAgo ? current : null;
}
