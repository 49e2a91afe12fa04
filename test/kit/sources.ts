import { globSync, readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { projectDir } from '../../infra/build.ts';

/** Which file uses which by value: types are erased, packages keep their name. Paths are relative to the project. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/** Every TypeScript file of these folders, relative to the project. */
export function sourceFiles(...folders: readonly string[]): readonly string[] {
  const found = folders.flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: projectDir }));
  return found.filter((file) => !file.includes('node_modules')).sort();
}

/** The text of one file. */
export function sourceText(file: string): string {
  return readFileSync(`${projectDir}/${file}`, 'utf8');
}

/** Leaves every import as it is, but names relative ones by their file in the project. */
const byFile: Plugin = {
  name: 'by-file',
  setup(setup) {
    setup.onResolve({ filter: /.*/ }, ({ kind, path, resolveDir }) => {
      if (kind === 'entry-point') return null;
      return { path: path.startsWith('.') ? relative(projectDir, resolve(resolveDir, path)) : path, external: true };
    });
  },
};

/** What these files import by value, as esbuild parses them. */
export async function importGraph(files: readonly string[]): Promise<ImportGraph> {
  const { metafile } = await build({
    absWorkingDir: projectDir,
    entryPoints: [...files],
    outdir: 'unused',
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    metafile: true,
    logLevel: 'silent',
    plugins: [byFile],
  });
  // An external import is listed with what is left of it in the output.
  return new Map(
    Object.values(metafile.outputs).flatMap(({ entryPoint, imports }) =>
      entryPoint === undefined ? [] : [[entryPoint, imports.map(({ path }) => path)] as const],
    ),
  );
}

/** The cycles of a graph, each told once by the files on it. */
export function cyclesOf(graph: ImportGraph): readonly string[] {
  const done = new Set<string>();
  const path: string[] = [];
  const found: string[] = [];
  const visit = (file: string): void => {
    const at = path.indexOf(file);
    if (at >= 0) found.push([...path.slice(at), file].join(' -> '));
    if (at >= 0 || done.has(file)) return;
    path.push(file);
    for (const imported of graph.get(file) ?? []) if (graph.has(imported)) visit(imported);
    path.pop();
    done.add(file);
  };
  for (const file of graph.keys()) visit(file);
  return found;
}

/** A function or method and how many lines it has, from its first line to its closing brace. */
export type FunctionLength = { readonly at: string; readonly lines: number };

const opener =
  /^(\s*)(export )?(default )?(async )?(function\b|(const|let) \w+ = .*(=>|function).*\{$|\w+\(.*\{$|.*=> \{$)/;

/**
 * Lengths of functions as Biome formats them: the line that opens one ends with a brace, and the brace that closes it is the
 * next one at the same indentation. Signatures over several lines begin with `function` or `(`.
 */
export function functionLengths(file: string): readonly FunctionLength[] {
  const lines = sourceText(file).split('\n');
  return lines.flatMap((line, start) => {
    if (!opener.test(line) || /^\s*(if|for|while|switch|catch|return|else|\}|\/\/|\*)/.test(line)) return [];
    const indent = /^\s*/.exec(line)?.[0] ?? '';
    const isEnd = (text: string, i: number) =>
      i > start && text.startsWith(`${indent}}`) && !/^\s*\} ?\)?.*\{$/.test(text);
    const end = lines.findIndex(isEnd);
    return end < 0 ? [] : [{ at: `${file}:${start + 1}`, lines: end - start + 1 }];
  });
}
