import { credentialEndMs, scopeDifference } from '../../auth/health.ts';
import { reasonText } from '../../auth/health-case.ts';
import type { CredentialRecord, TokenRecord } from '../../auth/ports.ts';
import { failingTooLongMs } from '../../auth/token-record.ts';
import type { SystemConfig } from '../../config/schema.ts';
import { anyRole, type OperatorApiDeps, type Route } from './deps.ts';
import { json, type Reply } from './http.ts';

/** Who the credential of each system is, what it may do, how old it is, and whether all of that is as it should be. */
export const credentialRoutes: readonly Route[] = [
  { method: 'GET', path: '/v1/credentials', roles: anyRole, handle: credentials },
];

async function credentials(deps: OperatorApiDeps): Promise<Reply> {
  const nowMs = deps.clock.now();
  const all = Object.entries(deps.config.systems).map(async ([system, config]) => {
    const [token, told] = await Promise.all([deps.tokens.get(system), deps.credentials.get(system)]);
    return viewOf({ system, config, token, told }, nowMs);
  });
  return json({ credentials: await Promise.all(all) });
}

type Known = {
  readonly system: string;
  readonly config: SystemConfig;
  readonly token: TokenRecord | null;
  readonly told: CredentialRecord | null;
};

const seconds = (ms: number | null | undefined) => (ms == null ? null : Math.round(ms / 1000));
const instant = (ms: number | null | undefined) => (ms == null ? null : new Date(ms).toISOString());

function viewOf({ system, config, token, told }: Known, nowMs: number) {
  const { auth } = config;
  const isRenewed = 'refresh' in auth;
  const sinceMs = isRenewed ? (token?.current?.issuedAtMs ?? null) : (told?.keySinceMs ?? null);
  const failure = token?.lastFailure ?? null;
  const reasons = reasonsOf(token, told, nowMs);
  const known = (told?.answeredAtMs ?? null) !== null;
  const difference = told === null ? { missing: [], surplus: [] } : scopeDifference(told);
  return {
    system,
    owner: config.owner,
    connector: config.connector,
    grant: auth.grant,
    verdict: reasons.length > 0 ? 'red' : known ? 'green' : 'unknown',
    reasons,
    acts_as: told?.facts?.actsAs ?? null,
    holder: told?.facts?.holder ?? 'unknown',
    account: told?.account ?? 'unknown',
    scopes: { granted: told?.facts?.scopes ?? null, required: told?.requiredScopes ?? null, ...difference },
    documented_lifetime_seconds: isRenewed ? seconds(auth.tokenLifetime) : null,
    observed_lifetime_seconds: seconds(token?.observedLifetimeMs),
    age_seconds: sinceMs === null ? null : seconds(nowMs - sinceMs),
    token_expires_at: instant(token?.current?.expiresAtMs),
    ends_at: instant(credentialEndMs(told, auth)),
    last_refresh_at: instant(token?.lastRefreshAtMs),
    last_failure: failure === null ? null : { at: instant(failure.atMs), code: failure.code },
    asked_at: instant(told?.askedAtMs),
    answered_at: instant(told?.answeredAtMs),
    unanswered: told?.failure ?? null,
  };
}

function reasonsOf(token: TokenRecord | null, told: CredentialRecord | null, nowMs: number) {
  const isFailing = nowMs - (token?.failingSinceMs ?? nowMs) >= failingTooLongMs;
  const isLost = token?.health === 'broken' || token?.health === 'unknown' || isFailing;
  const code = token?.lastFailure?.code ?? 'grant_refused';
  const detail = 'No new token can be had until the owner mends the connection: npm run connect.';
  const lost = isLost ? [{ code, detail }] : [];
  return [...lost, ...(told?.reasons ?? []).map((reason) => ({ code: reason, detail: reasonText[reason] }))];
}
