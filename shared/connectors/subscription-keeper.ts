import type { PlannedCall, RequestSpec } from '../model/operation.ts';

/** What a channel wants to be told of, as the configuration names it. */
export type WantedSubscription = { readonly resource: string; readonly changes: readonly string[] };

/** A subscription as its provider has it. */
export type StandingSubscription = {
  readonly id: string;
  readonly resource: string;
  readonly notificationUrl: string;
  /** ISO. */
  readonly expiresAt: string;
};

/** How subscriptions of one product are kept alive; none of these functions does I/O. */
export type SubscriptionKeeper = {
  /** The read of all subscriptions, page by page. Data: `{ results, after }`. */
  list(system: string, after?: string): PlannedCall;
  /** Whether a standing subscription is the wanted one. */
  matches(standing: StandingSubscription, wanted: WantedSubscription, notificationUrl: string): boolean;
  /** The request that makes a subscription. @param input.secret the channel's own, which notifications carry or are signed with */
  create(input: {
    readonly apiVersion: string;
    readonly wanted: WantedSubscription;
    readonly notificationUrl: string;
    readonly secret: string;
    readonly expiresAt: string;
  }): RequestSpec;
  renew(input: { readonly apiVersion: string; readonly id: string; readonly expiresAt: string }): RequestSpec;
  /** Longest life of a subscription of this resource, milliseconds. */
  longestMs(resource: string): number;
  /** Whether an answer to `create` or `renew` says that it was done. */
  isDone(answer: { readonly status: number }): boolean;
};
