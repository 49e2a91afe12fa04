import type { CaseOpening } from '../model/case.ts';

/** The channel whose subscriptions are kept, and who is asked where they cannot be. */
export type SubscribedChannel = { readonly system: string; readonly channel: string; readonly owner: string };

const dayMs = 86_400_000;

/** Names the case of a channel whose subscriptions cannot be kept: there is one at a time. */
export function subscriptionsKey({ system, channel }: Pick<SubscribedChannel, 'system' | 'channel'>): string {
  return `subscriptions#${system}#${channel}`;
}

/** The case of a subscription that its provider took away: what changed in between was not told. */
export function removedCase(on: SubscribedChannel, resource: string): CaseOpening {
  const { system, channel, owner } = on;
  return {
    ...{ kind: 'exception', reason: 'subscription_removed', owner, system, dueInMs: dayMs },
    ...{ actionId: null, runId: null, eventIdentity: null, facts: { channel, resource } },
    title: `${system} took a subscription of ${channel} away`,
    detail: `The subscription to ${resource} was gone and is being made again. What changed in between was not told: read the changes since then, and look at the provider for the reason.`,
    dedupeKey: `${subscriptionsKey(on)}#${resource}`,
  };
}

/** The one case of a channel whose subscriptions cannot be kept. @param code of ours, or the status of the last answer */
export function failingCase(on: SubscribedChannel, code: string): CaseOpening {
  const { system, channel, owner } = on;
  return {
    ...{ kind: 'exception', reason: 'subscription_failing', owner, system, dueInMs: dayMs / 6 },
    ...{ actionId: null, runId: null, eventIdentity: null, facts: { channel, code } },
    title: `The subscriptions of ${system}/${channel} cannot be kept`,
    detail: `Three attempts in a row failed (${code}). Without a subscription no notification arrives. Look at the credential, its permissions, the channel's secret and the public address. The case closes by itself.`,
    dedupeKey: subscriptionsKey(on),
  };
}
