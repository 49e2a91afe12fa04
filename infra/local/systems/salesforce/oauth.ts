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
  /** PEM of the certificate's public key for the JWT bearer grant; null refuses every assertion. */
  readonly jwtPublicKey: string | null;
};

type Session = { token: string; endsAtMs: number | null };
export type OAuthCounters = { issued: number; refused: number };

/** The token endpoint of the organization and its sessions. */
export type OAuthServer = {
  /** `POST /services/oauth2/token`. @throws OAuthError */
  token(request: SimRequest): SimAnswer;
  /** @throws SalesforceError 401 */
  authenticate(authorization: string | undefined): void;
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
  readonly counters: OAuthCounters;
};

/** Starts with the static tokens and one refresh token, or with what the state file holds. */
export function createOAuthServer(deps: Deps): OAuthServer {
  const { file, app } = deps;
  const sessions = new Map(file.load<Session>('session').map((session) => [session.token, session]));
  for (const token of deps.staticTokens) sessions.set(token, { token, endsAtMs: null });
  const state: State = {
    deps,
    sessions,
    refreshToken: file.load<string>('refresh-token')[0] ?? app.refreshToken,
    counters: { issued: 0, refused: 0 },
  };
  return {
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

/** Use keeps a session alive. */
function authenticate(state: State, authorization: string | undefined): void {
  const { clock, app } = state.deps;
  const session = state.sessions.get(/^(?:Bearer|OAuth) (\S+)$/i.exec(authorization ?? '')?.[1] ?? '');
  if (!session || (session.endsAtMs !== null && session.endsAtMs <= clock.now())) {
    throw new SalesforceError(401, 'INVALID_SESSION_ID', 'Session expired or invalid');
  }
  if (session.endsAtMs !== null) keep(state, { ...session, endsAtMs: clock.now() + app.sessionMs });
}

function tokenRoute(state: State, request: SimRequest): SimAnswer {
  const form = new URLSearchParams(request.bodyText);
  try {
    switch (form.get('grant_type')) {
      case 'refresh_token':
        return refresh(state, request, form);
      case 'client_credentials':
        checkClient(state, form);
        if (!state.deps.app.runAs) throw new OAuthError('invalid_grant', 'no client credentials user enabled');
        return issue(state, request, {});
      case 'urn:ietf:params:oauth:grant-type:jwt-bearer':
        checkAssertion(state.deps, form.get('assertion') ?? '');
        return issue(state, request, { scope: 'api' });
      default:
        throw new OAuthError('unsupported_grant_type', 'grant type not supported');
    }
  } catch (error) {
    if (error instanceof OAuthError) state.counters.refused += 1;
    throw error;
  }
}

function checkClient({ deps }: State, form: URLSearchParams): void {
  if (form.get('client_id') !== deps.app.clientId)
    throw new OAuthError('invalid_client_id', 'client identifier invalid');
  if (form.get('client_secret') !== deps.app.clientSecret)
    throw new OAuthError('invalid_client', 'invalid client credentials');
}

function refresh(state: State, request: SimRequest, form: URLSearchParams): SimAnswer {
  checkClient(state, form);
  const { app, file, random } = state.deps;
  if (form.get('refresh_token') !== state.refreshToken)
    throw new OAuthError('invalid_grant', 'expired access/refresh token');
  if (!app.rotates) return issue(state, request, { scope: 'refresh_token api' });
  state.refreshToken = `sim-refresh-${Buffer.from(random(18)).toString('base64url')}`;
  file.save('refresh-token', 'current', state.refreshToken);
  return issue(state, request, { scope: 'refresh_token api', refresh_token: state.refreshToken });
}

/** @see https://www.rfc-editor.org/rfc/rfc7523#section-3 */
function checkAssertion({ app, clock }: Deps, assertion: string): void {
  const refused = (description: string) => new OAuthError('invalid_grant', description);
  const [head = '', claims = '', signature = '', ...rest] = assertion.split('.');
  if (app.jwtPublicKey === null || rest.length > 0 || signature === '') throw refused('invalid assertion');
  const signed = createVerify('RSA-SHA256').update(`${head}.${claims}`);
  if (!signed.verify(app.jwtPublicKey, signature, 'base64url')) throw refused('invalid assertion');
  const read = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown>;
  const lifeMs = Number(read.exp) * 1000 - clock.now();
  if (!(lifeMs > 0 && lifeMs <= 300_000)) throw refused('assertion is expired or valid for too long');
  if (read.iss !== app.clientId) throw new OAuthError('invalid_client_id', 'client identifier invalid');
  if (!['https://login.salesforce.com', 'https://test.salesforce.com'].includes(String(read.aud)))
    throw refused('audience is invalid');
  if (read.sub !== app.username) throw refused("user hasn't approved this consumer");
}

/** No answer names a lifetime. */
function issue(state: State, request: SimRequest, more: object): SimAnswer {
  const { deps } = state;
  const { organizationId, userId } = deps.identity;
  const token = `${organizationId.slice(0, 15)}!sim${Buffer.from(deps.random(18)).toString('base64url')}`;
  keep(state, { token, endsAtMs: deps.clock.now() + deps.app.sessionMs });
  state.counters.issued += 1;
  const id = `https://login.salesforce.com/id/${organizationId}/${userId}`;
  const issuedAt = String(deps.clock.now());
  const signature = createHash('sha256')
    .update(id + issuedAt)
    .digest('base64');
  const instance = deps.instanceUrl(request);
  return json(200, {
    access_token: token,
    instance_url: instance,
    id,
    token_type: 'Bearer',
    issued_at: issuedAt,
    signature,
    ...more,
  });
}

function keep(state: State, session: Session): void {
  state.sessions.set(session.token, session);
  state.deps.file.save('session', session.token, session);
}
