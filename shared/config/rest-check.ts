import type { Json } from '../model/json.ts';
import { type ConfigProblem, type Positions, problemAt } from './problems.ts';
import { namesKey, textsIn } from './rest-template.ts';

type Fields = Readonly<Record<string, unknown>>;
type At = readonly PropertyKey[];

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

const words = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];

/** What one system says of itself that cannot be so: a rest block and its parts that do not fit together. */
export function restProblems(file: { readonly raw: unknown; readonly positions: Positions }): ConfigProblem[] {
  const { connector, origin, rest } = fields(file.raw);
  const say = (at: At, message: string, allowed?: string) => problemAt(file.positions, at, message, allowed);
  if (connector !== 'rest') {
    return rest === undefined ? [] : [say(['rest'], 'belongs to the connector rest only.', 'connector: rest')];
  }
  const found: ConfigProblem[] = [];
  if (origin === undefined) found.push(say(['connector'], 'needs the origin of the system.', 'origin: https://...'));
  if (rest === undefined)
    return [...found, say(['connector'], 'needs a description of the API.', 'rest: with operations')];
  const operations = Object.entries(fields(fields(rest).operations)).map(([name, raw]) => [name, fields(raw)] as const);
  return [
    ...found,
    ...accountProblems(fields(file.raw), operations, say),
    ...operations.flatMap(([name, operation]) =>
      operation.kind === 'write'
        ? writeProblems(name, operation, new Map(operations), say)
        : readProblems(name, operation, operations, say),
    ),
    ...probeProblems(fields(rest).schemaProbe, new Map(operations), say),
  ];
}

type Say = (at: At, message: string, allowed?: string) => ConfigProblem;
type Operations = readonly (readonly [string, Fields])[];

function accountProblems(system: Fields, operations: Operations, say: Say): ConfigProblem[] {
  const { whoAmI } = fields(system.rest);
  const writes = operations.some(([, { kind }]) => kind === 'write');
  if (whoAmI === undefined) {
    const allowed = 'whoAmI: with the path of any read whose answer names the account, or tells test from production';
    return writes ? [say(['rest'], 'A system that is written to must be asked who it is.', allowed)] : [];
  }
  const { path, query, identity } = fields(whoAmI);
  const asked = Object.keys(fields(identity));
  const wanting = needsInput({ path, query } as Json)
    ? [say(['rest', 'whoAmI'], 'is asked without any input.', 'a plain path and query')]
    : [];
  return [
    ...wanting,
    ...Object.keys(fields(system.account))
      .filter((name) => name !== 'is' && !asked.includes(name))
      .map((name) => say(['account', name], 'is not asked for by rest.whoAmI.identity.', asked.join(', ') || 'is')),
  ];
}

function readProblems(name: string, read: Fields, operations: Operations, say: Say): ConfigProblem[] {
  const isLookup = operations.some(([, operation]) => fields(operation.resend).lookup === name);
  if (isLookup || !namesKey({ query: read.query ?? null, body: read.body ?? null } as Json)) return [];
  const message = 'A read knows the key of an action only where a write names it as its lookup.';
  return [say(['rest', 'operations', name], message, '{input.name}')];
}

function writeProblems(
  name: string,
  write: Fields,
  operations: ReadonlyMap<string, Fields>,
  say: Say,
): ConfigProblem[] {
  const at = ['rest', 'operations', name] as const;
  const { lookup, by, readBack, gone } = fields(write.resend);
  const found: ConfigProblem[] = [];
  const reads = (shape: 'rows' | 'record') =>
    [...operations].filter(([, read]) => read.kind === 'read' && read[shape] !== undefined).map(([read]) => read);
  const mustRead = (key: string, named: unknown, shape: 'rows' | 'record') => {
    if (named === undefined || reads(shape).includes(String(named))) return;
    found.push(
      say([...at, 'resend', key], `must name a read with \`${shape}\`.`, reads(shape).join(', ') || 'none is there'),
    );
  };
  mustRead('lookup', lookup, 'rows');
  mustRead('readBack', readBack, 'record');
  mustRead('gone', gone, 'record');
  if (lookup !== undefined) found.push(...lookupProblems(at, write, operations.get(String(lookup)), by, say));
  if (readBack !== undefined) found.push(...writesProblems(at, write, operations.get(String(readBack)), say));
  const undo = fields(write.undo).operation;
  if (undo !== undefined && operations.get(String(undo))?.kind !== 'write') {
    const writes = [...operations].filter(([, { kind }]) => kind === 'write').map(([other]) => other);
    found.push(say([...at, 'undo', 'operation'], 'must name a write.', writes.join(', ')));
  }
  return found;
}

/** A lookup finds what we wrote: the write must carry the key, and the read must show it. */
function lookupProblems(at: At, write: Fields, read: Fields | undefined, by: unknown, say: Say): ConfigProblem[] {
  const found: ConfigProblem[] = [];
  if (!namesKey({ body: write.body ?? null, form: write.form ?? null, query: write.query ?? null } as Json)) {
    found.push(
      say(
        [...at, 'resend'],
        'A lookup finds the key of the action, which this write does not carry.',
        '{key} in body, form or query',
      ),
    );
  }
  const shown = words(read?.fields);
  if (read && !shown.includes(String(by))) {
    found.push(say([...at, 'resend', 'by'], 'is no field of the read that looks it up.', shown.join(', ')));
  }
  return found;
}

function writesProblems(at: At, write: Fields, read: Fields | undefined, say: Say): ConfigProblem[] {
  const shown = [...words(read?.fields), ...words(read?.maybe)];
  const written = Object.keys(fields(write.writes));
  if (written.length === 0) {
    return [
      say(
        [...at, 'resend'],
        'To compare a record, `writes` must name the fields that are set.',
        'writes: { field: "{input.name}" }',
      ),
    ];
  }
  if (!read) return [];
  return written
    .filter((field) => !shown.includes(field))
    .map((field) => say([...at, 'writes', field], 'is no field of the read that compares it.', shown.join(', ')));
}

function probeProblems(probe: unknown, operations: ReadonlyMap<string, Fields>, say: Say): ConfigProblem[] {
  if (probe === undefined) return [];
  const read = operations.get(String(probe));
  const usable = [...operations]
    .filter(([, { kind, path, query }]) => kind === 'read' && !needsInput({ path, query } as Json))
    .map(([name]) => name);
  if (read && usable.includes(String(probe))) return [];
  return [say(['rest', 'schemaProbe'], 'must name a read that needs no input.', usable.join(', ') || 'none is there')];
}

function needsInput(value: Json): boolean {
  return textsIn(value).some((text) => /\{(?:input\.[A-Za-z0-9_]+|key)\}/.test(text));
}
