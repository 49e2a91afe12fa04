import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One resource of a template. */
export type Resource = {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly Metadata?: Readonly<Record<string, unknown>>;
  readonly Condition?: string;
};

/** A synthesised stack. */
export type StackTemplate = {
  readonly stackName: string;
  readonly resources: Readonly<Record<string, Resource>>;
  readonly outputs: Readonly<
    Record<string, { readonly Value?: unknown; readonly Export?: { readonly Name?: unknown } }>
  >;
  readonly parameters: Readonly<Record<string, { readonly Default?: unknown }>>;
  readonly mappings: Readonly<Record<string, unknown>>;
  readonly conditions: Readonly<Record<string, unknown>>;
  /** Construct path of each logical id, without the stack and without a trailing `Resource`. */
  readonly paths: Readonly<Record<string, string>>;
  /** Absolute folder of each file asset, by its hash. */
  readonly assets: Readonly<Record<string, string>>;
};

type Manifest = { readonly artifacts?: Readonly<Record<string, Artifact>> };
type Artifact = {
  readonly type: string;
  readonly displayName?: string;
  readonly dependencies?: readonly string[];
  readonly properties?: { readonly templateFile?: string; readonly stackName?: string };
  readonly metadata?: Metadata;
  readonly additionalMetadataFile?: string;
};
type Metadata = Readonly<Record<string, readonly { readonly type: string; readonly data?: unknown }[]>>;

/**
 * Reads the stacks of a synthesised app, each after the stacks it depends on. Throws where the folder is no cloud assembly.
 * @param directory such as `cdk.out`
 */
export function readCloudAssembly(directory: string): readonly StackTemplate[] {
  const file = join(directory, 'manifest.json');
  if (!existsSync(file)) throw new Error(`${file} is missing: synthesise the app first.`);
  const { artifacts = {} } = readJson<Manifest>(file);
  const order: string[] = [];
  const visit = (id: string): void => {
    if (order.includes(id)) return;
    for (const dependency of artifacts[id]?.dependencies ?? []) visit(dependency);
    order.push(id);
  };
  for (const id of Object.keys(artifacts)) visit(id);
  const stacks = order.filter((id) => artifacts[id]?.type === 'aws:cloudformation:stack');
  return stacks.map((id) => readStack(directory, id, artifacts[id] as Artifact));
}

function readStack(directory: string, id: string, artifact: Artifact): StackTemplate {
  const template = readJson<Record<string, Record<string, never> | undefined>>(
    join(directory, artifact.properties?.templateFile ?? `${id}.template.json`),
  );
  const extra = artifact.additionalMetadataFile;
  const metadata: Metadata = { ...artifact.metadata, ...(extra ? readJson<Metadata>(join(directory, extra)) : {}) };
  return {
    stackName: artifact.properties?.stackName ?? id,
    resources: template['Resources'] ?? {},
    outputs: template['Outputs'] ?? {},
    parameters: template['Parameters'] ?? {},
    mappings: template['Mappings'] ?? {},
    conditions: template['Conditions'] ?? {},
    paths: pathsOf(metadata),
    assets: assetsOf(directory, id),
  };
}

function pathsOf(metadata: Metadata): Record<string, string> {
  const paths: Record<string, string> = {};
  for (const [path, entries] of Object.entries(metadata)) {
    for (const { type, data } of entries) {
      if (type !== 'aws:cdk:logicalId' || typeof data !== 'string') continue;
      paths[data] = path
        .split('/')
        .slice(2)
        .join('/')
        .replace(/\/Resource$/, '');
    }
  }
  return paths;
}

function assetsOf(directory: string, id: string): Record<string, string> {
  const file = join(directory, `${id}.assets.json`);
  if (!existsSync(file)) return {};
  type Assets = { files?: Record<string, { source: { path: string; packaging: string } }> };
  const { files = {} } = readJson<Assets>(file);
  const folders = Object.entries(files).filter(([, { source }]) => source.packaging === 'zip');
  return Object.fromEntries(folders.map(([hash, { source }]) => [hash, join(directory, source.path)]));
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}
