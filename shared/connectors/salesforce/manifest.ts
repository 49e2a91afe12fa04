import { isObject, type JsonObject } from '../../model/json.ts';
import type { HttpAnswer } from '../../model/operation.ts';
import { bodyOf } from '../json-body.ts';
import type { AccountFacts, ConnectorManifest, CredentialFacts, Headroom } from '../manifest.ts';
import { dataPath, getSpec, isId, longId } from './client.ts';
import { salesforceFailure, saysTokenExpired } from './errors.ts';
import { operations } from './operations.ts';
import { soql } from './soql.ts';

/**
 * What the house needs to know of Salesforce. Every organization has a host of its own, so that a system's configuration names
 * its origin.
 * @see https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/intro_rest.htm
 */
export const manifest: ConnectorManifest = {
  connector: 'salesforce',
  origin: null,
  originSuffixes: ['.my.salesforce.com'],
  tokenPath: '/services/oauth2/token',
  scopes: [...new Set([...operations.values()].flatMap((operation) => operation.scopes))].sort(),
  headroom: dailyCalls,
  classify: (answer) => (answer.status < 300 ? null : salesforceFailure(answer).error),
  account: {
    request: (apiVersion) =>
      getSpec(`${dataPath(apiVersion)}/query`, [
        ['q', soql({ object: 'Organization', fields: ['Id', 'IsSandbox'], limit: 1 })],
      ]),
    judge: accountOf,
  },
  credential: {
    request: () => getSpec('/services/oauth2/userinfo'),
    judge: credentialOf,
  },
  saysTokenExpired,
  undo: Object.fromEntries(
    [...operations.values()]
      .filter((operation) => operation.kind === 'write')
      .map(({ id, undo }) => [id, undo.kind === 'operation' ? undo.operation : null]),
  ),
};

/** Only an organization that says it is a sandbox is one; scratch and trial organizations say so too. */
function accountOf(answer: HttpAnswer): AccountFacts | null {
  const records = answer.status === 200 ? bodyOf(answer)?.records : undefined;
  const [organization, ...others] = Array.isArray(records) ? records : [];
  if (!isObject(organization) || others.length > 0) return null;
  const { Id: id, IsSandbox: isSandbox } = organization;
  if (!isId(id) || !id.startsWith('00D') || typeof isSandbox !== 'boolean') return null;
  return { identity: { organizationId: longId(id) }, is: isSandbox ? 'sandbox' : 'production' };
}

/**
 * Salesforce tells whether the user is one for integrations. Scopes and end stand only in tokens of the JWT form; of the others
 * it tells neither, and they live as long as they are used.
 * @see https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_using_userinfo_endpoint.htm
 * @see https://help.salesforce.com/s/articleView?id=xcloud.jwt_access_tokens.htm
 */
function credentialOf(answer: HttpAnswer, token = ''): CredentialFacts | null {
  const body = answer.status === 200 ? bodyOf(answer) : null;
  if (!body || !isId(body.user_id)) return null;
  const { is_salesforce_integration_user: isService } = body;
  const holder = typeof isService !== 'boolean' ? 'unknown' : isService ? 'service' : 'person';
  const { scp, exp } = claimsOf(token);
  return {
    ...{ actsAs: longId(body.user_id), holder },
    scopes: typeof scp === 'string' ? scp.split(' ').filter((scope) => scope !== '') : null,
    expiresAtMs: typeof exp === 'number' ? exp * 1000 : null,
  };
}

/** What a token of the JWT form says of itself; nothing of any other. Salesforce has checked it: it answered. */
function claimsOf(token: string): JsonObject {
  const [, claims = ''] = token.split('.').length === 3 ? token.split('.') : [];
  return bodyOf({ bodyText: Buffer.from(claims, 'base64url').toString() }) ?? {};
}

/** `Sforce-Limit-Info: api-usage=18/5000, per-app-api-usage=17/250(appName=x)` tells used and allowed calls of the day. */
function dailyCalls(answer: HttpAnswer): readonly Headroom[] {
  const said = answer.headers['sforce-limit-info'] ?? '';
  return [...said.matchAll(/\b(per-app-)?api-usage=([0-9]+)\/([0-9]+)/g)].map(([, perApp, used, allowed]) => {
    const max = Number(allowed);
    return { limit: perApp ? 'app-day' : 'day', max, remaining: Math.max(0, max - Number(used)) };
  });
}
