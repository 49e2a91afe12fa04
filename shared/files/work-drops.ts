import type { FileConfig } from '../config/file-schema.ts';
import { type FileDeps, fileId, workFile } from './work-file.ts';

/** Where dropped files stand in the payload bucket. */
export const dropPrefix = 'files/';

/** Kept at the end of an invocation for the row under way and the cursor, milliseconds. */
const reserveMs = 22_000;

/**
 * Makes the worker of dropped files: every round looks at every source, and works on its open files in the order of their
 * names. Nothing announces a file: the list of the bucket is the truth, so no announcement can be lost.
 */
export function dropWorker(deps: FileDeps) {
  /** Files that are settled: never asked about again in this process. */
  const settled = new Set<string>();
  return async (remainingMs: number): Promise<void> => {
    const untilMs = deps.kernel.clock.now() + remainingMs - reserveMs;
    const sources = Object.entries(deps.config.files);
    const rounds = await Promise.allSettled(
      sources.map(([source, config]) => workSource(deps, { source, config, untilMs, settled })),
    );
    const faults = rounds.flatMap((round) => (round.status === 'rejected' ? [round.reason as unknown] : []));
    for (const fault of faults) deps.log.error('the files of a source could not be worked on', {}, fault);
    if (faults.length > 0) throw faults[0];
  };
}

type SourceRound = {
  readonly source: string;
  readonly config: FileConfig;
  readonly untilMs: number;
  readonly settled: Set<string>;
};

async function workSource(deps: FileDeps, { source, config, untilMs, settled }: SourceRound): Promise<void> {
  for await (const file of deps.drops.list(`${dropPrefix}${config.prefix}`)) {
    if (deps.kernel.clock.now() >= untilMs) return;
    // What ends in a slash is a folder that somebody made in a console.
    if (file.key.endsWith('/') || settled.has(fileId(file))) continue;
    const progress = await workFile(deps, { source, config, file, untilMs });
    if (progress === 'settled') settled.add(fileId(file));
  }
}
