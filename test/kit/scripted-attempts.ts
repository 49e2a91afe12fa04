import { vi } from 'vitest';
import type { Attempt, KernelDeps } from '../../shared/action/types.ts';
import type { WriteVerdict } from '../../shared/model/operation.ts';
import { testClock, testKernel } from './kernel.ts';

export const applied = {
  kind: 'applied',
  data: { id: '501' },
  records: [['hubspot', 'deal', '501']],
} satisfies WriteVerdict;
export const rate = {
  kind: 'not_applied',
  error: { class: 'rate', code: 'RATE_LIMITS', message: 'slow down' },
} satisfies WriteVerdict;
export const lost = {
  kind: 'unknown',
  error: { class: 'unknown_outcome', code: 'reset', message: 'reset' },
} satisfies WriteVerdict;

/** Counts the requests to the store from here on. */
export function counted(deps: KernelDeps) {
  const write = vi.spyOn(deps.store, 'write');
  const get = vi.spyOn(deps.store, 'get');
  return () => ({ writes: write.mock.calls.length, reads: get.mock.calls.length });
}

/** A kernel whose attempts end with these verdicts in turn, and are applied after them. */
export function scripted(...verdicts: readonly (WriteVerdict | Error)[]) {
  const queue = [...verdicts];
  const attempt = vi.fn<Attempt>(async () => {
    const next = queue.shift() ?? applied;
    if (next instanceof Error) throw next;
    return next;
  });
  const clock = testClock();
  return { deps: testKernel({ attempt, clock }), attempt, clock };
}
