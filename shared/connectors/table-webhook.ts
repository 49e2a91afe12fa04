import type { WebhookAdapter } from '../webhooks/adapter.ts';

/** Of a product whose notifications the table of schemes describes: it also says how items are told apart, and nothing is re-read. */
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
