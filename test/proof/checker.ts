import { movesOf, type Next, type Search } from './actors.ts';
import { check, fingerprint, idle, land, Violation, type World } from './world.ts';

/** What a search found: how many states it saw, whether it saw all of them, and the shortest way to a broken promise. */
export type Found = {
  readonly states: number;
  readonly complete: boolean;
  readonly violation: { readonly what: string; readonly trace: readonly string[] } | null;
};

/** A bounded world: how it begins, what may happen next, what must hold in every state, and which states are equal. */
export type Space<W> = {
  readonly first: W;
  readonly choices: (world: W) => readonly (() => readonly (readonly [what: string, world: W])[])[];
  readonly check: (world: W) => void;
  readonly fingerprint: (world: W) => string;
};

type Node<W> = { readonly world: W; readonly parent: Node<W> | null; readonly what: string };

/**
 * Searches every interleaving breadth first. Any actor may stop for good after any step, because nothing ever forces it to go on.
 * @param atMost states after which the search gives up (`complete` is false then)
 */
export function searchSpace<W>(space: Space<W>, atMost: number): Found {
  const seen = new Set<string>([space.fingerprint(space.first)]);
  let frontier: Node<W>[] = [{ world: space.first, parent: null, what: '' }];
  while (frontier.length > 0) {
    const coming: Node<W>[] = [];
    for (const node of frontier) {
      const broken = expand(space, node, (next) => {
        const mark = space.fingerprint(next.world);
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

/** Searches the world of one action. */
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
  return searchSpace({ first, choices: (world) => choices(search, world), check, fingerprint }, atMost);
}

function expand<W>(space: Space<W>, node: Node<W>, visit: (next: Node<W>) => void): Found['violation'] {
  try {
    for (const make of space.choices(node.world)) {
      for (const [what, world] of make()) {
        space.check(world);
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

function trace<W>(node: Node<W>): string[] {
  const steps: string[] = [];
  for (let at: Node<W> | null = node; at?.parent; at = at.parent) steps.unshift(at.what);
  return steps;
}
