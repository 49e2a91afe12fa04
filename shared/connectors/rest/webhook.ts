/** A described API has no signature scheme of its own: its channels name one of the table. */
export { webhookAdapter } from '../table-webhook.ts';
