import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { build, projectDir } from '../build.ts';
import { settingsOf } from '../settings.ts';

/** Where the bundles and the synthesised app of the stage `local` stand. */
export const assemblyDir = join(projectDir, 'dist', 'local');

const stampFile = join(projectDir, 'dist', 'local.inputs');
const lockDir = join(projectDir, 'dist', 'local.lock');
const inputs = ['shared', 'functions', 'config', 'infra', 'package-lock.json', 'cdk.json', 'tsconfig.json'];

/**
 * Builds every function and synthesises the stage `local`, unless nothing of what they are made of has changed. Two processes
 * at once do it one after the other. Throws what the build and the synthesis throw: mistakes in config/ among them.
 */
export async function prepare(): Promise<{ readonly built: boolean }> {
  mkdirSync(join(projectDir, 'dist'), { recursive: true });
  await lock();
  try {
    const stamp = stampOf(inputs);
    const known = existsSync(stampFile) ? readFileSync(stampFile, 'utf8') : '';
    if (known === stamp && existsSync(join(assemblyDir, 'manifest.json'))) return { built: false };
    rmSync(stampFile, { force: true });
    await build();
    rmSync(assemblyDir, { recursive: true, force: true });
    // The CDK takes a second to load; it is not needed where nothing has changed.
    const { synthesize } = await import('../synthesize.ts');
    synthesize({ settings: settingsOf('local'), outdir: assemblyDir, validation: false });
    writeFileSync(stampFile, stamp);
    return { built: true };
  } finally {
    rmSync(lockDir, { recursive: true, force: true });
  }
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
