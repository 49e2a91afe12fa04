import type { PlumblineConfig } from '../config/schema.ts';
import type { WebhookAdapter } from './adapter.ts';
import { type Provider, providers } from './providers.ts';

/** One configured way in: `POST /{system}/{channel}`. */
export type Channel = {
  readonly system: string;
  readonly channel: string;
  readonly scheme: string;
  /** Name of the secret; the value is never part of a channel. */
  readonly secret: string;
  readonly toleranceSeconds: number;
  readonly maxBodyBytes: number;
  readonly params: Readonly<Record<string, string>>;
  readonly provider: Provider;
  /** What the connector says of its notifications, or null where the table says it all. */
  readonly adapter: WebhookAdapter | null;
  /** Team that owns what goes wrong here. */
  readonly owner: string;
};

/**
 * Every channel of the configuration by `system/channel`. Channels of unknown schemes are left out, so that they answer 401.
 * @param adapterOf the connector's adapter for a scheme of its own, or null
 */
export function channelsOf(
  config: PlumblineConfig,
  adapterOf: (connector: string, scheme: string) => WebhookAdapter | null,
): ReadonlyMap<string, Channel> {
  const channels = new Map<string, Channel>();
  for (const [system, { connector, owner, webhooks }] of Object.entries(config.systems)) {
    for (const [channel, settings] of Object.entries(webhooks)) {
      const provider = providers.get(settings.scheme);
      if (!provider) continue;
      channels.set(`${system}/${channel}`, {
        system,
        channel,
        scheme: settings.scheme,
        secret: settings.secret,
        toleranceSeconds: settings.tolerance / 1000,
        maxBodyBytes: settings.maxBodyBytes,
        params: settings.params ?? {},
        provider,
        adapter: adapterOf(connector, settings.scheme),
        owner,
      });
    }
  }
  return channels;
}
