import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isAlias, isNode, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import * as z from 'zod';
import { sha256Hex } from '../model/ids.ts';
import { findSecrets } from '../model/secret-shape.ts';
import { crossProblems, type KnownParts, type RawFile } from './cross-check.ts';
import { fileSchema } from './file-schema.ts';
import { type ConfigProblem, type Positions, problemAt, schemaProblems } from './problems.ts';
import { agentSchema, ownersSchema, type PlumblineConfig, policiesSchema, systemSchema } from './schema.ts';

const maxFileBytes = 256 * 1024;
const maxAliases = 20;

/** Either the whole valid configuration, or every problem of every file at once. */
export type LoadResult =
  | { readonly kind: 'ok'; readonly config: PlumblineConfig }
  | { readonly kind: 'problems'; readonly problems: readonly ConfigProblem[] };

/**
 * Reads and validates all YAML of a configuration folder. Nothing is used unless everything is valid.
 * The version is a hash of the validated content, so that equal configuration has an equal version.
 * @param dir the folder with systems/, agents.yaml, owners.yaml and policies.yaml
 * @param known the tools, connectors and webhook schemes that exist, for the checks between files; absent parts are not checked
 */
export function loadConfig(dir: string, known: KnownParts = {}): LoadResult {
  const problems: ConfigProblem[] = [];
  const agentsFile = z.record(
    z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'lower-case letters, digits, hyphens'),
    agentSchema,
  );
  const agents = readYaml(dir, 'agents.yaml', agentsFile, problems);
  const owners = readYaml(dir, 'owners.yaml', ownersSchema, problems);
  const policies = readYaml(dir, 'policies.yaml', policiesSchema, problems);
  const folder = (name: string, schema: z.ZodType) =>
    Object.fromEntries(
      yamlFiles(dir, name, problems).map((file) => [
        basename(file, '.yaml'),
        readYaml(dir, `${name}/${file}`, schema, problems),
      ]),
    );
  const [systems, files] = [folder('systems', systemSchema), folder('files', fileSchema)];
  if (Object.keys(systems).length === 0) {
    problems.push(fileProblem('systems', 'No system is configured.', 'systems/<system>.yaml'));
  }
  strangeFiles(dir, problems);
  problems.push(
    ...crossProblems({ agents, owners, policies, systems: Object.values(systems), files: Object.values(files) }, known),
  );
  if (problems.length > 0) return { kind: 'problems', problems: sorted(problems) };
  const config = {
    systems: Object.fromEntries(Object.entries(systems).map(([name, file]) => [name, systemSchema.parse(file?.raw)])),
    files: Object.fromEntries(Object.entries(files).map(([name, file]) => [name, fileSchema.parse(file?.raw)])),
    agents: agentsFile.parse(agents?.raw),
    owners: ownersSchema.parse(owners?.raw),
    policies: policiesSchema.parse(policies?.raw),
  };
  const version = sha256Hex(JSON.stringify(config)).slice(0, 16);
  return { kind: 'ok', config: { version, ...config } };
}

function yamlFiles(dir: string, folder: string, problems: ConfigProblem[]): readonly string[] {
  const files = list(join(dir, folder));
  const good = files.filter((file) => /^[a-z][a-z0-9-]{0,39}\.yaml$/.test(file));
  for (const file of files.filter((other) => !good.includes(other))) {
    const allowed = '<name>.yaml, lower-case letters, digits, hyphens';
    problems.push(fileProblem(`${folder}/${file}`, 'This file is not read.', allowed));
  }
  return good;
}

function strangeFiles(dir: string, problems: ConfigProblem[]): void {
  const known = ['agents.yaml', 'owners.yaml', 'policies.yaml'];
  for (const file of list(dir).filter((name) => /\.(ya?ml|json)$/.test(name) && !known.includes(name))) {
    problems.push(fileProblem(file, 'This file is not read.', known.join(', ')));
  }
}

function list(dir: string): readonly string[] {
  try {
    return readdirSync(dir).sort();
  } catch {
    return [];
  }
}

function fileProblem(file: string, message: string, allowed?: string): ConfigProblem {
  return { file, line: 1, column: 1, path: '', message, ...(allowed ? { allowed } : {}) };
}

function readYaml(dir: string, file: string, schema: z.ZodType, problems: ConfigProblem[]): RawFile | null {
  const text = readText(join(dir, file), file, problems);
  if (text === null) return null;
  const lines = new LineCounter();
  const document = parseDocument(text, { version: '1.2', schema: 'core', uniqueKeys: true, lineCounter: lines });
  const positions: Positions = { file, contents: document.contents, lines };
  for (const fault of document.errors) {
    const { line, col } = lines.linePos(fault.pos[0]);
    const message = (fault.message.split('\n')[0] ?? 'Not valid YAML').replace(
      / at line [0-9]+, column [0-9]+:?$/,
      '.',
    );
    problems.push({ file, line, column: col, path: '', message });
  }
  problems.push(...unsafeParts(positions));
  if (document.errors.length > 0) return null;
  const raw = plainValue(() => document.toJS({ maxAliasCount: maxAliases }));
  if (raw === null) {
    problems.push(problemAt(positions, [], 'Aliases expand to too much.', `at most ${maxAliases} aliases`));
    return null;
  }
  const parsed = schema.safeParse(raw);
  if (!parsed.success) {
    const shape = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
    for (const issue of parsed.error.issues) problems.push(...schemaProblems(positions, issue, shape));
  }
  return { raw, positions };
}

/** The plain value of a document, or null where expanding its aliases goes past the bound. */
function plainValue(expand: () => unknown): unknown {
  try {
    return expand() ?? {};
  } catch {
    return null;
  }
}

function readText(path: string, file: string, problems: ConfigProblem[]): string | null {
  try {
    if (statSync(path).size > maxFileBytes) {
      problems.push(fileProblem(file, 'The file is too large.', `at most ${maxFileBytes} bytes`));
      return null;
    }
    return readFileSync(path, 'utf8');
  } catch {
    problems.push(fileProblem(file, 'The file is missing or cannot be read.'));
    return null;
  }
}

const credentialKey = /^(password|passwd|token|access_?token|refresh_?token|client_?secret|api_?key|private_?key)$/i;

/** Tags, too many aliases and literal credentials. */
function unsafeParts(positions: Positions): ConfigProblem[] {
  const found: ConfigProblem[] = [];
  let aliases = 0;
  const at = (offset: number, message: string, allowed: string): void => {
    const { line, col } = positions.lines.linePos(offset);
    found.push({ file: positions.file, line, column: col, path: '', message, allowed });
  };
  if (!positions.contents) return found;
  visit(positions.contents, (_key, node) => {
    if (isAlias(node)) aliases += 1;
    if (isNode(node) && node.tag !== undefined) {
      at(node.range?.[0] ?? 0, 'A YAML tag is not allowed.', 'plain values');
    }
    if (isScalar(node) && typeof node.value === 'string' && findSecrets(node.value).length > 0) {
      at(node.range?.[0] ?? 0, 'This looks like a credential.', 'the name of a secret in Secrets Manager');
    }
    if (isScalar(node) && _key === 'key' && credentialKey.test(String(node.value))) {
      at(node.range?.[0] ?? 0, 'A credential may not stand in the configuration.', '`secret`: the name of a secret');
    }
  });
  if (aliases > maxAliases) found.push(problemAt(positions, [], 'Too many aliases.', `at most ${maxAliases}`));
  return found;
}

function sorted(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  return [...problems].sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column);
}
