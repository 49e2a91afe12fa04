import type { Refusal } from '../auth/refresh.ts';
import type { PlumblineConfig } from '../config/schema.ts';
import type { HttpAnswer } from '../model/operation.ts';
import { originOf } from './origin.ts';
import type { Connector } from './registry.ts';

/** Where a system's tokens are issued and what they are for. */
export type TokenPlaces = {
  endpointOf(system: string): Promise<{ readonly origin: string; readonly path: string }>;
  originOf(system: string): Promise<string>;
  /** What a refusal of the endpoint means to the system's owner, where the product says more than OAuth does. */
  explain(system: string, answer: Pick<HttpAnswer, 'bodyText'>): Promise<Refusal | null>;
};

/**
 * The places of the configured systems: tokens come from the product's own issuer where it has one apart, else from the
 * system's origin. In the local target both are the simulator. Throws `config_invalid` as {@link originOf} does.
 */
export function tokenPlaces(deps: {
  readonly systems: PlumblineConfig['systems'];
  readonly loadConnector: (name: string) => Promise<Pick<Connector, 'manifest' | 'onSystem'>>;
  readonly localOrigins?: { readonly [system: string]: string } | undefined;
}): TokenPlaces {
  const placeOf = async (system: string) => {
    const config = deps.systems[system];
    const loaded = await deps.loadConnector(config?.connector ?? system);
    const { manifest } = (config && loaded.onSystem?.(system, config)) ?? loaded;
    return { manifest, origin: originOf(manifest, { ...config }, deps.localOrigins?.[system]) };
  };
  return {
    async endpointOf(system) {
      const { manifest, origin } = await placeOf(system);
      const isLocal = deps.localOrigins?.[system] !== undefined;
      return { origin: isLocal ? origin : (manifest.tokenOrigin ?? origin), path: manifest.tokenPath };
    },
    originOf: async (system) => (await placeOf(system)).origin,
    explain: async (system, answer) => (await placeOf(system)).manifest.tokenRefusal?.(answer) ?? null,
  };
}
