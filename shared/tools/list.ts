import * as z from 'zod/mini';
import type { PlumblineConfig } from '../config/schema.ts';
import { PlumblineError } from '../model/errors.ts';
import type { JsonObject } from '../model/json.ts';
import type { Operation, PlannedCall } from '../model/operation.ts';
import type { ToolIndex } from './catalog.ts';
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
    const operation = parsed.success ? operations(callsOf(tool, parsed.data)[0]?.operation ?? '') : null;
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

/**
 * Loads every tool of the index and compares each with its entry. Throws `config_invalid` with all entries that do not hold:
 * another name than the tool's own, or a connector the tool plans calls of and is not loaded with.
 */
export async function loadTools(index: ToolIndex): Promise<readonly Tool[]> {
  const loaded = await Promise.all(
    Object.entries(index).map(async ([name, { load, through }]) => ({ name, through, tool: (await load()).default })),
  );
  const lines = loaded.flatMap(({ name, through, tool }) => {
    const missing = connectorsOf(tool).filter((connector) => !through.includes(connector));
    return [
      ...(name === tool.name ? [] : [`  config/tools/index.ts: ${name}: the tool is called ${tool.name}.`]),
      ...missing.map((connector) => `  config/tools/index.ts: ${name}: add '${connector}' to \`through\`.`),
    ];
  });
  if (lines.length === 0) return loaded.map(({ tool }) => tool);
  throw new PlumblineError(`The index of tools does not hold; nothing was built:\n${lines.join('\n')}`, {
    code: 'config_invalid',
    retry: 'never',
    hint: 'Correct the lines named above.',
  });
}

/** The connectors that a tool's examples lead to. */
function connectorsOf(tool: Tool): readonly string[] {
  const calls = tool.examples.flatMap((example) => {
    const parsed = z.safeParse(tool.input, example);
    if (!parsed.success) return [];
    return callsOf(tool, parsed.data);
  });
  return [...new Set(calls.map(({ operation }) => operation.split('.')[0] ?? ''))];
}

/** The calls that one input leads to, the tool's own first. */
function callsOf(tool: Tool, input: unknown): readonly PlannedCall[] {
  const values = input as JsonObject;
  if (tool.kind === 'across') return tool.sources.map((source) => source.operation(values, { nowMs: 0 }));
  const live = tool.kind === 'write' && tool.live ? [tool.live.call(values)] : [];
  return [tool.operation(values, { nowMs: 0 }), ...live];
}
