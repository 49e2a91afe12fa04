import { describe, expect, it } from 'vitest';
import { searchAll } from './checker.ts';
import * as kernel from './kernel.ts';
import { mutated, mutations } from './mutations.ts';
import { deepened, scenarios } from './scenarios.ts';

const deep = process.env['PROOF_DEPTH'] === 'deep';

describe('every interleaving keeps every promise', () => {
  it.each(Object.values(scenarios))('with $name', (scenario) => {
    const { complete, violation } = searchAll({ kernel, scenario }, 1_000_000);
    expect({ complete, violation }).toEqual({ complete: true, violation: null });
  });

  it.runIf(deep).each(Object.values(scenarios))(
    'also longer and with one more worker: $name',
    (scenario) => {
      const { states, complete, violation } = searchAll({ kernel, scenario: deepened(scenario) }, 3_000_000);
      expect(violation).toBeNull();
      expect(complete || states > 3_000_000).toBe(true);
    },
    1_200_000,
  );
});

describe('without one guard a promise breaks', () => {
  it.each(mutations)('$guard', async (mutation) => {
    const { violation } = searchAll(
      { kernel: await mutated(mutation), scenario: scenarios[mutation.scenario] },
      1_000_000,
    );
    expect(violation?.trace.length).toBeGreaterThan(0);
  });
});
