import type { SimAnswer } from '../loopback-server.ts';
import { HubSpotError, json } from './errors.ts';
import type { AccessGrant, RefreshGrant } from './oauth.ts';

/** What is known beside the token itself. */
export type MetadataOf = {
  readonly portalId: number;
  readonly nowMs: number;
  /** Scopes that were taken from every token. */
  readonly removed: ReadonlySet<string>;
};

const appId = 99_001;
/** Who installed the app. */
export const installer = 1001;

/** What a token is: of an OAuth app under its own path, of a private app by a question of its own. @throws HubSpotError 404 */
export function describeToken(of: MetadataOf, grant: AccessGrant | undefined, kind: 'app' | 'private-app'): SimAnswer {
  if (grant === undefined) throw new HubSpotError(404, 'OBJECT_NOT_FOUND', 'access token not found');
  const scopes = grant.scopes.filter((scope) => !of.removed.has(scope));
  if (kind === 'private-app') return json(200, { userId: installer, hubId: of.portalId, appId, scopes });
  return json(200, {
    ...{ token: grant.token, app_id: appId, user_id: installer, hub_id: of.portalId, token_type: 'access' },
    ...{ scopes, expires_in: secondsLeft(of, grant) },
  });
}

/** The body of an answer to `introspect`. */
export function introspection(of: MetadataOf, grant: AccessGrant | undefined, held: RefreshGrant | undefined) {
  if (held !== undefined) return { active: !held.revoked, token_use: 'refresh_token', hub_id: of.portalId };
  if (grant === undefined) return { active: false };
  const expiresIn = secondsLeft(of, grant);
  return {
    active: expiresIn > 0,
    token_use: 'access_token',
    expires_in: expiresIn,
    scopes: grant.scopes,
    hub_id: of.portalId,
  };
}

function secondsLeft({ nowMs }: MetadataOf, { expiresAtMs }: AccessGrant): number {
  return expiresAtMs === null ? 86_400 : Math.max(0, Math.floor((expiresAtMs - nowMs) / 1000));
}
