import type { HttpAnswer } from '../../model/operation.ts';
import { bodyOf } from '../json-body.ts';
import type { AccountFacts, ConnectorManifest } from '../manifest.ts';
import { saysTokenExpired, stripeFailure } from './errors.ts';
import { operations } from './operations.ts';

/** What the house needs to know of Stripe. @see https://docs.stripe.com/api */
export const manifest: ConnectorManifest = {
  connector: 'stripe',
  origin: 'https://api.stripe.com',
  originSuffixes: [],
  tokenPath: '/v1/oauth/token',
  scopes: [...new Set([...operations.values()].flatMap((operation) => operation.scopes))].sort(),
  // Stripe tells no remaining calls; a refusal names its limiter in `Stripe-Rate-Limited-Reason`.
  headroom: () => [],
  classify: (answer) => (answer.status < 300 ? null : stripeFailure(answer).error),
  account: {
    request: (apiVersion) => ({ method: 'GET', path: '/v1/account', headers: { 'stripe-version': apiVersion } }),
    // The account does not say whether the key is one of live mode; the balance does.
    also: (apiVersion) => ({ method: 'GET', path: '/v1/balance', headers: { 'stripe-version': apiVersion } }),
    judge: accountOf,
  },
  saysTokenExpired,
  undo: Object.fromEntries(
    [...operations.values()]
      .filter((operation) => operation.kind === 'write')
      .map(({ id, undo }) => [id, undo.kind === 'operation' ? undo.operation : null]),
  ),
};

/** A key of test mode or of a sandbox cannot reach live mode, and says so of itself. Anything else is taken for production. */
function accountOf(answer: HttpAnswer, also?: HttpAnswer): AccountFacts | null {
  const account = answer.status === 200 ? bodyOf(answer) : null;
  const balance = also?.status === 200 ? bodyOf(also) : null;
  if (account?.object !== 'account' || typeof account.id !== 'string') return null;
  if (balance?.object !== 'balance' || typeof balance.livemode !== 'boolean') return null;
  return { identity: { accountId: account.id }, is: balance.livemode ? 'production' : 'sandbox' };
}
