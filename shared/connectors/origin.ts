import type { SystemConfig } from '../config/schema.ts';
import { PlumblineError } from '../model/errors.ts';
import type { ConnectorManifest } from './manifest.ts';

/**
 * The one origin of a system: the simulator's in the local target, else the configured one where the product allows
 * others than its own, else the product's own. Throws `config_invalid` for an origin the product does not allow, and
 * where each system has an origin of its own and this one names none.
 */
export function originOf(
  manifest: Pick<ConnectorManifest, 'connector' | 'origin' | 'originSuffixes'>,
  config: Pick<SystemConfig, 'origin'>,
  localOrigin: string | undefined,
): string {
  if (localOrigin !== undefined) return localOrigin;
  const { connector, originSuffixes } = manifest;
  const configured = config.origin ?? manifest.origin;
  if (configured === null) {
    throw invalid(`A system of the connector ${connector} needs its own origin.`, 'Add `origin: https://...` to it.');
  }
  const { origin, host, protocol } = new URL(configured);
  const isAnyHost = manifest.origin === null && originSuffixes.length === 0;
  const allowed = isAnyHost || origin === manifest.origin || originSuffixes.some((suffix) => host.endsWith(suffix));
  if (allowed && protocol === 'https:') return origin;
  const others = originSuffixes.map((suffix) => `a host ending in ${suffix}`);
  const form = [...(manifest.origin === null ? [] : [`leave it out for ${manifest.origin}`]), ...others].join(' or ');
  throw invalid(`The origin configured for ${connector} is not one of its own.`, `An https origin: ${form}.`);
}

function invalid(message: string, hint: string): PlumblineError {
  return new PlumblineError(message, { code: 'config_invalid', retry: 'never', hint });
}
