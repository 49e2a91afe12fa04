import type { WebhookAdapter } from '../../webhooks/adapter.ts';

/** A described API has no signature scheme of its own: its channels name one of the table, which also says how items are told apart. */
export const webhookAdapter: WebhookAdapter = {
  schemes: [],
  split: () => null,
  identity: () => null,
  stable: (item) => item,
  type: () => 'unknown',
  occurredAtMs: () => null,
  attempt: () => null,
  reRead: () => null,
};
