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

/** Loads what a connector says of its product's notifications, and nothing else of it. */
export type AdapterLoader = (connector: string) => Promise<WebhookAdapter>;

/** The adapter of a connector for a scheme that is its own; null for any other, which the table of providers describes. */
export async function connectorAdapter(
  load: AdapterLoader,
  connector: string,
  scheme: string,
): Promise<WebhookAdapter | null> {
  const adapter = await load(connector);
  const own = adapter.schemes.includes(scheme) || scheme.startsWith(`${connector}-`);
  return own ? adapter : null;
}

/** The channels of the configuration with the adapters of their connectors. Throws `config_invalid` for an unknown connector. */
export async function loadChannels(
  config: PlumblineConfig,
  load: AdapterLoader,
): Promise<ReadonlyMap<string, Channel>> {
  const adapters = new Map<string, WebhookAdapter | null>();
  for (const { connector, webhooks } of Object.values(config.systems)) {
    for (const { scheme } of Object.values(webhooks)) {
      adapters.set(`${connector}/${scheme}`, await connectorAdapter(load, connector, scheme));
    }
  }
  return channelsOf(config, (connector, scheme) => adapters.get(`${connector}/${scheme}`) ?? null);
}
