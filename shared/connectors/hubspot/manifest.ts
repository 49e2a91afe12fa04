import { path } from '../../http/path.ts';
import { isObject } from '../../model/json.ts';
import type { HttpAnswer, RequestSpec } from '../../model/operation.ts';
import { bodyOf } from '../json-body.ts';
import type { AccountFacts, ConnectorManifest, CredentialFacts, Headroom } from '../manifest.ts';
import { idText } from './client.ts';
import { hubspotFailure, saysTokenExpired } from './errors.ts';
import { operations } from './operations.ts';

/** What the house needs to know of HubSpot. @see https://developers.hubspot.com/docs/api-reference */
export const manifest: ConnectorManifest = {
  connector: 'hubspot',
  origin: 'https://api.hubapi.com',
  originSuffixes: [],
  tokenPath: '/oauth/v3/token',
  scopes: [...new Set([...operations.values()].flatMap((operation) => operation.scopes))].sort(),
  headroom: rollingWindow,
  classify: (answer) => (answer.status < 300 ? null : hubspotFailure(answer).error),
  account: {
    request: (apiVersion) => ({ method: 'GET', path: path`/account-info/${apiVersion}/details` }),
    judge: accountOf,
  },
  credential: {
    request: ({ token }) => tokenQuestion(token),
    judge: credentialOf,
  },
  saysTokenExpired,
  undo: Object.fromEntries(
    [...operations.values()]
      .filter((operation) => operation.kind === 'write')
      .map(({ id, undo }) => [id, undo.kind === 'operation' ? undo.operation : null]),
  ),
};

/** Only accounts that HubSpot names a test kind of are sandboxes; any other word is taken for production. */
function accountOf(answer: HttpAnswer): AccountFacts | null {
  const body = answer.status === 200 ? bodyOf(answer) : null;
  const portalId = body?.portalId;
  const kind = body?.accountType;
  if (typeof portalId !== 'number' || typeof kind !== 'string') return null;
  const test = ['SANDBOX', 'DEVELOPER_TEST', 'APP_DEVELOPER'].includes(kind);
  return { identity: { portalId }, is: test ? 'sandbox' : 'production' };
}

/**
 * Tokens of private apps begin with `pat-` and are asked about in a body, those of OAuth apps in a path.
 * @see https://developers.hubspot.com/docs/api-reference/legacy/authentication/oauth-tokens/v1/get-oauth-token-metadata
 */
function tokenQuestion(token: string): RequestSpec {
  if (!token.startsWith('pat-')) return { method: 'GET', path: path`/oauth/v1/access-tokens/${token}` };
  return {
    method: 'POST',
    path: '/oauth/v2/private-apps/get/access-token-info',
    body: { json: { tokenKey: token } },
  };
}

/** HubSpot's tokens act as their app, whoever installed it, unless they say that they are a user's. */
function credentialOf(answer: HttpAnswer): CredentialFacts | null {
  const body = answer.status === 200 ? bodyOf(answer) : null;
  const app = idText(body?.app_id ?? body?.appId);
  const scopes = body?.scopes;
  if (app === null || !Array.isArray(scopes)) return null;
  const signed = body?.signed_access_token;
  const isPerson = isObject(signed) && signed.isUserLevel === true && signed.isServiceAccount !== true;
  // Every app has the scope `oauth`; nobody asks for it and nothing needs it.
  const granted = scopes.filter((scope) => typeof scope === 'string' && scope !== 'oauth') as string[];
  return { actsAs: app, holder: isPerson ? 'person' : 'service', scopes: granted, expiresAtMs: null };
}

/** The window of some seconds that HubSpot counts in; the day's count is told to private apps only. */
function rollingWindow({ headers }: HttpAnswer): readonly Headroom[] {
  const max = Number(headers['x-hubspot-ratelimit-max'] ?? Number.NaN);
  const remaining = Number(headers['x-hubspot-ratelimit-remaining'] ?? Number.NaN);
  return Number.isFinite(max) && Number.isFinite(remaining) ? [{ limit: 'window', max, remaining }] : [];
}
