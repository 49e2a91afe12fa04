import { movesOf, type Next, type Search } from './actors.ts';
import { check, fingerprint, idle, land, Violation, type World } from './world.ts';

/** What a search found: how many states it saw, whether it saw all of them, and the shortest way to a broken promise. */
export type Found = {
  readonly states: number;
  readonly complete: boolean;
  readonly violation: { readonly what: string; readonly trace: readonly string[] } | null;
};

type Node = { readonly world: World; readonly parent: Node | null; readonly what: string };

/**
 * Searches every interleaving breadth first. Any actor may stop for good after any step, because nothing ever forces it to go on.
 * @param atMost states after which the search gives up (`complete` is false then)
 */
export function searchAll(search: Search, atMost: number): Found {
  const first: World = {
    tick: 0,
    record: null,
    effects: [],
    known: [],
    spent: [],
    flights: [],
    approvals: [],
    actors: search.scenario.roles.map(() => idle),
  };
  const seen = new Set<string>([fingerprint(first)]);
  let frontier: Node[] = [{ world: first, parent: null, what: '' }];
  while (frontier.length > 0) {
    const coming: Node[] = [];
    for (const node of frontier) {
      const broken = expand(search, node, (next) => {
        const mark = fingerprint(next.world);
        if (seen.has(mark)) return;
        seen.add(mark);
        coming.push(next);
      });
      if (broken) return { states: seen.size, complete: false, violation: broken };
      if (seen.size > atMost) return { states: seen.size, complete: false, violation: null };
    }
    frontier = coming;
  }
  return { states: seen.size, complete: true, violation: null };
}

function expand(search: Search, node: Node, visit: (next: Node) => void): Found['violation'] {
  try {
    for (const make of choices(search, node.world)) {
      for (const [what, world] of make()) {
        check(world);
        visit({ world, parent: node, what });
      }
    }
    return null;
  } catch (error) {
    if (error instanceof Violation) return { what: error.message, trace: trace(node) };
    throw error;
  }
}

/** Everything that may happen next: an actor's move, a landing, a tick. */
export function choices(search: Search, world: World): (() => Next[])[] {
  const actors = search.scenario.roles.map((_, i) => () => movesOf(search, world, i));
  const landings = world.flights.map((flight, i) => (): Next[] => {
    const rest = { ...world, flights: world.flights.filter((_, j) => j !== i) };
    return [['a delayed request lands', land(rest, search.scenario, flight)]];
  });
  return [...actors, ...landings, () => ticks(search, world)];
}

/** Time passes, but never over a request that must have landed. */
function ticks(search: Search, world: World): Next[] {
  if (world.tick >= search.scenario.ticks) return [];
  if (world.flights.some(({ untilTick }) => untilTick <= world.tick)) return [];
  return [['a second passes', { ...world, tick: world.tick + 1 }]];
}

function trace(node: Node): string[] {
  const steps: string[] = [];
  for (let at: Node | null = node; at?.parent; at = at.parent) steps.unshift(at.what);
  return steps;
}
