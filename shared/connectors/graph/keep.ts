import type { SubscriptionKeeper } from '../subscription-keeper.ts';
import { graphOn } from './calls.ts';
import { longestSubscriptionMs, renewOperation, type SubscribeInput, subscribeOperation } from './subscriptions.ts';

const plain = (resource: string) => resource.replace(/^\//, '').toLowerCase();

/**
 * Keeps the subscriptions of Microsoft Graph. Changes and lifecycle notifications go to the same address.
 * @see https://learn.microsoft.com/en-us/graph/change-notifications-overview#subscription-lifetime
 */
export const keeper: SubscriptionKeeper = {
  list: (system, after) => graphOn(system).subscriptions.list(after),
  matches: (standing, wanted, notificationUrl) =>
    plain(standing.resource) === plain(wanted.resource) && standing.notificationUrl === notificationUrl,
  create({ apiVersion, wanted, notificationUrl, secret, expiresAt }) {
    const input: SubscribeInput = {
      ...{ resource: wanted.resource, changeType: wanted.changes.join(','), expiresAt },
      ...{ notificationUrl, lifecycleNotificationUrl: notificationUrl },
    };
    const context = { apiVersion, providerKey: '', clientState: secret };
    return subscribeOperation().request(context, input);
  },
  renew: ({ apiVersion, id, expiresAt }) =>
    renewOperation().request({ apiVersion, providerKey: '' }, { id, expiresAt }),
  longestMs: (resource) => longestSubscriptionMs[/^users\/?$/i.test(plain(resource)) ? 'users' : 'mailbox'],
  isDone: ({ status }) => status === 200 || status === 201,
};
