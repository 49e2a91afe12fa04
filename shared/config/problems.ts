import { isMap, isPair, isScalar, type LineCounter, type Node, type ParsedNode, type YAMLMap } from 'yaml';
import type * as z from 'zod';

/** One mistake in the configuration: where it stands, what is wrong, and what is allowed there. */
export type ConfigProblem = {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Such as `sales-assistant.tools[2]`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
  readonly allowed?: string;
};

/** A problem as one line: `agents.yaml:4:3 sales-assistant.mode: … Allowed: …`. */
export function problemLine(problem: ConfigProblem): string {
  const where = `${problem.file}:${problem.line}:${problem.column}`;
  const what = problem.path ? `${problem.path}: ${problem.message}` : problem.message;
  return `${where} ${what}${problem.allowed ? ` Allowed: ${problem.allowed}.` : ''}`;
}

/** A parsed YAML file with what is needed to say where something stands. */
export type Positions = {
  readonly file: string;
  readonly contents: ParsedNode | null;
  readonly lines: LineCounter;
};

/** A path as people write it. */
function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i > 0 ? '.' : ''}${String(part)}`))
    .join('');
}

/** The problem at a path of a file; a key that is missing is shown where its parent stands. */
export function problemAt(
  positions: Positions,
  path: readonly PropertyKey[],
  message: string,
  allowed?: string,
): ConfigProblem {
  const offset = offsetOf(positions.contents, path);
  const { line, col } = positions.lines.linePos(offset);
  const base = {
    file: positions.file,
    line: Math.max(line, 1),
    column: Math.max(col, 1),
    path: pathText(path),
    message,
  };
  return allowed ? { ...base, allowed } : base;
}

function offsetOf(root: ParsedNode | null, path: readonly PropertyKey[]): number {
  let node: Node | null = root;
  let offset = root?.range?.[0] ?? 0;
  for (const part of path) {
    if (isMap(node)) {
      const pair = findPair(node, part);
      if (!pair) return offset;
      offset = (pair.key as ParsedNode).range?.[0] ?? offset;
      node = pair.value as Node | null;
    } else if (node && 'items' in node) {
      const item: unknown = (node as { items: unknown[] }).items[Number(part)];
      if (!item) return offset;
      node = item as Node;
      offset = (node as ParsedNode).range?.[0] ?? offset;
    } else return offset;
  }
  return offset;
}

function findPair(map: YAMLMap, key: PropertyKey) {
  return map.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(key));
}

type JsonSchema = {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly type?: string;
};

/** Turns one finding of a schema into problems; the wrong value itself is never repeated, it could be a secret. */
export function schemaProblems(positions: Positions, issue: z.core.$ZodIssue, schema: unknown): ConfigProblem[] {
  if (issue.code === 'unrecognized_keys') {
    const allowed = keysAt(schema as JsonSchema, issue.path);
    return issue.keys.map((key) =>
      problemAt(positions, [...issue.path, key], 'is not known here.', allowed || undefined),
    );
  }
  if (issue.code === 'invalid_type') {
    const missing = issue.message.endsWith('received undefined');
    const allowed = choicesAt(schema as JsonSchema, issue.path) || issue.expected;
    return [problemAt(positions, issue.path, missing ? 'is missing or empty.' : 'has the wrong type.', allowed)];
  }
  if (issue.code === 'invalid_value') {
    return [problemAt(positions, issue.path, 'is not one of the values.', issue.values.map(String).join(', '))];
  }
  if (issue.code === 'invalid_union') {
    const told = issue.errors.flat().map((inner) => wording(inner));
    const allowed = choicesAt(schema as JsonSchema, issue.path) || [...new Set(told)].join('; or ');
    return [problemAt(positions, issue.path, 'is none of the forms.', allowed || undefined)];
  }
  if (issue.code === 'invalid_key') {
    return [problemAt(positions, issue.path, 'is not a valid name.', issue.issues.map(wording).join('; '))];
  }
  return [problemAt(positions, issue.path, 'is not valid.', wording(issue))];
}

function wording(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return issue.values.map(String).join(', ');
  if (issue.code === 'invalid_type') return issue.expected;
  return issue.message;
}

function schemasAt(schema: JsonSchema, path: readonly PropertyKey[]): readonly JsonSchema[] {
  const options = [schema, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  const [head, ...rest] = path;
  if (head === undefined) return options;
  return options.flatMap((option) => {
    const additional = typeof option.additionalProperties === 'object' ? option.additionalProperties : undefined;
    const next = typeof head === 'number' ? option.items : (option.properties?.[String(head)] ?? additional);
    return next ? schemasAt(next, rest) : [];
  });
}

function keysAt(schema: JsonSchema, path: readonly PropertyKey[]): string {
  return [...new Set(schemasAt(schema, path).flatMap((at) => Object.keys(at.properties ?? {})))].join(', ');
}

function choicesAt(schema: JsonSchema, path: readonly PropertyKey[]): string {
  const values = schemasAt(schema, path).flatMap((at) => at.enum ?? (at.const === undefined ? [] : [at.const]));
  return [...new Set(values.map(String))].join(', ');
}
