import { isObject } from '../../model/json.ts';
import type { HttpAnswer } from '../../model/operation.ts';
import type { AccountFacts, ConnectorManifest, CredentialFacts, Headroom } from '../manifest.ts';
import { bodyOf, specOf } from './client.ts';
import { githubFailure, saysTokenExpired } from './errors.ts';
import { operations } from './operations.ts';

/** What the house needs to know of GitHub. @see https://docs.github.com/en/rest */
export const manifest: ConnectorManifest = {
  connector: 'github',
  origin: 'https://api.github.com',
  originSuffixes: [],
  tokenOrigin: 'https://github.com',
  tokenPath: '/login/oauth/access_token',
  scopes: [...new Set([...operations.values()].flatMap((operation) => operation.scopes))].sort(),
  headroom,
  classify: (answer) => (answer.status < 300 ? null : githubFailure(answer).error),
  account: { request: (apiVersion) => specOf({ apiVersion }, 'GET', '/user'), judge: accountOf },
  credential: { request: ({ apiVersion }) => specOf({ apiVersion }, 'GET', '/user'), judge: credentialOf },
  saysTokenExpired,
  undo: Object.fromEntries(
    [...operations.values()]
      .filter((operation) => operation.kind === 'write')
      .map(({ id, undo }) => [id, undo.kind === 'operation' ? undo.operation : null]),
  ),
};

/** Who the token is. A token of an app's installation is nobody, and GitHub refuses the question. */
function userOf(answer: HttpAnswer): { readonly id: string; readonly login: string } | null {
  const body = answer.status === 200 ? bodyOf(answer) : null;
  if (!isObject(body) || typeof body.id !== 'string' || typeof body.login !== 'string') return null;
  return { id: body.id, login: body.login };
}

/**
 * GitHub has no sandboxes. A user who is there for trying things out says so by a login that ends in `-sandbox` or `-staging`,
 * which only that user can change. Any other is production.
 */
function accountOf(answer: HttpAnswer): AccountFacts | null {
  const user = userOf(answer);
  if (!user) return null;
  return {
    identity: { userId: Number(user.id), login: user.login },
    is: /-(sandbox|staging)$/i.test(user.login) ? 'sandbox' : 'production',
  };
}

/** Classic tokens name their scopes, fine-grained ones do not; when one ends stands in a header of every answer. */
function credentialOf(answer: HttpAnswer): CredentialFacts | null {
  const user = userOf(answer);
  if (!user) return null;
  const scopes = answer.headers['x-oauth-scopes'];
  const endsAtMs = Date.parse((answer.headers['github-authentication-token-expiration'] ?? '').replace(' UTC', 'Z'));
  return {
    actsAs: user.id,
    // Machine users are users to GitHub.
    holder: 'unknown',
    scopes: scopes ? scopes.split(',').map((scope) => scope.trim()) : null,
    expiresAtMs: Number.isNaN(endsAtMs) ? null : endsAtMs,
  };
}

/** @see https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#checking-the-status-of-your-rate-limit */
function headroom({ headers }: HttpAnswer): readonly Headroom[] {
  const [max, remaining] = [headers['x-ratelimit-limit'], headers['x-ratelimit-remaining']];
  if (!/^[0-9]{1,9}$/.test(max ?? '') || !/^[0-9]{1,9}$/.test(remaining ?? '')) return [];
  return [{ limit: 'hour', max: Number(max), remaining: Number(remaining) }];
}
