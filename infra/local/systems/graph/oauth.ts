import { createHmac } from 'node:crypto';
import type { Clock, Random } from '../../../../shared/model/clock.ts';
import type { SimAnswer, SimRequest } from '../loopback-server.ts';
import type { StateFile } from '../state-file.ts';
import { GraphError, json, SignInError } from './errors.ts';

/** The registered application. */
export type Application = {
  readonly clientId: string;
  readonly clientSecret: string;
  /** Application permissions that an administrator consented to. */
  readonly roles: readonly string[];
  /** How long an access token lives, milliseconds. */
  readonly tokenMs: number;
};

/** All application permissions that the connector's operations may need. */
export const everyRole: readonly string[] = [
  ...['Calendars.ReadWrite', 'Mail.ReadWrite', 'Mail.Send', 'Organization.Read.All', 'User.Read.All'],
];

type Issued = { readonly token: string; readonly roles: readonly string[]; endsAtMs: number };
export type OAuthCounters = { issued: number; refused: number };

/** The token endpoint of the tenant and what its tokens may do. */
export type OAuthServer = {
  /** `POST /<tenant>/oauth2/v2.0/token`. @throws SignInError */
  token(request: SimRequest, secretExpired: boolean): SimAnswer;
  /** What the caller may do; null where anything. @throws GraphError 401 */
  authenticate(authorization: string | undefined): ReadonlySet<string> | null;
  /** Ends every token that ends by itself; returns how many. */
  expireAll(): number;
  counters(): OAuthCounters;
};

type Deps = {
  readonly clock: Clock;
  readonly random: Random;
  readonly file: StateFile;
  readonly tenantId: string;
  readonly app: Application;
  readonly staticTokens: readonly string[];
  /** Takes requests without a credential: Microsoft's own client sends none over plain http. */
  readonly open: boolean;
};
type State = { readonly deps: Deps; readonly issued: Map<string, Issued>; readonly counters: OAuthCounters };

/** Starts with what the state file holds. */
export function createOAuthServer(deps: Deps): OAuthServer {
  const issued = new Map(deps.file.load<Issued>('token').map((token) => [token.token, token]));
  const state: State = { deps, issued, counters: { issued: 0, refused: 0 } };
  return {
    token(request, secretExpired) {
      try {
        return grant(state, request, secretExpired);
      } catch (error) {
        if (error instanceof SignInError) state.counters.refused += 1;
        throw error;
      }
    },
    authenticate: (authorization) => authenticate(state, authorization),
    expireAll() {
      const nowMs = deps.clock.now();
      const ending = [...issued.values()].filter(({ endsAtMs }) => endsAtMs > nowMs);
      for (const one of ending) keep(state, { ...one, endsAtMs: nowMs });
      return ending.length;
    },
    counters: () => ({ ...state.counters }),
  };
}

function authenticate({ deps, issued }: State, authorization: string | undefined): ReadonlySet<string> | null {
  const refuse = (message: string) =>
    new GraphError(401, 'InvalidAuthenticationToken', message, {
      headers: { 'www-authenticate': 'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common"' },
    });
  const token = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
  if (token === undefined) {
    if (deps.open && authorization === undefined) return null;
    throw refuse('Access token is empty.');
  }
  if (deps.staticTokens.includes(token)) return null;
  const held = issued.get(token);
  if (!held) throw refuse('IDX14100: JWT is not well formed, there are no dots (.).');
  if (held.endsAtMs <= deps.clock.now()) throw refuse('Lifetime validation failed, the token is expired.');
  return new Set(held.roles);
}

function grant(state: State, request: SimRequest, secretExpired: boolean): SimAnswer {
  const { tenantId, app } = state.deps;
  const form = new URLSearchParams(request.bodyText);
  const refuse = (status: number, error: string, number: number, message: string) =>
    new SignInError(status, error, number, message);
  const tenant = request.segments[0] ?? '';
  if (tenant.toLowerCase() !== tenantId) throw refuse(400, 'invalid_request', 90002, `Tenant '${tenant}' not found.`);
  const clientId = form.get('client_id') ?? '';
  if (clientId !== app.clientId) {
    const message = `Application with identifier '${clientId.slice(0, 60)}' was not found in the directory '${tenantId}'.`;
    throw refuse(400, 'unauthorized_client', 700016, message);
  }
  if (form.get('grant_type') !== 'client_credentials') {
    throw refuse(400, 'unsupported_grant_type', 70003, 'The app requested an unsupported grant type.');
  }
  const secret = form.get('client_secret');
  if (secret === null)
    throw refuse(401, 'invalid_client', 7000216, "'client_assertion' or 'client_secret' is required.");
  if (secret !== app.clientSecret) throw refuse(401, 'invalid_client', 7000215, 'Invalid client secret provided.');
  if (secretExpired) throw refuse(401, 'invalid_client', 7000222, 'The provided client secret keys are expired.');
  const scope = form.get('scope') ?? '';
  if (scope !== 'https://graph.microsoft.com/.default') {
    throw refuse(400, 'invalid_scope', 1002012, `The provided value for scope ${scope.slice(0, 60)} is not valid.`);
  }
  return issue(state);
}

/** A token in the form of a JWT whose claims say what it may do. */
function issue(state: State): SimAnswer {
  const { clock, random, tenantId, app } = state.deps;
  const atS = Math.floor(clock.now() / 1000);
  const lifeS = Math.floor(app.tokenMs / 1000);
  const claims = {
    aud: 'https://graph.microsoft.com',
    iss: `https://sts.windows.net/${tenantId}/`,
    ...{ iat: atS, nbf: atS, exp: atS + lifeS, appid: app.clientId, idtyp: 'app', oid: `${tenantId.slice(0, 35)}f` },
    ...{ roles: app.roles, tid: tenantId, ver: '1.0', uti: Buffer.from(random(9)).toString('base64url') },
  };
  const encoded = [{ typ: 'JWT', alg: 'RS256', kid: 'simulated' }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  const head = encoded.join('.');
  const token = `${head}.${createHmac('sha256', 'simulated').update(head).digest('base64url')}`;
  keep(state, { token, roles: app.roles, endsAtMs: (atS + lifeS) * 1000 });
  state.counters.issued += 1;
  return json(200, { token_type: 'Bearer', expires_in: lifeS, ext_expires_in: lifeS, access_token: token });
}

function keep(state: State, issued: Issued): void {
  state.issued.set(issued.token, issued);
  state.deps.file.save('token', issued.token, issued);
}
