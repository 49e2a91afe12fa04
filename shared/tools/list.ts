import * as z from 'zod/mini';
import type { PlumblineConfig } from '../config/schema.ts';
import { PlumblineError } from '../model/errors.ts';
import type { Operation } from '../model/operation.ts';
import type { Tool } from './define.ts';
import { describeTool, type ToolDescription } from './describe.ts';
import { lintTools } from './lint.ts';

/** What describing and checking tools needs. `operations` answers null for an id that no connector has. */
export type ToolParts = {
  readonly config: Pick<PlumblineConfig, 'policies' | 'systems'>;
  readonly operations: (id: string) => Operation | null;
};

/** Tools as a model is shown them, in the order given. Loaded only where tools are listed: it writes JSON Schema. */
export function describeTools({ config, operations }: ToolParts, tools: readonly Tool[]): readonly ToolDescription[] {
  return tools.map((tool) => {
    const parsed = z.safeParse(tool.input, tool.examples[0]);
    const operation = parsed.success ? operations(tool.operation(parsed.data, { nowMs: 0 }).operation) : null;
    return describeTool(tool, { policies: config.policies, operation });
  });
}

/**
 * Checks every tool against every rule of lint.ts, as the build does before it writes anything.
 * Throws `config_invalid` with all problems at once: a deployment with a broken tool does not come to be.
 */
export function checkTools({ config, operations }: ToolParts, tools: readonly Tool[]): void {
  const systems = Object.keys(config.systems);
  const personal = Object.values(config.systems).flatMap((system) => system.personal);
  const problems = lintTools(tools, { policies: config.policies, operations, systems, personal });
  if (problems.length === 0) return;
  const lines = problems.map(({ tool, rule, message }) => `  config/tools: ${tool}: ${rule}: ${message}`);
  throw new PlumblineError(`The tools have ${problems.length} problems; nothing was built:\n${lines.join('\n')}`, {
    code: 'config_invalid',
    retry: 'never',
    hint: 'Correct the tools named above; each line says which rule is broken.',
  });
}
