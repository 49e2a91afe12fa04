import { initialControl } from '../../shared/policy/control.ts';
import type { Control, ControlStore } from '../../shared/policy/ports.ts';

/** A control store in memory; `reads` counts consistent reads. */
export function memoryControlStore(
  tableName = 'control',
  first: Control | null = initialControl(tableName),
): ControlStore & { readonly reads: () => number } {
  let stored = first;
  let reads = 0;
  return {
    tableName,
    reads: () => reads,
    read: async () => {
      reads += 1;
      return stored;
    },
    write: async (next, expectedVersion) => {
      if ((stored?.version ?? 0) !== expectedVersion) return 'lost';
      stored = next;
      return 'written';
    },
  };
}
