import { type Account, type Body, change, create, silent } from './account.ts';

/** The endpoint of an address, or null. */
function endpointAt(account: Account, url: string): Body | null {
  return [...account.entries.webhook_endpoint.values()].find(({ body }) => body.url === url)?.body ?? null;
}

/** Registers the address, as somebody does in the dashboard; one that is there is left as it is. */
export function registerEndpoint(account: Account, url: string, types: readonly string[] = ['*']): void {
  if (endpointAt(account, url) !== null) return;
  const nothing = { api_version: null, application: null, description: null, metadata: {} };
  create(account, 'webhook_endpoint', { ...nothing, enabled_events: types, status: 'enabled', url }, silent);
}

/** Whether anything is sent to an address. */
export function isEnabled(account: Account, url: string): boolean {
  return endpointAt(account, url)?.status === 'enabled';
}

/** Switches an endpoint on or off. Stripe tells nobody of it, but by e-mail. */
export function switchEndpoint(account: Account, url: string, status: 'enabled' | 'disabled'): void {
  const endpoint = endpointAt(account, url);
  if (endpoint) change(account, 'webhook_endpoint', endpoint.id, { status }, { origin: silent, type: null });
}
