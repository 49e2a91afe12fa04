import { isObject, type Json } from '../../model/json.ts';
import type { Classified, ReadOperation } from '../../model/operation.ts';
import type { EndpointKeeper, StandingEndpoint } from '../endpoint-keeper.ts';
import { getSpec } from './client.ts';
import { type ListInput, listParams, pageOf, unreadable } from './reads.ts';

function endpointOf(row: Json): StandingEndpoint | Classified {
  if (!isObject(row) || typeof row.id !== 'string' || typeof row.url !== 'string' || typeof row.status !== 'string') {
    return unreadable('a page of webhook endpoints');
  }
  return { id: row.id, url: row.url, enabled: row.status === 'enabled' };
}

/**
 * Lists the webhook endpoints of the account, newest first: data is `{ results, total, after }`, never with a secret.
 * @see https://docs.stripe.com/api/webhook_endpoints/list
 */
export function endpointsListOperation(): ReadOperation<ListInput> {
  return {
    kind: 'read',
    id: 'stripe.webhook_endpoints.list',
    connector: 'stripe',
    scopes: ['rak_webhook_read'],
    request: (context, input) => getSpec(context, '/v1/webhook_endpoints', listParams(input)),
    judge: (answer) => pageOf(answer, endpointOf),
  };
}

/**
 * Watches the webhook endpoints of an account. Stripe switches off what fails for days, and sends nothing of that time later.
 * @see https://docs.stripe.com/webhooks#retries
 */
export const endpointKeeper: EndpointKeeper = {
  schemes: ['stripe'],
  list: ({ system }, after) => ({
    operation: 'stripe.webhook_endpoints.list',
    system,
    input: after === undefined ? {} : { after },
  }),
  repair:
    'Repair what made the deliveries fail, enable the endpoint in the Dashboard under Developers, Webhooks, and have the events of the time in between sent again: Stripe sends none of them by itself, keeps them in its events feed for 30 days (stripe.events.list), and sends one again from there (Resend, or `stripe events resend`). One that was handled before is not handled twice.',
};
