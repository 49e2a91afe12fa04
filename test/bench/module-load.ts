import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { median } from './measure.ts';

/** Bytes of all JavaScript files of a bundle, and the median milliseconds of importing it in fresh processes. */
export type BundleFigures = { readonly bytes: number; readonly staticBytes: number; readonly loadMs: number };

/** Measures a built bundle: `entry` is its `index.mjs`. Imported with the environment given, which a handler may validate at start. */
export async function measureBundle(entry: string, env: Record<string, string>, runs = 20): Promise<BundleFigures> {
  const script = `const t=performance.now();await import(${JSON.stringify(pathToFileURL(entry).href)});process.stdout.write('\\n'+String(performance.now()-t));process.exit(0)`;
  const samples: number[] = [];
  for (let i = 0; i < runs; i += 1) {
    // In a process of its own, one after the other; this one may serve what the bundle asks for while it loads.
    const run = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      env: { PATH: process.env['PATH'] ?? '', ...env },
    });
    samples.push(Number(run.stdout.trim().split('\n').at(-1)));
  }
  const folder = join(entry, '..');
  const files = readdirSync(folder).filter((file) => file.endsWith('.mjs'));
  const bytes = files.reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
  return { bytes, staticBytes: bytes, loadMs: median(samples) };
}

/** Builds a source text the way our functions are built and measures it. */
export async function measureSource(source: string): Promise<BundleFigures> {
  const outdir = mkdtempSync(join(tmpdir(), 'bench-'));
  try {
    await build({
      stdin: { contents: source, resolveDir: process.cwd(), loader: 'ts' },
      outdir,
      bundle: true,
      minify: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node22',
      mainFields: ['module', 'main'],
      outExtension: { '.js': '.mjs' },
      banner: { js: "import{createRequire as __r}from'node:module';const require=__r(import.meta.url);" },
      entryNames: 'index',
      logLevel: 'error',
    });
    return await measureBundle(join(outdir, 'index.mjs'), { AWS_REGION: 'eu-central-1' });
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}
