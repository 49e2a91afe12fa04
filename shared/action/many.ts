import type { Applied } from './driver.ts';
import { execute } from './execute.ts';
import { gathering } from './gather.ts';
import { type ResolveInput, workOn } from './resolve.ts';
import type { Batching, ClaimRequest, Executed, KernelDeps, Seat } from './types.ts';

/** What several actions at once need beside what one needs. */
export type ManyDeps = KernelDeps & { readonly batching: Batching };

/** Shared requests of one call that are under way at a time. */
const atOnce = 4;

/**
 * Executes many intended effects, each exactly as {@link execute} does and with an outcome of its own, in as few requests to
 * their systems as their connectors' batch forms allow: n of one operation and group in at most ceil(n / maxItems). Each costs
 * what it costs alone: two conditional writes. What the time of a request does not suffice for is claimed and left to the
 * worker of due actions.
 * @returns one settled result for each request, in order; rejected (`store_unavailable`) is one that could not be claimed and
 * of which nothing was sent. The others are not touched by it.
 */
export async function executeMany(
  deps: ManyDeps,
  requests: readonly ClaimRequest[],
): Promise<readonly PromiseSettledResult<Executed>[]> {
  const results: Promise<PromiseSettledResult<Executed>>[] = [];
  const groups = deps.batching.plan(requests.map(({ call }) => call)).values();
  const lane = async () => {
    for (const group of groups) {
      const { seat, sent } = gathering(deps, deps.batching, group.length);
      for (const at of group) {
        results[at] = seated(seat(), (own) => execute({ ...deps, seat: own }, requests[at] as ClaimRequest));
      }
      // Losers of a race wait for their winners while the next ones go on.
      await sent;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return Promise.all(results);
}

/**
 * One step for each of many waiting actions, as {@link workOn} does it; those that are attempted now share requests. What is
 * read back meanwhile holds up nobody.
 * @returns one settled result for each, in order; rejected is one that the due index finds again
 */
export async function workMany(
  deps: ManyDeps,
  inputs: readonly ResolveInput[],
): Promise<readonly PromiseSettledResult<Applied>[]> {
  const { seat } = gathering(deps, deps.batching, inputs.length);
  return Promise.all(
    inputs.map((input) => {
      return seated(seat(), (own) =>
        workOn({ ...deps, seat: own }, { ...input, probeFor: leavingFirst(own, input.probeFor) }),
      );
    }),
  );
}

/** Whatever way it ends, nobody waits for it any more. */
export async function seated<T>(seat: Seat, work: (seat: Seat) => Promise<T>): Promise<PromiseSettledResult<T>> {
  try {
    return { status: 'fulfilled', value: await work(seat) };
  } catch (reason) {
    return { status: 'rejected', reason };
  } finally {
    seat.leave();
  }
}

function leavingFirst({ leave }: Seat, probeFor: ResolveInput['probeFor']): ResolveInput['probeFor'] {
  return (record) => {
    const probe = probeFor(record);
    return (
      probe &&
      ((input) => {
        leave();
        return probe(input);
      })
    );
  };
}
