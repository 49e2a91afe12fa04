import * as z from 'zod/mini';
import type { Json, JsonObject } from '../model/json.ts';
import { effectSeverity, type Operation, type PlannedCall } from '../model/operation.ts';
import { findSecrets } from '../model/secret-shape.ts';
import type { Tool } from './define.ts';
import { type DescribeContext, describeTool } from './describe.ts';

/** One broken rule of one tool. `rule` is stable; what each means is in docs/connectors.md. */
export type ToolProblem = { readonly tool: string; readonly rule: string; readonly message: string };

/** What the rules look at beside the tools themselves. */
export type LintContext = {
  readonly policies: DescribeContext['policies'];
  readonly operations: (id: string) => Operation | null;
  readonly systems: readonly string[];
  /** Names of the inputs and fields that any system calls personal. */
  readonly personal?: readonly string[];
};

const verbs =
  /(^|_)(find|get|search|list|check|read|upsert|create|update|append|add|set|move|delete|archive|send|post|close|cancel|assign|link|merge|refund|invite|reply|submit)(_|$)/;

/**
 * Checks every tool against every rule and returns all that is broken. A deployment with a broken tool does not start.
 * @param tools all tools; @param context policies, the operations that exist, the configured systems
 */
export function lintTools(tools: readonly Tool[], context: LintContext): readonly ToolProblem[] {
  const names = tools.map((tool) => tool.name);
  return tools.flatMap((tool) => {
    const problems: ToolProblem[] = [];
    const say = (rule: string, message: string): void => void problems.push({ tool: tool.name, rule, message });
    lintName(tool, names, say);
    lintSchema(tool, say);
    lintExamples(tool, say);
    lintIdentity(tool, say);
    lintTarget(tool, context.personal ?? [], say);
    const operation = lintOperation(tool, context, say);
    lintText(tool, names, { policies: context.policies, operation }, say);
    return problems;
  });
}

type Say = (rule: string, message: string) => void;

function lintName(tool: Tool, names: readonly string[], say: Say): void {
  if (!/^[a-z][a-z0-9]*(_[a-z0-9]+)+$/.test(tool.name) || tool.name.length > 40) {
    say('E1', 'The name must be lower-case words joined by single underscores, at most 40 characters.');
  } else if (!verbs.test(tool.name)) say('E1', 'The name must contain a verb, such as find, get, create or update.');
  if (names.filter((name) => name === tool.name).length > 1) say('E1', 'Another tool has the same name.');
}

function lintText(tool: Tool, names: readonly string[], context: DescribeContext, say: Say): void {
  const { description, annotations } = describeTool(tool, context);
  if (description.length < 120 || description.length > 1200) {
    say(
      'E2',
      `The description has ${description.length} characters; allowed: 120 to 1200. Shorten does, useWhen or doNotUseWhen.`,
    );
  }
  if ((description.match(/[.!?](\s|$)/g) ?? []).length < 3) say('E2', 'The description has fewer than 3 sentences.');
  if (tool.useWhen.length === 0) say('E3', 'useWhen is empty.');
  if (tool.doNotUseWhen.length === 0) say('E3', 'doNotUseWhen is empty.');
  const alternatives = tool.doNotUseWhen.flatMap((text) => [
    ...text.matchAll(/\buse ([a-z][a-z0-9]*(?:_[a-z0-9]+)+)/g),
  ]);
  for (const [, named] of alternatives) {
    if (named && !names.includes(named) && named !== 'action_get') {
      say('E3', `doNotUseWhen names \`${named}\`, which does not exist.`);
    }
  }
  if (annotations.readOnlyHint !== (tool.effect === 'read')) say('E6', 'Annotations and effect disagree.');
  if (tool.kind === 'write' && !/Side effect: .*replayed.*pending_approval/s.test(description)) {
    say('E7', 'A write tool must say its side effect, what a duplicate answers and how approval works.');
  }
}

function lintSchema(tool: Tool, say: Say): void {
  let schema: JsonObject;
  try {
    schema = describeTool(tool, {
      policies: { approvals: [], budgets: [], rollout: {} },
      operation: null,
    }).input_schema;
  } catch {
    say('E5', 'The input cannot be written as JSON Schema: use plain zod types, and transforms only after them.');
    return;
  }
  if (Object.hasOwn(tool.input.shape, 'again')) say('E5', '`again` is reserved: it repeats an action on purpose.');
  if (['oneOf', 'anyOf', 'allOf'].some((word) => word in schema)) say('E5', 'The input must be one plain object.');
  lintObject(schema, '', 1, say);
}

function lintObject(schema: JsonObject, path: string, depth: number, say: Say): void {
  const at = path || 'the input';
  if (depth > 4) {
    say('E5', `${at} is nested deeper than 4 levels.`);
    return;
  }
  if (typeof schema.$ref === 'string' && !schema.$ref.startsWith('#')) say('E5', `${at} refers outside itself.`);
  if (schema.type === 'object' && schema.additionalProperties !== false) {
    say('E5', `${at} is not closed: use z.strictObject.`);
  }
  const properties = (schema.properties ?? {}) as { readonly [name: string]: JsonObject };
  for (const [name, property] of Object.entries(properties)) {
    const here = path ? `${path}.${name}` : name;
    const description = property.description;
    if (typeof description !== 'string' || description.length < 10 || description.trim().toLowerCase() === name) {
      say('E4', `${here} needs a description of at least 10 characters that is not its name.`);
    }
    if (property.default !== undefined && hasSecret(property.default)) {
      say('E10', `The default of ${here} looks like a credential.`);
    }
    lintObject(property, here, depth + 1, say);
  }
  if (typeof schema.items === 'object' && schema.items !== null) {
    lintObject(schema.items as JsonObject, `${path}[]`, depth + 1, say);
  }
}

function hasSecret(value: Json): boolean {
  return findSecrets(JSON.stringify(value)).length > 0;
}

function lintExamples(tool: Tool, say: Say): void {
  if (tool.examples.length === 0) say('E9', 'At least one example is needed.');
  for (const [i, example] of tool.examples.entries()) {
    const parsed = z.safeParse(tool.input, example);
    if (!parsed.success) say('E9', `Example ${i + 1} is not valid: ${firstIssue(parsed.error)}`);
    if (hasSecret(example as Json)) say('E10', `Example ${i + 1} contains what looks like a credential.`);
  }
}

function firstIssue(error: z.core.$ZodError): string {
  const issue = error.issues[0];
  return issue ? `${issue.path.map(String).join('.')} ${issue.message}` : 'it does not match the input';
}

function lintIdentity(tool: Tool, say: Say): void {
  if (tool.kind !== 'write') return;
  if (tool.occasion === 'run' && tool.effect !== 'update') {
    say('occasion', '`occasion: run` is for updates only: in another run the same intent would be done twice.');
  }
  const inputs = Object.keys(tool.input.shape);
  for (const name of [...tool.identifiedBy, ...(tool.part ?? [])].filter((key) => !inputs.includes(key))) {
    say('identity', `\`${name}\` is named by identifiedBy or part but is no input.`);
  }
  if (tool.identifiedBy.length === 0) say('identity', 'identifiedBy is empty: every call would be the same intent.');
}

/** The target stands on the ledger, which nothing is ever erased from. */
function lintTarget(tool: Tool, personal: readonly string[], say: Say): void {
  if (tool.kind !== 'write') return;
  for (const example of tool.examples) {
    const parsed = z.safeParse(tool.input, example);
    if (!parsed.success) continue;
    const id = tool.target(parsed.data)[2].toLowerCase();
    const input = parsed.data as JsonObject;
    const named = personal.find((name) => {
      const value = input[name];
      return typeof value === 'string' && value !== '' && id.includes(value.toLowerCase());
    });
    if (named)
      say('target', `The target holds the personal input \`${named}\`: name the record by its id, or by no value.`);
  }
}

/** Plans each example and compares the operation with what the tool says of itself. */
function lintOperation(tool: Tool, context: LintContext, say: Say): Operation | null {
  let first: Operation | null = null;
  for (const example of tool.examples) {
    const parsed = z.safeParse(tool.input, example);
    if (!parsed.success) continue;
    const calls = tool.kind === 'across' ? tool.sources : [tool];
    for (const { operation: plan } of calls) {
      const operation = lintPlanned(plan(parsed.data as JsonObject, { nowMs: 0 }), context, say);
      if (!operation) continue;
      first ??= operation;
      lintEffect(tool, operation, say);
    }
  }
  return first;
}

/** The operation of a planned call, null where there is none; says what is not there. */
function lintPlanned(planned: PlannedCall, context: LintContext, say: Say): Operation | null {
  const operation = context.operations(planned.operation);
  if (!operation) say('operation', `The operation \`${planned.operation}\` does not exist.`);
  if (operation && !context.systems.includes(planned.system)) {
    const configured = context.systems.join(', ');
    say('operation', `The system \`${planned.system}\` is not configured. Configured: ${configured}.`);
  }
  return operation;
}

function lintEffect(tool: Tool, operation: Operation, say: Say): void {
  const effect = operation.kind === 'read' ? 'read' : operation.effect;
  if (effectSeverity[tool.effect] < effectSeverity[effect]) {
    say('effect', `The tool says ${tool.effect}, but \`${operation.id}\` is ${effect}: a tool is never milder.`);
  }
  if ((tool.kind !== 'write') !== (operation.kind === 'read'))
    say('effect', 'A read tool plans reads, a write tool writes.');
  if (tool.kind === 'write' && tool.gates.length > 0 && operation.kind === 'write' && !operation.before) {
    say('gates', `\`${operation.id}\` cannot read the live record, so gates cannot be judged.`);
  }
}
