import type { StackTemplate } from './cloud-assembly.ts';

/** What a resource is called on this machine: its `Ref` and its attributes; an unknown attribute is undefined. */
export type LocalIdentity = { readonly ref: string; attribute(name: string): string | undefined };

/** Resolves the intrinsic functions of one stack. */
export type Resolver = {
  resolve(value: unknown): unknown;
  text(value: unknown): string;
};

/** What resolving needs beside the stack. */
export type ResolverDeps = {
  readonly stack: StackTemplate;
  readonly region: string;
  readonly account: string;
  identityOf(logicalId: string): LocalIdentity;
  /** The value that another stack exports under a name, or gives as an output. */
  exported(name: string): string;
  output(stackName: string, outputName: string): string;
};

/** Creates the resolver of one stack. It throws on what it does not know, instead of passing it on. */
export function createResolver(deps: ResolverDeps): Resolver {
  const resolve = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(resolve).filter((one) => one !== undefined);
    if (typeof value !== 'object' || value === null) return value;
    const [[name = '', argument] = [], ...others] = Object.entries(value);
    if (others.length === 0 && (name === 'Ref' || name.startsWith('Fn::'))) return call(name, argument);
    const entries = Object.entries(value).map(([key, inner]) => [key, resolve(inner)] as const);
    return Object.fromEntries(entries.filter(([, inner]) => inner !== undefined));
  };
  const text = (value: unknown): string => {
    const resolved = resolve(value);
    if (typeof resolved === 'string') return resolved;
    if (typeof resolved === 'number' || typeof resolved === 'boolean') return String(resolved);
    throw new Error(`${deps.stack.stackName}: a text was expected instead of ${JSON.stringify(value)}.`);
  };
  const list = (value: unknown): readonly unknown[] => {
    const resolved = resolve(value);
    if (Array.isArray(resolved)) return resolved;
    throw new Error(`${deps.stack.stackName}: a list was expected instead of ${JSON.stringify(value)}.`);
  };
  const functions = intrinsicFunctions(deps, { resolve, text, list });
  const call = (name: string, argument: unknown): unknown => {
    const run = functions[name];
    if (run === undefined) throw new Error(`${deps.stack.stackName}: the local target does not know ${name}.`);
    return run(argument);
  };
  return { resolve, text };
}

type Reads = {
  readonly resolve: (value: unknown) => unknown;
  readonly text: (value: unknown) => string;
  readonly list: (value: unknown) => readonly unknown[];
};

function intrinsicFunctions(
  deps: ResolverDeps,
  { resolve, text, list }: Reads,
): Readonly<Record<string, (argument: unknown) => unknown>> {
  return {
    Ref: (argument) => reference(deps, text(argument)),
    'Fn::GetAtt': (argument) =>
      attribute(deps, typeof argument === 'string' ? argument.split('.') : (argument as string[])),
    'Fn::Join': (argument) => {
      const [separator, parts] = argument as [string, unknown];
      return list(parts).map(text).join(separator);
    },
    'Fn::Sub': (argument) => substitute(deps, argument, text),
    'Fn::Select': (argument) => list((argument as unknown[])[1])[Number((argument as unknown[])[0])],
    'Fn::Split': (argument) => text((argument as unknown[])[1]).split(text((argument as unknown[])[0])),
    'Fn::ImportValue': (argument) => deps.exported(text(argument)),
    'Fn::GetStackOutput': (argument) => {
      const { StackName, OutputName } = argument as Record<string, unknown>;
      return deps.output(text(StackName), text(OutputName));
    },
    'Fn::Base64': (argument) => Buffer.from(text(argument)).toString('base64'),
    'Fn::FindInMap': (argument) => findInMap(deps, list(argument).map(text)),
    'Fn::If': (argument) => {
      const [condition, yes, no] = argument as [string, unknown, unknown];
      return resolve(conditionHolds(deps.stack, text, deps.stack.conditions[condition]) ? yes : no);
    },
  };
}

function conditionHolds(stack: StackTemplate, text: Reads['text'], condition: unknown): boolean {
  const holds = (one: unknown) => conditionHolds(stack, text, one);

  const [[name = '', argument] = []] = Object.entries(condition ?? {}) as [string, unknown[]][];
  if (name === 'Fn::Equals') return text(argument?.[0]) === text(argument?.[1]);
  if (name === 'Fn::Not') return !holds(argument?.[0]);
  if (name === 'Fn::And') return (argument ?? []).every(holds);
  if (name === 'Fn::Or') return (argument ?? []).some(holds);
  if (name === 'Condition') return holds(stack.conditions[String(argument)]);
  throw new Error(`${stack.stackName}: the local target does not know the condition ${JSON.stringify(condition)}.`);
}

function reference(deps: ResolverDeps, name: string): unknown {
  const pseudo: Readonly<Record<string, string>> = {
    'AWS::Region': deps.region,
    'AWS::AccountId': deps.account,
    'AWS::Partition': 'aws',
    'AWS::URLSuffix': 'amazonaws.com',
    'AWS::StackName': deps.stack.stackName,
    'AWS::StackId': `arn:aws:cloudformation:${deps.region}:${deps.account}:stack/${deps.stack.stackName}/local`,
  };
  if (name === 'AWS::NoValue') return undefined;
  if (Object.hasOwn(pseudo, name)) return pseudo[name];
  if (Object.hasOwn(deps.stack.resources, name)) return deps.identityOf(name).ref;
  const parameter = deps.stack.parameters[name];
  if (parameter?.Default !== undefined) return parameter.Default;
  throw new Error(`${deps.stack.stackName}: ${name} is no resource, and no parameter with a default.`);
}

function attribute(deps: ResolverDeps, [logicalId = '', ...rest]: readonly string[]): string {
  const name = rest.join('.');
  const value = deps.identityOf(logicalId).attribute(name);
  if (value !== undefined) return value;
  const type = deps.stack.resources[logicalId]?.Type;
  throw new Error(`${deps.stack.stackName}: the local target does not know ${name} of ${logicalId} (${type}).`);
}

function substitute(deps: ResolverDeps, argument: unknown, text: (value: unknown) => string): string {
  const [template, values] = (Array.isArray(argument) ? argument : [argument, {}]) as [string, Record<string, unknown>];
  return template.replace(/\$\{([^!}][^}]*)\}/g, (_all, name: string) => {
    if (Object.hasOwn(values, name)) return text(values[name]);
    return name.includes('.') ? attribute(deps, name.split('.')) : text({ Ref: name });
  });
}

function findInMap(deps: ResolverDeps, path: readonly string[]): unknown {
  const found = path.reduce<unknown>(
    (at, key) => (at as Record<string, unknown> | undefined)?.[key],
    deps.stack.mappings,
  );
  if (found === undefined) throw new Error(`${deps.stack.stackName}: no mapping ${path.join('.')}.`);
  return found;
}
