import type { AuthConfig, SystemConfig } from '../config/schema.ts';
import type { CredentialAnswer } from '../connectors/credential-question.ts';
import type { CaseStore } from '../ledger/ports.ts';
import type { Clock } from '../model/clock.ts';
import type { Log } from '../observe/log.ts';
import { openHealthCase, settleHealthCase } from './health-case.ts';
import type { CredentialRecord, CredentialStore, RedReason } from './ports.ts';

/** How often each system is asked, milliseconds. */
export const askEveryMs = 900_000;

/** How long before its end a credential is red, milliseconds. */
export const expiryAheadMs = 14 * 86_400_000;

/** What looking after credentials needs. */
export type HealthDeps = {
  readonly systems: { readonly [system: string]: Pick<SystemConfig, 'auth' | 'owner'> };
  /** Asks a system who its credential is. */
  readonly ask: (system: string) => Promise<CredentialAnswer>;
  /** Since when a static key lies in its secret; null where nobody knows. */
  readonly keySince: (secret: string) => Promise<number | null>;
  readonly credentials: CredentialStore;
  readonly cases: Pick<CaseStore, 'open' | 'settle'>;
  readonly clock: Clock;
  readonly log: Log;
};

/**
 * Asks every system whose turn it is who its credential is, keeps the answer, and gives each new reason for red to the
 * system's owner as one case, which is settled when the reason is gone. One system that fails stops no other.
 */
export async function checkCredentials(deps: HealthDeps): Promise<void> {
  const work = Object.keys(deps.systems).map((system) => checkCredential(deps, system));
  const failed = (await Promise.allSettled(work)).find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function checkCredential(deps: HealthDeps, system: string): Promise<void> {
  const settings = deps.systems[system];
  const before = await deps.credentials.get(system);
  const nowMs = deps.clock.now();
  if (settings === undefined || (before !== null && nowMs - before.askedAtMs < askEveryMs)) return;
  const { auth, owner } = settings;
  const answer = await deps.ask(system);
  const keySinceMs = 'refresh' in auth ? null : await deps.keySince(auth.secret);
  const next = recordAfter(before ?? noRecord(system), { answer, auth, keySinceMs }, nowMs);
  // Cases come first: a crash in between repeats them under the same name, and none is forgotten.
  const scopes = scopeDifference(next);
  for (const reason of next.reasons) await openHealthCase(deps, { system, owner, reason, scopes }, nowMs);
  const gone = before?.reasons.filter((reason) => !next.reasons.includes(reason)) ?? [];
  for (const reason of gone) await settleHealthCase(deps, system, reason, nowMs);
  await deps.credentials.put(next);
  deps.log.metric('CredentialRed', next.reasons.length, 'Count', { system });
}

/** The record of a system that was never asked. */
export const noRecord = (system: string): CredentialRecord => ({
  system,
  askedAtMs: 0,
  answeredAtMs: null,
  failure: null,
  account: null,
  facts: null,
  requiredScopes: [],
  keySinceMs: null,
  reasons: [],
});

/** What is known after an answer. One that did not come changes nothing but the time, and what time itself makes red. */
export function recordAfter(
  before: CredentialRecord,
  asked: { readonly answer: CredentialAnswer; readonly auth: AuthConfig; readonly keySinceMs: number | null },
  nowMs: number,
): CredentialRecord {
  const { answer, auth, keySinceMs } = asked;
  const base = { ...before, askedAtMs: nowMs, keySinceMs: keySinceMs ?? before.keySinceMs };
  const known: CredentialRecord =
    answer.kind === 'told'
      ? {
          ...base,
          answeredAtMs: nowMs,
          failure: null,
          account: answer.account,
          facts: answer.facts,
          requiredScopes: answer.requiredScopes,
        }
      : { ...base, failure: answer.code };
  const stillRefused = answer.kind === 'unanswered' && before.reasons.includes('refused');
  const refused: readonly RedReason[] = answer.kind === 'refused' || stillRefused ? ['refused'] : [];
  return { ...known, reasons: [...refused, ...redReasons(known, auth, nowMs)] };
}

function redReasons(record: CredentialRecord, auth: AuthConfig, nowMs: number): readonly RedReason[] {
  const { facts } = record;
  const { missing, surplus } = scopeDifference(record);
  const endsAtMs = credentialEndMs(record, auth);
  const found: readonly (readonly [RedReason, boolean])[] = [
    ['other_account', record.account === 'other'],
    // A system that does not tell who it is cannot confirm the configured one.
    ['other_identity', record.account !== null && auth.actsAs !== undefined && facts?.actsAs !== auth.actsAs],
    ['held_by_person', facts?.holder === 'person'],
    ['scope_missing', missing.length > 0],
    ['scope_surplus', surplus.length > 0],
    ['expires_soon', endsAtMs !== null && endsAtMs - nowMs < expiryAheadMs],
  ];
  return found.filter(([, is]) => is).map(([reason]) => reason);
}

/** What is required and not granted, and the reverse; nothing where the system does not tell or nothing is required. */
export function scopeDifference(record: Pick<CredentialRecord, 'facts' | 'requiredScopes'>): {
  readonly missing: readonly string[];
  readonly surplus: readonly string[];
} {
  const { facts, requiredScopes: required } = record;
  const granted = facts?.scopes ?? null;
  if (granted === null || required.length === 0) return { missing: [], surplus: [] };
  return {
    missing: required.filter((scope) => !granted.includes(scope)),
    surplus: granted.filter((scope) => !required.includes(scope)),
  };
}

/** When what lies in the secret ends: as configured, or as the system says of a static key. Access tokens are renewed anyway. */
export function credentialEndMs(record: Pick<CredentialRecord, 'facts'> | null, auth: AuthConfig): number | null {
  const configured = auth.expiresAt === undefined ? null : Date.parse(`${auth.expiresAt}T00:00:00Z`);
  const told = 'refresh' in auth ? null : (record?.facts?.expiresAtMs ?? null);
  const ends = [configured, told].filter((at) => at !== null);
  return ends.length === 0 ? null : Math.min(...ends);
}
