import type { AgentConfig } from '../config/schema.ts';
import { isVisible } from '../policy/permission.ts';
import type { Tool } from './define.ts';

/** Where a tool is found: `load` its module, and the connectors it speaks `through`. */
export type ToolEntry = {
  readonly through: readonly string[];
  readonly load: () => Promise<{ readonly default: Tool }>;
};

/** The tools of a deployment by name, as config/tools/index.ts lists them. */
export type ToolIndex = Readonly<Record<string, ToolEntry>>;

/** The tools of a deployment. */
export type Catalog = {
  readonly find: (name: string) => Promise<Tool | null>;
  /** What an agent may see; sorted by name. */
  readonly visibleTo: (agent: AgentConfig) => Promise<readonly Tool[]>;
};

/**
 * Makes the catalog of an index that the build has checked, see list.ts: a call loads its own tool and the connectors of it,
 * a listing loads them all.
 * @param deps.connectors loads connectors by name; loading one again costs nothing
 */
export function catalogOf(deps: {
  readonly index: ToolIndex;
  readonly connectors: (names: readonly string[]) => Promise<unknown>;
}): Catalog {
  const find = async (name: string): Promise<Tool | null> => {
    const entry = Object.hasOwn(deps.index, name) ? deps.index[name] : undefined;
    if (entry === undefined) return null;
    const [tool] = await Promise.all([entry.load(), deps.connectors(entry.through)]);
    return tool.default;
  };
  return {
    find,
    async visibleTo(agent) {
      const all = await Promise.all(Object.keys(deps.index).map(find));
      return sorted(all.filter((tool) => tool !== null)).filter((tool) => isVisible(agent, tool));
    },
  };
}

/** A catalog of tools that are at hand, whose connectors are loaded. */
export function makeCatalog(tools: readonly Tool[]): Catalog {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  return {
    find: async (name) => byName.get(name) ?? null,
    visibleTo: async (agent) => sorted(tools).filter((tool) => isVisible(agent, tool)),
  };
}

function sorted(tools: readonly Tool[]): readonly Tool[] {
  return [...tools].sort((a, b) => (a.name < b.name ? -1 : 1));
}
