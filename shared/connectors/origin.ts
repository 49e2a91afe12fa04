import type { SystemConfig } from '../config/schema.ts';
import { PlumblineError } from '../model/errors.ts';
import type { ConnectorManifest } from './manifest.ts';

/**
 * The one origin of a system: the simulator's in the local target, else the configured one where the product allows
 * others than its own, else the product's own. Throws `config_invalid` for an origin the product does not allow.
 */
export function originOf(
  manifest: Pick<ConnectorManifest, 'connector' | 'origin' | 'originSuffixes'>,
  config: Pick<SystemConfig, 'origin'>,
  localOrigin: string | undefined,
): string {
  if (localOrigin !== undefined) return localOrigin;
  if (config.origin === undefined) return manifest.origin;
  const { origin, host, protocol } = new URL(config.origin);
  const allowed = origin === manifest.origin || manifest.originSuffixes.some((suffix) => host.endsWith(suffix));
  if (allowed && protocol === 'https:') return origin;
  throw new PlumblineError(`The origin configured for ${manifest.connector} is not one of its own.`, {
    code: 'config_invalid',
    retry: 'never',
    hint: `Leave origin out, or use ${[manifest.origin, ...manifest.originSuffixes].join(' or a host ending in ')}.`,
  });
}
