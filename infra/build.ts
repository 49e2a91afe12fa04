import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as esbuild, type Metafile, type Plugin } from 'esbuild';
import { rules } from '../config/rules/index.ts';
import { loadConfig } from '../shared/config/load.ts';
import type { PlumblineConfig } from '../shared/config/schema.ts';
import { connectorNames, loadFeeds } from '../shared/connectors/registry.ts';
import type { ToolIndex } from '../shared/tools/catalog.ts';
import { checkTools, loadTools } from '../shared/tools/list.ts';
import { loadOperations } from '../shared/tools/operations.ts';
import { schemeNames } from '../shared/webhooks/schemes.ts';
import { functions } from './functions.ts';

/** The project's folder. */
export const projectDir = resolve(fileURLToPath(import.meta.url), '../..');

/** What to build; every part has a default. */
export type BuildOptions = {
  /** Names of functions; all of infra/functions.ts by default. */
  readonly only?: readonly string[];
  /** Where `<function>/` and `meta/` go; dist/ by default. */
  readonly outDir?: string;
  /** The configuration that is validated and copied beside every bundle; config/ by default. */
  readonly configDir?: string;
};

/** One bundle. Static bytes are read at start: the entry and every chunk it imports statically. */
export type Bundle = {
  readonly name: string;
  readonly dir: string;
  readonly metafile: Metafile;
  readonly entryBytes: number;
  readonly staticBytes: number;
  readonly allBytes: number;
};

/** What `build` made. */
export type BuildResult = { readonly bundles: readonly Bundle[]; readonly config: PlumblineConfig };

/** A mistake of the person who builds: told without a stack. */
export class BuildError extends Error {
  override readonly name = 'BuildError';
}

/**
 * The one build: validates config/, then bundles every function of infra/functions.ts into `<outDir>/<function>/` as ESM
 * with split chunks and `config.json` beside it, and writes esbuild's metafiles to `<outDir>/meta/`.
 * The same bundles run on one machine and are deployed. Throws `BuildError` where the configuration or an entry is wrong;
 * then nothing of `outDir` was changed.
 */
export async function build(options: BuildOptions = {}): Promise<BuildResult> {
  const outDir = resolve(projectDir, options.outDir ?? 'dist');
  const names = options.only ?? functions.map(({ name }) => name);
  requireEntries(names);
  const config = await readConfig(resolve(projectDir, options.configDir ?? 'config'));
  const built = await Promise.all(names.map((name) => bundle(name, outDir)));
  const configText = JSON.stringify(config);
  await mkdir(join(outDir, 'meta'), { recursive: true });
  await Promise.all(built.map(({ files, made }) => write(files, made, configText, outDir)));
  return { bundles: built.map(({ made }) => made), config };
}

function requireEntries(names: readonly string[]): void {
  const missing = names.filter((name) => !existsSync(join(projectDir, 'functions', `${name}.ts`)));
  if (missing.length === 0) return;
  const files = missing.map((name) => `functions/${name}.ts`).join(', ');
  throw new BuildError(`infra/functions.ts names functions whose entry is missing: ${files}.`);
}

async function readConfig(dir: string): Promise<PlumblineConfig> {
  const { tools: index } = (await import('../config/tools/index.ts')) as { tools: ToolIndex };
  const tools = await loadTools(index);
  const known = tools.map(({ name, effect, input }) => ({ name, effect, inputs: Object.keys(input.shape) }));
  const offered = connectorNames.map(async (name) => [name, Object.keys(await loadFeeds(name))] as const);
  const feeds = Object.fromEntries(await Promise.all(offered));
  const names = { connectors: connectorNames, schemes: schemeNames, rules: Object.keys(rules) };
  const result = loadConfig(dir, { tools: known, feeds, ...names });
  if (result.kind === 'ok') {
    checkTools({ config: result.config, operations: await loadOperations(result.config.systems) }, tools);
    return result.config;
  }
  const place = relative(process.cwd(), dir) || '.';
  const lines = result.problems.map(({ file, line, column, path, message, allowed }) => {
    const where = `${place}/${file}:${line}:${column}${path ? ` ${path}` : ''}`;
    return `  ${where}: ${message}${allowed ? ` Allowed: ${allowed}` : ''}`;
  });
  const count = lines.length === 1 ? 'one problem' : `${lines.length} problems`;
  throw new BuildError(`The configuration has ${count}; nothing was built:\n${lines.join('\n')}`);
}

type OutputFile = { readonly path: string; readonly contents: Uint8Array };

/** `import { tools } from 'plumbline:tools'`: the index of config/tools/index.ts. */
const toolsModule: Plugin = {
  name: 'plumbline-tools',
  setup(setup) {
    setup.onResolve({ filter: /^plumbline:tools$/ }, () => ({ path: join(projectDir, 'config/tools/index.ts') }));
  },
};

/**
 * Parts of the SDK that no function of ours asks, and what stands in their place. Lambda gives credentials by environment, so
 * profiles, sign-on and containers are never looked at; DynamoDB's client makes a cache of endpoints and never reads it.
 */
const neverAsked = [
  {
    filter: /@aws-sdk\/credential-provider-node\/dist-es\/index\.js$/,
    contents: "export { fromEnv as defaultProvider } from '@aws-sdk/credential-provider-env';",
  },
  { filter: /@aws-sdk\/endpoint-cache\/dist-es\/index\.js$/, contents: 'export class EndpointCache {}' },
] as const;

const withoutUnusedParts: Plugin = {
  name: 'without-unused-parts',
  setup(setup) {
    for (const { filter, contents } of neverAsked) {
      setup.onLoad({ filter }, ({ path }) => ({ contents, resolveDir: dirname(path) }));
    }
  },
};

/** An import of node:process reads all its exports, some 6 ms; the SDK wants two of them. Another one would not build. */
const processByName: Plugin = {
  name: 'process-by-name',
  setup(setup) {
    setup.onResolve({ filter: /^node:process$/ }, () => ({ path: 'process', namespace: 'process-by-name' }));
    setup.onLoad({ filter: /.*/, namespace: 'process-by-name' }, () => ({
      contents: 'export const { env, versions } = process;',
    }));
  },
};

async function bundle(name: string, outDir: string): Promise<{ files: readonly OutputFile[]; made: Bundle }> {
  const dir = join(outDir, name);
  const { outputFiles, metafile } = await esbuild({
    absWorkingDir: projectDir,
    entryPoints: [{ in: join('functions', `${name}.ts`), out: 'index' }],
    outdir: dir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    write: false,
    format: 'esm',
    splitting: true,
    minify: true,
    platform: 'node',
    target: 'node22',
    mainFields: ['module', 'main'],
    // Packages in CommonJS call require() for Node's own modules.
    banner: {
      js: "import{createRequire as makeNodeRequire}from'node:module';const require=makeNodeRequire(import.meta.url);",
    },
    legalComments: 'none',
    metafile: true,
    logLevel: 'silent',
    plugins: [toolsModule, withoutUnusedParts, processByName],
  }).catch((error: unknown) => {
    throw new BuildError(`functions/${name}.ts cannot be built: ${error instanceof Error ? error.message : error}`);
  });
  return { files: outputFiles, made: { name, dir, metafile, ...sizes(metafile) } };
}

function sizes(metafile: Metafile): Pick<Bundle, 'entryBytes' | 'staticBytes' | 'allBytes'> {
  const { outputs } = metafile;
  const entry = Object.keys(outputs).find((path) => basename(path) === 'index.mjs') ?? '';
  const seen = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path) || !outputs[path]) return;
    seen.add(path);
    for (const imported of outputs[path].imports) if (imported.kind === 'import-statement') visit(imported.path);
  };
  visit(entry);
  const bytes = (paths: Iterable<string>) => [...paths].reduce((sum, path) => sum + (outputs[path]?.bytes ?? 0), 0);
  return { entryBytes: bytes([entry]), staticBytes: bytes(seen), allBytes: bytes(Object.keys(outputs)) };
}

async function write(files: readonly OutputFile[], made: Bundle, configText: string, outDir: string): Promise<void> {
  await mkdir(made.dir, { recursive: true });
  await Promise.all(files.map(({ path, contents }) => writeFile(path, contents)));
  await writeFile(join(made.dir, 'config.json'), configText);
  await writeFile(join(outDir, 'meta', `${made.name}.json`), JSON.stringify(made.metafile));
  const folder = functions.find(({ name }) => name === made.name)?.folder;
  if (folder !== undefined) await cp(join(projectDir, folder), join(made.dir, folder), { recursive: true });
  // Chunks of an earlier build would be deployed with this one.
  const kept = new Set(['config.json', folder, ...files.map(({ path }) => basename(path))]);
  const stale = (await readdir(made.dir)).filter((file) => !kept.has(file));
  await Promise.all(stale.map((file) => rm(join(made.dir, file), { recursive: true })));
}

/** One line a bundle: what is read at start, and all of it. */
export function sizeLines({ bundles }: BuildResult): readonly string[] {
  const kb = (bytes: number) => `${(bytes / 1000).toFixed(0)} KB`.padStart(7);
  return bundles.map(
    ({ name, staticBytes, allBytes }) => `${name.padEnd(14)} ${kb(staticBytes)} at start ${kb(allBytes)} in all`,
  );
}

if (import.meta.main) {
  const startedMs = performance.now();
  try {
    const result = await build();
    for (const line of sizeLines(result)) console.log(line);
    console.log(`built dist/ in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
