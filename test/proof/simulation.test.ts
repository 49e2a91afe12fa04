import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { choices } from './checker.ts';
import * as kernel from './kernel.ts';
import { mutated, mutations } from './mutations.ts';
import { deepened, scenarios } from './scenarios.ts';
import { check, idle, type Kernel, type Scenario, Violation, type World } from './world.ts';

const worlds = Object.values(scenarios).map(deepened);
const schedules = 100_000;

/** One schedule: each byte picks who moves next and how it goes. Returns the broken promise, or null. */
function run(under: Kernel, scenario: Scenario, schedule: Uint8Array): string | null {
  const search = { kernel: under, scenario };
  let world: World = {
    tick: 0,
    record: null,
    effects: [],
    known: [],
    spent: [],
    flights: [],
    approvals: [],
    actors: scenario.roles.map(() => idle),
  };
  try {
    for (const byte of schedule) {
      const all = choices(search, world);
      const moves = all[byte % all.length]?.() ?? [];
      const move = moves[Math.floor(byte / all.length) % Math.max(1, moves.length)];
      if (move) world = move[1];
      check(world);
    }
    return null;
  } catch (error) {
    if (error instanceof Violation) return error.message;
    throw error;
  }
}

const schedule = fc.tuple(fc.nat(worlds.length - 1), fc.uint8Array({ minLength: 40, maxLength: 60 }));

describe(`${schedules} random schedules`, () => {
  it('keep every promise in every world', { timeout: 180_000 }, () => {
    const result = fc.check(
      fc.property(schedule, ([world, bytes]) => run(kernel, worlds[world] as Scenario, bytes) === null),
      { seed: 42, numRuns: schedules },
    );
    expect(result.counterexample).toBeNull();
    expect(result.numRuns).toBe(schedules);
  });

  it('find a kernel that frees an expired lease', { timeout: 60_000 }, async () => {
    const free = mutations.find(({ guard }) => guard.startsWith('an expired lease'));
    if (!free) throw new Error('no such mutation');
    const broken = await mutated(free);
    const result = fc.check(
      fc.property(schedule, ([world, bytes]) => run(broken, worlds[world] as Scenario, bytes) === null),
      { seed: 42, numRuns: schedules, endOnFailure: true },
    );
    expect(result.failed).toBe(true);
  });
});
