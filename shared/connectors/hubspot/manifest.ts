import { path } from '../../http/path.ts';
import type { HttpAnswer } from '../../model/operation.ts';
import type { AccountFacts, ConnectorManifest, Headroom } from '../manifest.ts';
import { bodyOf } from './client.ts';
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

/** The window of some seconds that HubSpot counts in; the day's count is told to private apps only. */
function rollingWindow({ headers }: HttpAnswer): readonly Headroom[] {
  const max = Number(headers['x-hubspot-ratelimit-max'] ?? Number.NaN);
  const remaining = Number(headers['x-hubspot-ratelimit-remaining'] ?? Number.NaN);
  return Number.isFinite(max) && Number.isFinite(remaining) ? [{ limit: 'window', max, remaining }] : [];
}
