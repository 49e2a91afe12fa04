import type { Log } from './log.ts';

/**
 * Runs independent pieces of work side by side, so that one that fails stops no other, and names those that failed.
 * Throws the first fault after all have ended: the invocation counts as failed and its alarm rings.
 */
export async function eachOf(log: Log, work: Readonly<Record<string, () => Promise<unknown>>>): Promise<void> {
  const faults: unknown[] = [];
  await Promise.all(
    Object.entries(work).map(async ([operation, run]) => {
      try {
        await run();
      } catch (fault) {
        log.error('a piece of the work failed', { operation }, fault);
        faults.push(fault);
      }
    }),
  );
  if (faults.length > 0) throw faults[0];
}
