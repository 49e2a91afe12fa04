import type { AgentConfig, PlumblineConfig } from '../config/schema.ts';
import { PlumblineError } from '../model/errors.ts';
import type { Operation } from '../model/operation.ts';
import { isVisible } from '../policy/permission.ts';
import type { Tool } from './define.ts';
import { describeTool, type ToolDescription } from './describe.ts';
import { lintTools } from './lint.ts';

/** The tools of a deployment. */
export type Catalog = {
  readonly find: (name: string) => Tool | null;
  /** Sorted by name. */
  readonly all: readonly Tool[];
  /** What an agent may see, as a model is shown it; sorted by name, equal for equal configuration. */
  readonly visibleTo: (agent: AgentConfig) => readonly ToolDescription[];
  readonly describe: (tool: Tool) => ToolDescription;
};

/** What a catalog is made of. `operations` answers null for an id that no connector has. */
export type CatalogParts = {
  readonly tools: readonly Tool[];
  readonly config: PlumblineConfig;
  readonly operations: (id: string) => Operation | null;
};

/**
 * Makes the catalog and checks every tool against every rule of lint.ts.
 * Throws `config_invalid` with all problems at once: a deployment with a broken tool does not start.
 */
export function makeCatalog({ tools, config, operations }: CatalogParts): Catalog {
  const { policies } = config;
  const problems = lintTools(tools, { policies, operations, systems: Object.keys(config.systems) });
  if (problems.length > 0) {
    const lines = problems.map(({ tool, rule, message }) => `${tool}: ${rule}: ${message}`);
    throw new PlumblineError(`${problems.length} problems in config/tools:\n${lines.join('\n')}`, {
      code: 'config_invalid',
      retry: 'never',
      hint: 'Correct the tools named above; each line says which rule is broken.',
    });
  }
  const all = [...tools].sort((a, b) => (a.name < b.name ? -1 : 1));
  const byName = new Map(all.map((tool) => [tool.name, tool]));
  const described = new Map<string, ToolDescription>();
  const describe = (tool: Tool): ToolDescription => {
    const known = described.get(tool.name);
    if (known) return known;
    const made = describeTool(tool, { policies, operation: firstOperation(tool, operations) });
    described.set(tool.name, made);
    return made;
  };
  return {
    all,
    find: (name) => byName.get(name) ?? null,
    visibleTo: (agent) => all.filter((tool) => isVisible(agent, tool)).map(describe),
    describe,
  };
}

function firstOperation(tool: Tool, operations: CatalogParts['operations']): Operation | null {
  const parsed = tool.input.safeParse(tool.examples[0]);
  return parsed.success ? operations(tool.operation(parsed.data, { nowMs: 0 }).operation) : null;
}
