import type { AgentConfig } from '../config/schema.ts';
import { isVisible } from '../policy/permission.ts';
import type { Tool } from './define.ts';

/** The tools of a deployment. */
export type Catalog = {
  readonly find: (name: string) => Tool | null;
  /** Sorted by name. */
  readonly all: readonly Tool[];
  /** What an agent may see; sorted by name. */
  readonly visibleTo: (agent: AgentConfig) => readonly Tool[];
};

/** Makes the catalog of tools that the build has checked, see list.ts. */
export function makeCatalog(tools: readonly Tool[]): Catalog {
  const all = [...tools].sort((a, b) => (a.name < b.name ? -1 : 1));
  const byName = new Map(all.map((tool) => [tool.name, tool]));
  return {
    all,
    find: (name) => byName.get(name) ?? null,
    visibleTo: (agent) => all.filter((tool) => isVisible(agent, tool)),
  };
}
