import type { Json, JsonObject } from '../../model/json.ts';
import type { HttpAnswer } from '../../model/operation.ts';
import { bodyOf } from '../json-body.ts';
import type { AccountFacts, ConnectorManifest, CredentialFacts, Headroom } from '../manifest.ts';
import { getSpec, rowsOf, textOrNull, versionPath } from './client.ts';
import { graphFailure, saysTokenExpired } from './errors.ts';
import { operations } from './operations.ts';
import { signInProblem } from './sign-in.ts';

/**
 * What the house needs to know of Microsoft 365. Tokens come from another origin, and from a path that names the tenant:
 * `auth.tokenUrl` is `/<tenant id>/oauth2/v2.0/token`.
 * @see https://learn.microsoft.com/en-us/graph/overview
 */
export const manifest: ConnectorManifest = {
  connector: 'graph',
  origin: 'https://graph.microsoft.com',
  originSuffixes: [],
  tokenOrigin: 'https://login.microsoftonline.com',
  tokenPath: '/organizations/oauth2/v2.0/token',
  tokenRefusal: signInProblem,
  scopes: [
    ...new Set(['Organization.Read.All', ...[...operations.values()].flatMap((operation) => operation.scopes)]),
  ].sort(),
  headroom,
  classify: (answer) => (answer.status >= 200 && answer.status < 300 ? null : graphFailure(answer).error),
  account: {
    request: (apiVersion) => getSpec(`${versionPath({ apiVersion })}/organization`, { $select: 'id,tenantType' }),
    // The tenant does not say whether it is a sandbox; what it is licensed for does.
    also: (apiVersion) => getSpec(`${versionPath({ apiVersion })}/subscribedSkus`),
    judge: accountOf,
  },
  credential: {
    request: ({ apiVersion }) => getSpec(`${versionPath({ apiVersion })}/organization`, { $select: 'id' }),
    judge: credentialOf,
  },
  saysTokenExpired,
  undo: Object.fromEntries(
    [...operations.values()]
      .filter((operation) => operation.kind === 'write')
      .map(({ id, undo }) => [id, undo.kind === 'operation' ? undo.operation : null]),
  ),
};

/**
 * A tenant is a sandbox where every subscription that brings mailboxes is one of the Microsoft 365 developer program, whose terms
 * allow no production use. A trial, a tenant without mailboxes and anything that is not understood are production.
 * @see https://learn.microsoft.com/en-us/entra/identity/users/licensing-service-plan-reference
 */
function accountOf(answer: HttpAnswer, also?: HttpAnswer): AccountFacts | null {
  const tenantId = tenantOf(answer);
  const licences = also?.status === 200 ? bodyOf(also)?.value : undefined;
  if (tenantId === null || !Array.isArray(licences)) return null;
  const withMailboxes = rowsOf(licences).filter((licence) => isLive(licence) && bringsMailboxes(licence));
  const developer = withMailboxes.filter(({ skuPartNumber }) => String(skuPartNumber).startsWith('DEVELOPERPACK_'));
  const isSandbox = withMailboxes.length > 0 && developer.length === withMailboxes.length;
  return { identity: { tenantId }, is: isSandbox ? 'sandbox' : 'production' };
}

function tenantOf(answer: HttpAnswer): string | null {
  const [tenant, ...others] = answer.status === 200 ? rowsOf(bodyOf(answer)?.value) : [];
  const id = textOrNull(tenant?.id);
  return id !== null && others.length === 0 && /^[0-9a-f-]{36}$/i.test(id) ? id.toLowerCase() : null;
}

const isLive = ({ capabilityStatus }: JsonObject): boolean =>
  !['Deleted', 'Suspended', 'LockedOut'].includes(String(capabilityStatus));

/** Every subscription holds the foundation of Exchange; only the others bring mailboxes. */
function bringsMailboxes({ servicePlans }: JsonObject): boolean {
  const plans = rowsOf(servicePlans);
  // Without its plans nothing shows what a subscription is for.
  if (plans.length === 0) return true;
  return plans.some(({ servicePlanName: name }) => /^EXCHANGE_(?!S_FOUNDATION)/.test(String(name)));
}

/**
 * Who the token is, by what stands in it: its application roles or, for a person, its delegated scopes. Graph has to take it first.
 * A token that cannot be read says nothing, and neither does one of another tenant than the one that answered.
 * @see https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference
 */
function credentialOf(answer: HttpAnswer, token?: string): CredentialFacts | null {
  const tenantId = tenantOf(answer);
  if (tenantId === null) return null;
  const claims = token === undefined ? null : claimsOf(token);
  if (!claims || textOrNull(claims.tid)?.toLowerCase() !== tenantId) {
    return { actsAs: null, holder: 'unknown', scopes: null, expiresAtMs: null };
  }
  const delegated = textOrNull(claims.scp);
  const roles = Array.isArray(claims.roles)
    ? (claims.roles as readonly Json[]).filter((role): role is string => typeof role === 'string')
    : [];
  const isPerson = delegated !== null || claims.idtyp === 'user';
  return {
    actsAs: textOrNull(isPerson ? claims.oid : (claims.appid ?? claims.azp)),
    holder: isPerson ? 'person' : claims.idtyp === 'app' || roles.length > 0 ? 'service' : 'unknown',
    scopes: isPerson ? (delegated ?? '').split(' ').filter((scope) => scope !== '') : roles,
    expiresAtMs: typeof claims.exp === 'number' ? claims.exp * 1000 : null,
  };
}

function claimsOf(token: string): JsonObject | null {
  const [, claims = '', signature, ...rest] = token.split('.');
  if (signature === undefined || rest.length > 0) return null;
  return bodyOf({ bodyText: Buffer.from(claims, 'base64url').toString('utf8') });
}

/** Some services tell a number of requests, the directory the share of its limit that is used up: `0.8` to `1.8`. */
function headroom({ headers }: HttpAnswer): readonly Headroom[] {
  const [max, remaining] = [headers['ratelimit-limit'], headers['ratelimit-remaining']].map(Number);
  if (Number.isInteger(max) && Number.isInteger(remaining)) {
    return [{ limit: 'requests', max: max ?? 0, remaining: remaining ?? 0 }];
  }
  const used = Number(headers['x-ms-throttle-limit-percentage'] ?? Number.NaN);
  if (!Number.isFinite(used)) return [];
  return [{ limit: 'share', max: 100, remaining: Math.max(0, Math.round(100 - used * 100)) }];
}
