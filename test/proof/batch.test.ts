import { describe, expect, it } from 'vitest';
import { searchBatches } from './batch-checker.ts';
import { batchMutations, batchScenarios } from './batch-scenarios.ts';
import * as kernel from './kernel.ts';
import { mutated } from './mutations.ts';

const atMost = 1_500_000;

describe('every interleaving of shared requests keeps every promise', () => {
  it.each(Object.values(batchScenarios))(
    'with $name',
    (scenario) => {
      const { complete, violation } = searchBatches({ kernel, scenario }, atMost);
      expect({ complete, violation }).toEqual({ complete: true, violation: null });
    },
    60_000,
  );
});

describe('without one guard a promise breaks where requests are shared', () => {
  it.each(batchMutations)(
    '$guard',
    async (mutation) => {
      const scenario = batchScenarios[mutation.scenario];
      const { violation } = searchBatches({ kernel: await mutated(mutation), scenario }, atMost);
      expect(violation?.trace.length).toBeGreaterThan(0);
    },
    60_000,
  );
});
