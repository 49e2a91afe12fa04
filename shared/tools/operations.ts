import type { PlumblineConfig } from '../config/schema.ts';
import { loadConnector } from '../connectors/registry.ts';
import type { Operation } from '../model/operation.ts';

/**
 * Loads the connectors of all configured systems and returns the lookup of their operations by id.
 * Throws `config_invalid` where a system names a connector that does not exist.
 */
export async function loadOperations(systems: PlumblineConfig['systems']): Promise<(id: string) => Operation | null> {
  const names = [...new Set(Object.values(systems).map(({ connector }) => connector))];
  const loaded = await Promise.all(names.map(async (name) => [name, await loadConnector(name)] as const));
  const connectors = new Map(loaded);
  return (id) => connectors.get(id.split('.')[0] ?? '')?.operationById(id) ?? null;
}
