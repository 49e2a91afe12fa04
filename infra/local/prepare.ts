import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { build, projectDir } from '../build.ts';
import { settingsOf } from '../settings.ts';

/** Where the synthesised apps of the stage `local` stand, with their bundles: one folder for each state of the sources. */
const assembliesDir = join(projectDir, 'dist', 'local');
/** Older ones are deleted; a deployment that runs may still start processes from its own. */
const keptAssemblies = 6;

const lockDir = join(projectDir, 'dist', 'local.lock');
const inputs = ['shared', 'functions', 'config', 'infra', 'package-lock.json', 'cdk.json', 'tsconfig.json'];

/**
 * Builds every function and synthesises the stage `local`, unless nothing of what they are made of has changed, and returns the
 * folder of the assembly, which nothing changes any more: a running deployment keeps its own while a later one is made. Two
 * processes at once do it one after the other. Throws what build and synthesis throw: mistakes in config/ among them.
 */
export async function prepare(): Promise<string> {
  mkdirSync(assembliesDir, { recursive: true });
  await lock();
  try {
    const assembly = join(assembliesDir, stampOf(inputs).slice(0, 16));
    if (existsSync(join(assembly, 'manifest.json'))) return assembly;
    const unfinished = `${assembly}.unfinished`;
    rmSync(unfinished, { recursive: true, force: true });
    await build();
    // The CDK takes a second to load; it is not needed where nothing has changed.
    const { synthesize } = await import('../synthesize.ts');
    synthesize({ settings: settingsOf('local'), outdir: unfinished, validation: false });
    renameSync(unfinished, assembly);
    deleteOld();
    return assembly;
  } finally {
    rmSync(lockDir, { recursive: true, force: true });
  }
}

function deleteOld(): void {
  const age = (name: string) => statSync(join(assembliesDir, name)).mtimeMs;
  const byAge = readdirSync(assembliesDir).sort((a, b) => age(b) - age(a));
  for (const name of byAge.slice(keptAssemblies)) rmSync(join(assembliesDir, name), { recursive: true, force: true });
}

function stampOf(paths: readonly string[]): string {
  const hash = createHash('sha256').update(projectDir);
  const visit = (path: string): void => {
    const full = join(projectDir, path);
    if (statSync(full).isDirectory()) {
      for (const name of readdirSync(full).sort()) if (path !== 'infra' || name !== 'local') visit(join(path, name));
    } else hash.update(`\0${path}\0`).update(readFileSync(full));
  };
  for (const path of paths) visit(path);
  return hash.digest('hex');
}

async function lock(): Promise<void> {
  for (;;) {
    try {
      mkdirSync(lockDir);
      writeFileSync(join(lockDir, 'pid'), String(process.pid));
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (!holderLives()) rmSync(lockDir, { recursive: true, force: true });
    else await wait(100);
  }
}

function holderLives(): boolean {
  const file = join(lockDir, 'pid');
  // The holder writes its id right after it made the folder.
  if (!existsSync(file)) return existsSync(lockDir) && Date.now() - statSync(lockDir).mtimeMs < 5000;
  try {
    process.kill(Number(readFileSync(file, 'utf8')), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
