import { gathering } from '../action/gather.ts';
import { seated } from '../action/many.ts';
import { makeAttempt, type SystemDeps } from './attempt.ts';
import { makeBatching } from './batch.ts';
import type { CallDeps } from './call-deps.ts';

/**
 * Runs several pieces of work at once, each with at most one tool call, and lets their writes share requests: rows of a file,
 * repairs of a page. Every call passes the whole pipeline by itself and has an answer of its own; one that is a read, a replay
 * or refused holds up nobody. All of it is under way at a time, so that the caller bounds memory by how much it gives.
 * @param works each gets the dependencies its call must use
 * @returns one settled result for each, in order; rejected is what threw, and the others are not touched by it
 */
export async function together<D extends CallDeps, T>(
  deps: D,
  works: readonly ((own: D) => Promise<T>)[],
): Promise<readonly PromiseSettledResult<T>[]> {
  const system: SystemDeps = { ...deps, systems: deps.config.systems };
  const { seat } = gathering({ attempt: makeAttempt(system) }, makeBatching(system), works.length);
  return Promise.all(
    works.map((work) => seated(seat(), (own) => work({ ...deps, kernel: { ...deps.kernel, seat: own } }))),
  );
}
