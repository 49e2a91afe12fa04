import type { KernelLimits } from '../action/types.ts';

/** Bounds of the kernel wherever tools are called: the door and the workers judge by the same ones. */
export const kernelLimits: KernelLimits = {
  // The longest timeout of a function that sends (25 s) + 5 s.
  leaseMs: 30_000,
  skewMs: 2000,
  maxAttempts: 8,
  maxAgeMs: 86_400_000,
  maxProbes: 10,
};
