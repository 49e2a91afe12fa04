import type { SimAnswer, SimRequest } from '../loopback-server.ts';
import { json, OAuthError, SalesforceError } from './errors.ts';
import type { OAuthServer } from './oauth.ts';
import { type Org, rowOf } from './org.ts';

type Deps = { readonly org: Org; readonly oauth: OAuthServer };

/**
 * What tells who a session is and ends it: userinfo, introspection, the identity address, revocation, and the SOAP login. Null:
 * the path is none of these. @throws OAuthError, SalesforceError
 */
export function identityRoute(deps: Deps, request: SimRequest): SimAnswer | null {
  const [first, second, third] = request.segments;
  if (first === 'id') return identityAnswer(deps, request, second, third);
  if (first !== 'services') return null;
  if (second === 'Soap' && third === 'u' && request.method === 'POST') return soapLogin(deps, request);
  if (second !== 'oauth2') return null;
  if (third === 'userinfo') return userInfo(deps, request);
  if (request.method !== 'POST') return null;
  const form = new URLSearchParams(request.bodyText);
  if (third === 'introspect') return introspection(deps, request, form.get('token') ?? '');
  if (third !== 'revoke') return null;
  if (deps.oauth.revoke(form.get('token') ?? '')) return { status: 200, headers: {}, bodyText: '' };
  throw new OAuthError('unsupported_token_type', 'this token type is not supported');
}

/** The token of a header, or of the parameter that a browser would use. @throws SalesforceError 403 with a text of its own */
function tokenOf({ oauth }: Deps, { headers, query }: SimRequest): string | null {
  const token = query.get('oauth_token') ?? /^(?:Bearer|OAuth) (\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? '';
  return oauth.session(token) ? token : null;
}

const badToken: SimAnswer = { status: 403, headers: { 'content-type': 'text/html' }, bodyText: 'Bad_OAuth_Token' };

function facts({ org, oauth }: Deps, base: string) {
  const { organizationId, userId, username } = oauth.identity;
  const user = rowOf(org, 'User', userId);
  const id = `${base}/id/${organizationId}/${userId}`;
  return {
    id,
    organizationId,
    userId,
    username,
    isIntegrationUser: org.knobs.integrationUser,
    values: user?.values ?? {},
  };
}

const baseOf = ({ headers }: SimRequest) => `http://${headers.host ?? ''}`;

function userInfo(deps: Deps, request: SimRequest): SimAnswer {
  if (tokenOf(deps, request) === null) return badToken;
  const base = baseOf(request);
  const { id, organizationId, userId, username, isIntegrationUser, values } = facts(deps, base);
  return json(200, {
    ...{ sub: id, user_id: userId, organization_id: organizationId, preferred_username: username },
    ...{ nickname: 'service', name: values.Name ?? null, email: values.Email ?? null, email_verified: true },
    ...{ is_salesforce_integration_user: isIntegrationUser, active: true, user_type: 'STANDARD' },
    urls: { rest: `${base}/services/data/v{version}/`, query: `${base}/services/data/v{version}/query/` },
    ...{ language: 'en_US', locale: 'en_US', utcOffset: 0, is_app_installed: true },
  });
}

function identityAnswer(deps: Deps, request: SimRequest, organization?: string, user?: string): SimAnswer {
  const { id, organizationId, userId, username, values } = facts(deps, baseOf(request));
  if (tokenOf(deps, request) === null) return badToken;
  if (organization !== organizationId || user !== userId) throw new SalesforceError(404, 'NOT_FOUND', 'Bad_Id');
  return json(200, {
    ...{ id, asserted_user: true, user_id: userId, organization_id: organizationId, username },
    ...{ display_name: values.Name ?? null, email: values.Email ?? null, active: true, user_type: 'STANDARD' },
  });
}

/** Only the app itself may ask about its tokens; of any other token it learns no more than that. */
function introspection(deps: Deps, request: SimRequest, token: string): SimAnswer {
  deps.oauth.checkClient(request);
  const session = deps.oauth.session(token);
  if (!session) return json(200, { active: false });
  const { id, username } = facts(deps, baseOf(request));
  const iat = Math.floor(session.issuedAtMs / 1000);
  const exp = session.endsAtMs === null ? {} : { exp: Math.floor(session.endsAtMs / 1000) };
  const said = { active: true, scope: session.scope, username, sub: id, token_type: 'access_token', iat, nbf: iat };
  return json(200, { ...said, ...exp });
}

const envelope = (body: string) =>
  `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com"><soapenv:Body>${body}</soapenv:Body></soapenv:Envelope>`;

function soapLogin(deps: Deps, request: SimRequest): SimAnswer {
  const part = (name: string) =>
    (new RegExp(`<${name}>([^<]*)</${name}>`).exec(request.bodyText)?.[1] ?? '').replaceAll(
      /&(amp|lt|gt|quot|apos|#39);/g,
      (_all, entity: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"' })[entity] ?? "'",
    );
  const headers = { 'content-type': 'text/xml;charset=UTF-8' };
  try {
    const { token } = deps.oauth.login(part('username'), part('password'));
    const { organizationId, userId } = facts(deps, '');
    const [, , , version = ''] = request.segments;
    const server = `${baseOf(request)}/services/Soap/u/${version}/${organizationId.slice(0, 15)}`;
    const result = `<passwordExpired>false</passwordExpired><serverUrl>${server}</serverUrl><sessionId>${token}</sessionId><userId>${userId}</userId><userInfo><organizationId>${organizationId}</organizationId></userInfo>`;
    return { status: 200, headers, bodyText: envelope(`<loginResponse><result>${result}</result></loginResponse>`) };
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    const said = 'INVALID_LOGIN: Invalid username, password, security token; or user locked out.';
    const fault = `<soapenv:Fault><faultcode>sf:INVALID_LOGIN</faultcode><faultstring>${said}</faultstring></soapenv:Fault>`;
    return { status: 500, headers, bodyText: envelope(fault) };
  }
}

/** The list of versions, which needs no session. */
export function versionsAnswer(): SimAnswer {
  const versions = [46, 58, 60, 62, 64, 65].map((n) => ({
    label: `v${n}`,
    url: `/services/data/v${n}.0`,
    version: `${n}.0`,
  }));
  return json(200, versions);
}

/** What an organization offers under a version. */
export function resourcesAnswer({ org, oauth }: Deps, request: SimRequest, version: string): SimAnswer {
  const at = `/services/data/v${version}`;
  const names = ['composite', 'jobs', 'limits', 'query', 'queryAll', 'sobjects'];
  const { organizationId } = org;
  const identity = `${baseOf(request)}/id/${organizationId}/${oauth.identity.userId}`;
  return json(200, { ...Object.fromEntries(names.map((name) => [name, `${at}/${name}`])), identity });
}
