import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

// Every vendor's own client against our simulator of that vendor, each in a process of its own.
const here = import.meta.dirname;
const scripts = readdirSync(here).filter((file) => file.endsWith('.mjs') && !['run.mjs', 'check.mjs'].includes(file));
const failed = scripts.filter(
  (file) => spawnSync(process.execPath, [`${here}/${file}`], { stdio: 'inherit' }).status !== 0,
);
console.log(failed.length === 0 ? `${scripts.length} clients work` : `Not as the vendor's client expects: ${failed}`);
process.exitCode = failed.length === 0 ? 0 : 1;
