import * as z from 'zod/mini';
import type { PoliciesConfig } from '../config/schema.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { Effect, Operation } from '../model/operation.ts';
import { approvalRulesOf } from '../policy/approvals.ts';
import type { ReadTool, Tool, WriteTool } from './define.ts';

/** What rendering a tool may know beside the tool: the policies, and the operation its first example plans. */
export type DescribeContext = { readonly policies: PoliciesConfig; readonly operation: Operation | null };

/** MCP-style hints. Clients must not trust them; enforcement stays with the server. */
export type ToolAnnotations = {
  readonly readOnlyHint: boolean;
  readonly destructiveHint: boolean;
  readonly idempotentHint: boolean;
  readonly openWorldHint: boolean;
};

/** A tool as a model is shown it, the same in every export. */
export type ToolDescription = {
  readonly name: string;
  readonly description: string;
  readonly effect: Effect;
  readonly input_schema: JsonObject;
  readonly annotations: ToolAnnotations;
  readonly examples: readonly Json[];
};

const effectWords: Readonly<Record<Exclude<Effect, 'read'>, string>> = {
  append: 'adds to a record and changes nothing that is there',
  create: 'creates a record',
  update: 'changes a record',
  delete: 'deletes or archives a record',
  send: 'sends something to people, which cannot be called back',
};

/** Renders what a model reads from the tool's structure, so that no promise is written by hand. */
export function describeTool(tool: Tool, context: DescribeContext): ToolDescription {
  const sentences = [
    tool.does,
    `Use when ${tool.useWhen.join('; or ')}.`,
    `Do not use when ${tool.doNotUseWhen.join('; or ')}.`,
    ...sentencesOf(tool, context),
  ];
  return {
    name: tool.name,
    description: sentences.join(' '),
    effect: tool.effect,
    input_schema: inputSchema(tool),
    annotations: {
      readOnlyHint: tool.kind !== 'write',
      destructiveHint: tool.effect === 'update' || tool.effect === 'delete' || tool.effect === 'send',
      idempotentHint: true,
      openWorldHint: true,
    },
    examples: tool.examples as readonly Json[],
  };
}

function sentencesOf(tool: Tool, context: DescribeContext): string[] {
  if (tool.kind === 'write') return writeSentences(tool, context);
  if (tool.kind === 'read') return readSentences(tool);
  return [
    'It only reads, and answers live values.',
    'Each system answers for itself, side by side: nothing is merged. `sources` says which could not be read.',
  ];
}

function readSentences(tool: ReadTool): string[] {
  const { none, several } = tool.lookup;
  const noMatch = none === 'empty' ? 'an empty list' : 'the error no_match';
  const many = several === 'list' ? 'all of them as a list' : 'the error several_matches, never a guess';
  return ['It only reads, and answers live values.', `No match answers ${noMatch}; several matches answer ${many}.`];
}

function writeSentences(tool: WriteTool, context: DescribeContext): string[] {
  const undo = context.operation?.kind === 'write' ? context.operation.undo : null;
  return [
    `Side effect: it ${effectWords[tool.effect]}; it needs ${tool.effect === 'append' ? 'the mode append or write' : 'the mode write'}.`,
    ...(tool.gates.length > 0 ? [`Refused unless ${tool.gates.map((gate) => gate.says).join('; and ')}.`] : []),
    duplicateSentence(tool),
    approvalSentence(tool, context.policies),
    ...(undo ? [undo.kind === 'operation' ? `Undo: ${undo.how}.` : `It cannot be undone: ${undo.why}.`] : []),
  ].map((text) => text.replace(/\.\.$/, '.'));
}

/** When a repeat is the same action, in words a model can act on. */
function duplicateSentence(tool: WriteTool): string {
  const same = `the same ${tool.identifiedBy.join(', ')} for the same record`;
  const again = tool.again ? ' To mean it once more, pass `again` with the action_id of the earlier answer.' : '';
  const replay = 'changes nothing and answers `replayed`';
  if (tool.occasion === 'run')
    return `A repeat with ${same} in the same run ${replay}; another run is a new action.${again}`;
  if (tool.occasion === 'window') {
    return `A repeat with ${same} within ${hours(tool.windowMs)} ${replay}, whatever its other words.${again}`;
  }
  if (tool.occasion === 'event') {
    return `A repeat for the same event and record ${replay}, in whatever run or words; without an event, so does one with ${same} within ${hours(tool.windowMs)}.`;
  }
  if (tool.occasion === 'ever') return `A repeat with ${same} ${replay}, for ever.`;
  return `A repeat under the same Idempotency-Key ${replay}; another key is a new action.`;
}

function hours(ms: number | null): string {
  return `${Math.round((ms ?? 0) / 3_600_000)} hours`;
}

function approvalSentence(tool: WriteTool, policies: PoliciesConfig): string {
  const rules = approvalRulesOf(policies, tool);
  if (rules.length === 0) return 'It runs without approval; where a person must decide, it answers `pending_approval`.';
  const said = rules.map(({ by, inputs }) => (inputs ? `${inputs} waits for ${by}` : `every call waits for ${by}`));
  return `Approval: ${said.join('; ')}, and answers \`pending_approval\`: poll action_get.`;
}

const againSchema: JsonObject = {
  type: 'string',
  pattern: '^act_[0-9a-hjkmnp-tv-z]{40}_[1-9][0-9]{0,8}$',
  description: 'the action_id of the earlier answer, only to do the same once more on purpose',
};

/** The JSON Schema (2020-12) of a tool's arguments, with `again` where the tool takes it. */
function inputSchema(tool: Tool): JsonObject {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(tool.input, { io: 'input' }) as { [key: string]: Json };
  if (tool.kind !== 'write' || !tool.again) return schema;
  const properties = (schema.properties ?? {}) as JsonObject;
  return { ...schema, properties: { ...properties, again: againSchema } };
}
