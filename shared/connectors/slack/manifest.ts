import type { HttpAnswer } from '../../model/operation.ts';
import type { AccountFacts, ConnectorManifest, CredentialFacts } from '../manifest.ts';
import { methodSpec, successOf, textOf } from './client.ts';
import { classify, saysTokenExpired } from './errors.ts';
import { operations } from './operations.ts';

/** What the house needs to know of Slack. @see https://docs.slack.dev/apis/web-api */
export const manifest: ConnectorManifest = {
  connector: 'slack',
  origin: 'https://slack.com',
  originSuffixes: [],
  tokenPath: '/api/oauth.v2.access',
  scopes: [...new Set([...operations.values()].flatMap((operation) => operation.scopes))].sort(),
  // Slack tells no remaining calls; a refusal says how long to wait.
  headroom: () => [],
  classify,
  account: { request: () => methodSpec('auth.test'), judge: accountOf },
  credential: { request: () => methodSpec('auth.test'), judge: credentialOf },
  saysTokenExpired,
  undo: Object.fromEntries(
    [...operations.values()]
      .filter((operation) => operation.kind === 'write')
      .map(({ id, undo }) => [id, undo.kind === 'operation' ? undo.operation : null]),
  ),
};

/**
 * Slack does not say whether a workspace is one for trying things out. Its own address does, where it ends in the word
 * `sandbox` or `staging`, such as `acme-sandbox.slack.com`: only the workspace's owner can give it. Any other is production.
 */
function accountOf(answer: HttpAnswer): AccountFacts | null {
  const body = successOf(answer);
  const [teamId, url] = body ? [textOf(body, 'team_id'), textOf(body, 'url')] : [null, null];
  if (!body || teamId === null || url === null || !URL.canParse(url)) return null;
  const host = /^([a-z0-9-]+)(\.enterprise)?\.slack\.com$/.exec(new URL(url).hostname);
  if (!host) return null;
  const enterpriseId = textOf(body, 'enterprise_id');
  return {
    identity: { teamId, ...(enterpriseId === null ? {} : { enterpriseId }) },
    is: /(^|-)(sandbox|staging)$/.test(host[1] ?? '') ? 'sandbox' : 'production',
  };
}

/** A bot's token names its bot; without one it is the token of a person. Scopes stand in a header of every answer. */
function credentialOf(answer: HttpAnswer): CredentialFacts | null {
  const body = successOf(answer);
  const userId = body ? textOf(body, 'user_id') : null;
  if (!body || userId === null) return null;
  const scopes = answer.headers['x-oauth-scopes'];
  const askedAtMs = Date.parse(answer.headers.date ?? '');
  const leftS = body.expires_in;
  return {
    actsAs: userId,
    holder: textOf(body, 'bot_id') === null ? 'person' : 'service',
    scopes:
      scopes === undefined
        ? null
        : scopes
            .split(',')
            .map((scope) => scope.trim())
            .filter((scope) => scope !== ''),
    expiresAtMs: typeof leftS === 'number' && !Number.isNaN(askedAtMs) ? askedAtMs + leftS * 1000 : null,
  };
}
