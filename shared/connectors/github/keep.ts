import type { EndpointKeeper } from '../endpoint-keeper.ts';
import { type HookHolder, holderOf } from './client.ts';
import { githubFailure } from './errors.ts';
import { redeliver } from './operations.ts';

const dayMs = 86_400_000;

/** `params` were looked at before a webhook was found by them. */
const holder = (params: Readonly<Record<string, string>>): HookHolder => holderOf(params) ?? { organization: '' };

/**
 * Watches the webhooks of a repository or an organization, and has failed deliveries made again: GitHub does not do that itself.
 * @see https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
 */
export const endpointKeeper: EndpointKeeper = {
  schemes: ['github'],
  list({ system, params }, after) {
    const of = holderOf(params);
    return of && { operation: 'github.hooks.list', system, input: { holder: of, ...(after ? { after } : {}) } };
  },
  repair:
    'Make it active in the settings of the repository or organization, under Webhooks. GitHub keeps no deliveries of the time in between: read what changed since then.',
  deliveries: {
    keptMs: 3 * dayMs,
    list: ({ system, params }, hook, after) => ({
      ...{ operation: 'github.deliveries.list', system },
      input: { holder: holder(params), hook, ...(after ? { after } : {}) },
    }),
    again: ({ apiVersion, at, endpoint: hook, delivery }) =>
      redeliver.request({ apiVersion, providerKey: '' }, { holder: holder(at.params), hook, delivery }),
    refusal: (answer) => (answer.status === 202 ? null : githubFailure(answer).error),
  },
};
