import type { BudgetStore } from '../../shared/policy/ports.ts';

/** Budgets in memory. */
export function memoryBudgetStore(): BudgetStore {
  const windows = new Map<string, { used: number; readonly uses: Set<string> }>();
  return {
    take: async ({ budget, windowStartMs, atMost, amount, useId }) => {
      const key = `${budget}#${windowStartMs}`;
      const window = windows.get(key) ?? { used: 0, uses: new Set<string>() };
      windows.set(key, window);
      if (useId !== null && window.uses.has(useId)) return { kind: 'taken', used: window.used };
      if (window.used + amount > atMost) return { kind: 'refused', used: window.used };
      window.used += amount;
      if (useId !== null) window.uses.add(useId);
      return { kind: 'taken', used: window.used };
    },
  };
}
