import type { Clock, Random } from '../../../../shared/model/clock.ts';
import type { SimAnswer, SimRequest } from '../loopback-server.ts';
import type { StateFile } from '../state-file.ts';
import { HubSpotError, json } from './errors.ts';
import { describeToken, installer, introspection, type MetadataOf } from './oauth-metadata.ts';

/** The installed OAuth app. */
export type OAuthApp = {
  readonly clientId: string;
  readonly clientSecret: string;
  /** The refresh token the installation starts with. */
  readonly refreshToken: string;
  readonly redirectUri: string;
  readonly accessTokenMs: number;
  /** What the installation grants; absent: what the static tokens may do. */
  readonly scopes?: readonly string[];
  /** Each refresh replaces the refresh token. */
  readonly rotates: boolean;
  /** How long a replaced refresh token still works. Used after it, the whole family is revoked. */
  readonly graceMs: number;
};

/** One access token. `expiresAtMs` null: static. */
export type AccessGrant = { token: string; scopes: string[]; expiresAtMs: number | null; family: string };

export type RefreshGrant = {
  token: string;
  family: string;
  scopes: string[];
  replacedAtMs: number | null;
  revoked: boolean;
};

/** What the authorization server counted since its first start. */
export type OAuthCounters = { refreshes: number; refused: number; reuses: number };

/** The authorization server of the simulated account. */
export type OAuthServer = {
  /** `/oauth/{v1|v3|2026-09}/{token|introspect|revoke}`, `/oauth/v1/access-tokens/{token}`, `/oauth/authorize`. */
  route(request: SimRequest): SimAnswer;
  /** @throws HubSpotError 401 */
  authenticate(authorization: string | undefined): AccessGrant;
  /** Ends every expiring access token now; returns how many. */
  expireAll(): number;
  /** Takes a scope from every token. */
  removeScope(scope: string): void;
  counters(): OAuthCounters;
};

type Deps = {
  clock: Clock;
  random: Random;
  file: StateFile;
  app: OAuthApp;
  scopes: readonly string[];
  staticTokens: readonly string[];
  portalId: number;
};
type State = {
  deps: Deps;
  access: Map<string, AccessGrant>;
  refresh: Map<string, RefreshGrant>;
  codes: Set<string>;
  counters: OAuthCounters;
  removed: Set<string>;
};

/** Starts with one installed app and the static tokens given, or with what the state file holds. */
export function createOAuthServer(deps: Deps): OAuthServer {
  const { file } = deps;
  const counters = file.load<OAuthCounters>('oauth-counters')[0] ?? { refreshes: 0, refused: 0, reuses: 0 };
  const removed = new Set(file.load<string>('oauth-removed-scope'));
  const state: State = { deps, access: new Map(), refresh: new Map(), codes: new Set(), counters, removed };
  for (const grant of file.load<AccessGrant>('oauth-access')) state.access.set(grant.token, grant);
  for (const grant of file.load<RefreshGrant>('oauth-refresh')) state.refresh.set(grant.token, grant);
  const scopes = [...deps.scopes];
  for (const token of deps.staticTokens)
    state.access.set(token, { token, scopes, expiresAtMs: null, family: 'static' });
  if (!state.refresh.has(deps.app.refreshToken)) {
    const granted = [...(deps.app.scopes ?? scopes)];
    saveRefresh(state, {
      token: deps.app.refreshToken,
      family: 'install',
      scopes: granted,
      replacedAtMs: null,
      revoked: false,
    });
  }
  return {
    route: (request) => oauthRoute(state, request),
    authenticate: (authorization) => authenticate(state, authorization),
    expireAll() {
      const expiring = [...state.access.values()].filter(
        (grant) => grant.expiresAtMs !== null && grant.expiresAtMs > deps.clock.now(),
      );
      for (const grant of expiring) saveAccess(state, { ...grant, expiresAtMs: deps.clock.now() - 1 });
      return expiring.length;
    },
    removeScope(scope) {
      state.removed.add(scope);
      file.save('oauth-removed-scope', scope, scope);
    },
    counters: () => ({ ...state.counters }),
  };
}

function authenticate(state: State, authorization: string | undefined): AccessGrant {
  const token = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
  const grant = token === undefined ? undefined : state.access.get(token);
  if (grant === undefined) {
    throw new HubSpotError(
      401,
      'INVALID_AUTHENTICATION',
      'Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview',
    );
  }
  const overdueMs = grant.expiresAtMs === null ? -1 : state.deps.clock.now() - grant.expiresAtMs;
  if (overdueMs >= 0) {
    throw new HubSpotError(
      401,
      'EXPIRED_AUTHENTICATION',
      `The OAuth token used to make this call expired ${Math.floor(overdueMs / 1000)} second(s) ago.`,
      {
        context: { 'expire time': [new Date(grant.expiresAtMs ?? 0).toISOString()] },
      },
    );
  }
  return { ...grant, scopes: grant.scopes.filter((scope) => !state.removed.has(scope)) };
}

function oauthRoute(state: State, request: SimRequest): SimAnswer {
  const [, version = '', operation = '', token = ''] = request.segments;
  if (request.method === 'GET' && version === 'authorize') return authorize(state, request);
  if (request.method === 'GET' && operation === 'access-tokens')
    return describeToken(metadataOf(state), state.access.get(token), 'app');
  if (request.method === 'POST' && request.path === '/oauth/v2/private-apps/get/access-token-info') {
    return describeToken(
      metadataOf(state),
      state.access.get(String(JSON.parse(request.bodyText).tokenKey)),
      'private-app',
    );
  }
  const known = version === 'v1' || version === 'v3' || version === '2026-09';
  if (request.method !== 'POST' || !known) throw new HubSpotError(404, 'OBJECT_NOT_FOUND', 'resource not found');
  if (!/^application\/x-www-form-urlencoded\b/i.test(request.headers['content-type'] ?? '')) {
    throw new HubSpotError(415, 'UNSUPPORTED_MEDIA_TYPE', 'HTTP 415 Unsupported Media Type');
  }
  const form = new URLSearchParams(request.bodyText);
  if (operation === 'token') return tokenRoute(state, version, form);
  checkClient(state, version, form);
  const grant = state.access.get(form.get('token') ?? '');
  const held = state.refresh.get(form.get('token') ?? '');
  if (operation === 'introspect') return json(200, introspection(metadataOf(state), grant, held));
  if (operation !== 'revoke') throw new HubSpotError(404, 'OBJECT_NOT_FOUND', 'resource not found');
  const family = held?.family ?? grant?.family;
  if (family !== undefined && family !== 'static') revokeFamily(state, family);
  return json(200, {});
}

function tokenRoute(state: State, version: string, form: URLSearchParams): SimAnswer {
  checkClient(state, version, form);
  const grantType = form.get('grant_type');
  if (grantType === 'client_credentials')
    return json(200, tokens(state, issueAccess(state, 'client', [...state.deps.scopes]), null));
  if (grantType === 'authorization_code') {
    const code = form.get('code') ?? '';
    const fits = form.get('redirect_uri') === state.deps.app.redirectUri;
    if (!fits || !state.codes.delete(code))
      throw refusedGrant(version, 'BAD_AUTH_CODE', 'missing or invalid auth code');
    const family = newToken(state, 'family');
    const refresh = issueRefresh(state, family, [...(state.deps.app.scopes ?? state.deps.scopes)]);
    return json(200, tokens(state, issueAccess(state, family, refresh.scopes), refresh));
  }
  if (grantType !== 'refresh_token') throw refusedGrant(version, 'BAD_GRANT_TYPE', 'unknown or missing grant_type');
  return refreshGrant(state, version, form.get('refresh_token') ?? '');
}

function refreshGrant(state: State, version: string, presented: string): SimAnswer {
  const { app, clock } = state.deps;
  const held = state.refresh.get(presented);
  if (held === undefined || held.revoked) return refuseRefresh(state, version);
  if (held.replacedAtMs !== null) {
    count(state, 'reuses');
    if (clock.now() - held.replacedAtMs >= app.graceMs) {
      // A replaced token that comes back is treated as stolen: nobody keeps the family.
      revokeFamily(state, held.family);
      return refuseRefresh(state, version);
    }
  }
  count(state, 'refreshes');
  const next = app.rotates ? issueRefresh(state, held.family, held.scopes) : held;
  if (app.rotates && held.replacedAtMs === null) saveRefresh(state, { ...held, replacedAtMs: clock.now() });
  return json(200, tokens(state, issueAccess(state, held.family, held.scopes), next));
}

function refuseRefresh(state: State, version: string): never {
  count(state, 'refused');
  throw refusedGrant(version, 'BAD_REFRESH_TOKEN', 'missing or invalid refresh token');
}

// The first version names the reason in `status`; later ones use the common error body.
function refusedGrant(version: string, reason: string, message: string): HubSpotError {
  return version === 'v1'
    ? new HubSpotError(400, reason, message, { status: reason })
    : new HubSpotError(400, reason, message);
}

function checkClient(state: State, version: string, form: URLSearchParams): void {
  if (form.get('client_id') !== state.deps.app.clientId)
    throw refusedGrant(version, 'BAD_CLIENT_ID', 'missing or unknown client id');
  if (form.get('client_secret') !== state.deps.app.clientSecret)
    throw refusedGrant(version, 'BAD_CLIENT_SECRET', 'missing or invalid client secret');
}

function tokens(state: State, access: AccessGrant, refresh: RefreshGrant | null) {
  return {
    access_token: access.token,
    expires_in: Math.floor(state.deps.app.accessTokenMs / 1000),
    ...(refresh === null ? {} : { refresh_token: refresh.token }),
    token_type: 'bearer',
    token_use: 'access_token',
    hub_id: state.deps.portalId,
    scopes: access.scopes,
    user_id: installer,
  };
}

function authorize(state: State, request: SimRequest): SimAnswer {
  const { query } = request;
  const { app } = state.deps;
  if (query.get('client_id') !== app.clientId || query.get('redirect_uri') !== app.redirectUri) {
    throw new HubSpotError(400, 'VALIDATION_ERROR', 'The client id or the redirect URI does not belong to this app.');
  }
  const code = newToken(state, 'code');
  state.codes.add(code);
  const target = new URL(app.redirectUri);
  target.searchParams.set('code', code);
  if (query.has('state')) target.searchParams.set('state', query.get('state') ?? '');
  return json(302, null, { location: target.href });
}

function issueAccess(state: State, family: string, scopes: string[]): AccessGrant {
  const expiresAtMs = state.deps.clock.now() + state.deps.app.accessTokenMs;
  return saveAccess(state, { token: newToken(state, 'access'), scopes, expiresAtMs, family });
}

function issueRefresh(state: State, family: string, scopes: string[]): RefreshGrant {
  return saveRefresh(state, { token: newToken(state, 'refresh'), family, scopes, replacedAtMs: null, revoked: false });
}

function revokeFamily(state: State, family: string): void {
  for (const grant of [...state.refresh.values()]) {
    if (grant.family === family) saveRefresh(state, { ...grant, revoked: true });
  }
  for (const grant of [...state.access.values()]) {
    if (grant.family !== family) continue;
    state.access.delete(grant.token);
    state.deps.file.remove('oauth-access', grant.token);
  }
}

function saveAccess(state: State, grant: AccessGrant): AccessGrant {
  state.access.set(grant.token, grant);
  state.deps.file.save('oauth-access', grant.token, grant);
  return grant;
}

function saveRefresh(state: State, grant: RefreshGrant): RefreshGrant {
  state.refresh.set(grant.token, grant);
  state.deps.file.save('oauth-refresh', grant.token, grant);
  return grant;
}

function count(state: State, what: keyof OAuthCounters): void {
  state.counters[what] += 1;
  state.deps.file.save('oauth-counters', 'all', state.counters);
}

function newToken(state: State, kind: string): string {
  return `sim-${kind}-${Buffer.from(state.deps.random(18)).toString('base64url')}`;
}

const metadataOf = ({ deps, removed }: State): MetadataOf => ({
  portalId: deps.portalId,
  nowMs: deps.clock.now(),
  removed,
});
