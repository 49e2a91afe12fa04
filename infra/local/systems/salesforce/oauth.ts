import { createHash, createVerify } from 'node:crypto';
import type { Clock, Random } from '../../../../shared/model/clock.ts';
import type { SimAnswer, SimRequest } from '../loopback-server.ts';
import type { StateFile } from '../state-file.ts';
import { json, OAuthError, SalesforceError } from './errors.ts';

/** The connected app and how its sessions behave. */
export type ConnectedApp = {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly refreshToken: string;
  /** Each refresh replaces the refresh token and ends the old one at once. */
  readonly rotates: boolean;
  /** How long a session lives after its last use, milliseconds. No answer tells it. */
  readonly sessionMs: number;
  /** Whether an integration user is set for the client credentials grant. */
  readonly runAs: boolean;
  readonly username: string;
  /** For the two logins by password; null refuses both. */
  readonly password: string | null;
  /** PEM of the certificate's public key for the JWT bearer grant; null refuses every assertion. */
  readonly jwtPublicKey: string | null;
  /** Whether access tokens are of the JWT form: these say what they may do, and are not prolonged by use. */
  readonly jwtAccessTokens: boolean;
};

/** A session. `endsAtMs` null: a token that never ends. */
export type Session = { token: string; endsAtMs: number | null; issuedAtMs: number; scope: string };
export type OAuthCounters = { issued: number; refused: number };

/** The token endpoint of the organization and its sessions. */
export type OAuthServer = {
  /** `POST /services/oauth2/token`. @throws OAuthError */
  token(request: SimRequest): SimAnswer;
  /** @throws SalesforceError 401 */
  authenticate(authorization: string | undefined): void;
  /** The session of a token while it lives, or null. Looking does not prolong it. */
  session(token: string): Session | null;
  /** The grant of a login by name and password, as the SOAP API offers it. @throws OAuthError */
  login(username: string, password: string): Session;
  /** Ends a session; false where there is none. */
  revoke(token: string): boolean;
  /** Whether a form or its Basic header names this app and its secret. @throws OAuthError */
  checkClient(request: SimRequest): void;
  readonly identity: { readonly organizationId: string; readonly userId: string; readonly username: string };
  /** Ends every session that ends by itself; returns how many. */
  expireAll(): number;
  counters(): OAuthCounters;
};

type Deps = {
  readonly clock: Clock;
  readonly random: Random;
  readonly file: StateFile;
  readonly app: ConnectedApp;
  readonly staticTokens: readonly string[];
  readonly identity: { readonly organizationId: string; readonly userId: string };
  readonly instanceUrl: (request: SimRequest) => string;
};
type State = {
  readonly deps: Deps;
  readonly sessions: Map<string, Session>;
  refreshToken: string | null;
  /** Ids of assertions that were taken, with their end, milliseconds. */
  readonly assertions: Map<string, number>;
  readonly counters: OAuthCounters;
};

/** Starts with the static tokens and one refresh token, or with what the state file holds. */
export function createOAuthServer(deps: Deps): OAuthServer {
  const { file, app } = deps;
  const sessions = new Map(file.load<Session>('session').map((session) => [session.token, session]));
  for (const token of deps.staticTokens) sessions.set(token, { token, endsAtMs: null, issuedAtMs: 0, scope: 'api' });
  const state: State = {
    deps,
    sessions,
    refreshToken: file.load<string>('refresh-token')[0] ?? app.refreshToken,
    assertions: new Map(),
    counters: { issued: 0, refused: 0 },
  };
  return {
    identity: { ...deps.identity, username: app.username },
    session: (token) => living(state, token),
    login(username, password) {
      checkPassword(state, username, password);
      return open(state, 'api web');
    },
    revoke(token) {
      const session = living(state, token);
      if (session?.endsAtMs) keep(state, { ...session, endsAtMs: deps.clock.now() });
      return Boolean(session?.endsAtMs);
    },
    checkClient: (request) => checkClient(state, request),
    token: (request) => tokenRoute(state, request),
    authenticate: (authorization) => authenticate(state, authorization),
    expireAll() {
      const ending = [...sessions.values()].filter(({ endsAtMs }) => endsAtMs !== null && endsAtMs > deps.clock.now());
      for (const session of ending) keep(state, { ...session, endsAtMs: deps.clock.now() });
      return ending.length;
    },
    counters: () => ({ ...state.counters }),
  };
}

function living(state: State, token: string): Session | null {
  const session = state.sessions.get(token);
  const ended = session && session.endsAtMs !== null && session.endsAtMs <= state.deps.clock.now();
  return session && !ended ? session : null;
}

/** Use keeps a session alive. */
function authenticate(state: State, authorization: string | undefined): void {
  const { clock, app } = state.deps;
  const session = living(state, /^(?:Bearer|OAuth) (\S+)$/i.exec(authorization ?? '')?.[1] ?? '');
  if (!session) throw new SalesforceError(401, 'INVALID_SESSION_ID', 'Session expired or invalid');
  if (session.endsAtMs !== null && !app.jwtAccessTokens)
    keep(state, { ...session, endsAtMs: clock.now() + app.sessionMs });
}

function tokenRoute(state: State, request: SimRequest): SimAnswer {
  const form = new URLSearchParams(request.bodyText);
  try {
    return issue(state, request, granted(state, request, form));
  } catch (error) {
    if (error instanceof OAuthError) state.counters.refused += 1;
    throw error;
  }
}

/** What is told beside the token. @throws OAuthError */
function granted(state: State, request: SimRequest, form: URLSearchParams): { scope: string; refresh_token?: string } {
  const { app } = state.deps;
  switch (form.get('grant_type')) {
    case 'refresh_token':
      checkClient(state, request);
      return refreshed(state, form);
    case 'client_credentials':
      checkClient(state, request);
      if (!app.runAs) throw new OAuthError('invalid_grant', 'no client credentials user enabled');
      return { scope: 'api' };
    case 'urn:ietf:params:oauth:grant-type:jwt-bearer':
      checkAssertion(state, form.get('assertion') ?? '');
      return { scope: 'api' };
    case 'password':
      checkClient(state, request);
      checkPassword(state, form.get('username') ?? '', form.get('password') ?? '');
      return { scope: 'api web' };
    default:
      throw new OAuthError('unsupported_grant_type', 'grant type not supported');
  }
}

/** The client stands in the form or in a Basic header. */
function checkClient({ deps }: State, request: SimRequest): void {
  const form = new URLSearchParams(request.bodyText);
  const basic = /^Basic (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const [id, secret] =
    basic === undefined
      ? [form.get('client_id'), form.get('client_secret')]
      : Buffer.from(basic, 'base64').toString().split(':').map(decodeURIComponent);
  if (id !== deps.app.clientId) throw new OAuthError('invalid_client_id', 'client identifier invalid');
  if (secret !== deps.app.clientSecret) throw new OAuthError('invalid_client', 'invalid client credentials');
}

function checkPassword({ deps: { app } }: State, username: string, password: string): void {
  if (app.password === null || username !== app.username || password !== app.password)
    throw new OAuthError('invalid_grant', 'authentication failure');
}

function refreshed(state: State, form: URLSearchParams): { scope: string; refresh_token?: string } {
  const { app, file, random } = state.deps;
  const scope = 'refresh_token api';
  if (form.get('refresh_token') !== state.refreshToken)
    throw new OAuthError('invalid_grant', 'expired access/refresh token');
  if (!app.rotates) return { scope };
  state.refreshToken = `sim-refresh-${Buffer.from(random(18)).toString('base64url')}`;
  file.save('refresh-token', 'current', state.refreshToken);
  return { scope, refresh_token: state.refreshToken };
}

const audiences = ['https://login.salesforce.com', 'https://test.salesforce.com'];

/** Signed by the registered key, short-lived, about this app and user, and used once. @see https://www.rfc-editor.org/rfc/rfc7523#section-3 */
function checkAssertion(state: State, assertion: string): void {
  const { app, clock } = state.deps;
  const refused = (description: string) => new OAuthError('invalid_grant', description);
  const [head = '', claims = '', signature = '', ...rest] = assertion.split('.');
  if (app.jwtPublicKey === null || rest.length > 0 || signature === '') throw refused('invalid assertion');
  if (decoded(head).alg !== 'RS256') throw refused('algorithm must be RS256');
  const signed = createVerify('RSA-SHA256').update(`${head}.${claims}`);
  if (!signed.verify(app.jwtPublicKey, signature, 'base64url')) throw refused('invalid assertion');
  const { iss, sub, aud, exp, jti } = decoded(claims);
  const endsAtMs = Number(exp) * 1000;
  const lifeMs = endsAtMs - clock.now();
  if (!(lifeMs > 0 && lifeMs <= 300_000)) throw refused('assertion is expired or valid for too long');
  if (iss !== app.clientId) throw new OAuthError('invalid_client_id', 'client identifier invalid');
  if (!audiences.includes(String(aud))) throw refused('audience is invalid');
  if (sub !== app.username) throw refused("user hasn't approved this consumer");
  for (const [id, untilMs] of state.assertions) if (untilMs <= clock.now()) state.assertions.delete(id);
  if (jti === undefined) return;
  if (state.assertions.has(String(jti))) throw refused('assertion has been used before');
  state.assertions.set(String(jti), endsAtMs);
}

function decoded(part: string): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
  } catch {
    throw new OAuthError('invalid_grant', 'invalid assertion');
  }
}

/** A new session. */
function open(state: State, scope: string): Session {
  const { deps } = state;
  const issuedAtMs = deps.clock.now();
  const endsAtMs = issuedAtMs + deps.app.sessionMs;
  const secret = Buffer.from(deps.random(18)).toString('base64url');
  const claims = { scp: scope, sub: `uid:${deps.identity.userId}`, mty: 'oauth', exp: Math.floor(endsAtMs / 1000) };
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const token = deps.app.jwtAccessTokens
    ? `${encoded({ alg: 'RS256', typ: 'JWT', tty: 'sfdc-core-token' })}.${encoded(claims)}.${secret}`
    : `${deps.identity.organizationId.slice(0, 15)}!sim${secret}`;
  const session = { token, issuedAtMs, endsAtMs, scope };
  keep(state, session);
  state.counters.issued += 1;
  return session;
}

/** No answer names a lifetime. */
function issue(state: State, request: SimRequest, more: { scope: string; refresh_token?: string }): SimAnswer {
  const { identity, instanceUrl } = state.deps;
  const { token, issuedAtMs } = open(state, more.scope);
  const instance = instanceUrl(request);
  // The host of the id is the login host in production; here it is the one that can be asked.
  const id = `${instance}/id/${identity.organizationId}/${identity.userId}`;
  const issuedAt = String(issuedAtMs);
  const signature = createHash('sha256')
    .update(id + issuedAt)
    .digest('base64');
  const said = {
    access_token: token,
    instance_url: instance,
    id,
    token_type: 'Bearer',
    issued_at: issuedAt,
    signature,
  };
  return json(200, { ...said, ...more });
}

function keep(state: State, session: Session): void {
  state.sessions.set(session.token, session);
  state.deps.file.save('session', session.token, session);
}
