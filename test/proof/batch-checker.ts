import { type BatchNext, type BatchSearch, batchMoves, dueRecord } from './batch-actors.ts';
import { type BatchWorld, checkAll, fingerprintOf, landAll, resting } from './batch-world.ts';
import { type Found, searchSpace } from './checker.ts';

/** Searches a world in which several actions share requests, breadth first. */
export function searchBatches(search: BatchSearch, atMost: number): Found {
  const { actions, roles, due = [] } = search.scenario;
  const first: BatchWorld = {
    tick: 0,
    records: Array.from({ length: actions }, (_, n) => (due.includes(n) ? dueRecord(search, n) : null)),
    effects: [],
    known: [],
    flights: [],
    actors: roles.map(() => resting),
  };
  const choices = (world: BatchWorld) => [
    ...roles.map((_, i) => () => batchMoves(search, world, i)),
    ...world.flights.map((_, i) => () => landing(search, world, i)),
    () => ticks(search, world),
  ];
  return searchSpace({ first, choices, check: checkAll, fingerprint: fingerprintOf }, atMost);
}

function landing({ scenario }: BatchSearch, world: BatchWorld, i: number): BatchNext[] {
  const flights = world.flights.filter((_, j) => j !== i);
  return [['a delayed request lands', landAll({ ...world, flights }, scenario, world.flights[i]?.items ?? [])]];
}

/** Time passes, but never over a request that must have landed. */
function ticks({ scenario }: BatchSearch, world: BatchWorld): BatchNext[] {
  if (world.tick >= scenario.ticks || world.flights.some(({ untilTick }) => untilTick <= world.tick)) return [];
  return [['a second passes', { ...world, tick: world.tick + 1 }]];
}
