import type { PlumblineConfig } from '../config/schema.ts';
import { type Connector, loadConnector } from '../connectors/registry.ts';
import type { Operation } from '../model/operation.ts';

/** The operations of the connectors that have been loaded so far. */
export type LoadedOperations = {
  /** Loads connectors by name. Throws `config_invalid` where there is none of that name. */
  readonly load: (connectors: readonly string[]) => Promise<void>;
  /** One operation by id; null where no loaded connector has it. */
  readonly find: (id: string) => Operation | null;
};

/** Starts with no connector: a call loads those of its tool. Operations that a system describes are found by its name in their id. */
export function operationsOnDemand(systems: PlumblineConfig['systems']): LoadedOperations {
  const loaded = new Map<string, Connector>();
  return {
    async load(connectors) {
      const missing = [...new Set(connectors)].filter((name) => !loaded.has(name));
      await Promise.all(missing.map(async (name) => loaded.set(name, await loadConnector(name))));
    },
    find(id) {
      const [name = '', system = ''] = id.split('.');
      const connector = loaded.get(name);
      const config = connector?.onSystem && Object.hasOwn(systems, system) ? systems[system] : undefined;
      const own = config?.connector === name ? connector?.onSystem?.(system, config) : undefined;
      return (own ?? connector)?.operationById(id) ?? null;
    },
  };
}

/**
 * Loads the connectors of all configured systems and returns the lookup of their operations by id.
 * Throws `config_invalid` where a system names a connector that does not exist.
 */
export async function loadOperations(systems: PlumblineConfig['systems']): Promise<LoadedOperations['find']> {
  const operations = operationsOnDemand(systems);
  await operations.load(Object.values(systems).map(({ connector }) => connector));
  return operations.find;
}
