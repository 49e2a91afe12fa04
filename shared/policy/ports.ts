/**
 * The one small item that can stop everything. Any other `names` than the table's own name means switched off:
 * a restored or copied table does nothing until an operator reconciles it.
 */
export type Control = {
  readonly names: string;
  readonly version: number;
  /** Kill switch for all writes. */
  readonly allOff: Switch | null;
  readonly systemsOff: { readonly [system: string]: Switch };
  readonly toolsOff: { readonly [tool: string]: Switch };
  readonly agentsPaused: { readonly [agent: string]: Switch };
  readonly runsPaused: { readonly [runId: string]: Switch };
  readonly keysRevoked: { readonly [keyId: string]: Switch };
};

/** Who switched it, when, why, and when the entry leaves by itself. */
export type Switch = {
  readonly by: string;
  readonly atMs: number;
  readonly reason: string;
  readonly untilMs: number | null;
};

/** The control item. `read` is consistent; `write` is conditional on the version it saw. */
export type ControlStore = {
  read(): Promise<Control | null>;
  write(next: Control, expectedVersion: number): Promise<'written' | 'lost'>;
  /** The name the item must carry. */
  readonly tableName: string;
};

/** Counters for exact budgets: one conditional add per use. */
export type BudgetStore = {
  /** Takes `amount` from the window's allowance; `refused` (with what is used) where it does not fit. Idempotent by `useId` within the window. */
  take(input: {
    budget: string;
    windowStartMs: number;
    windowMs: number;
    atMost: number;
    amount: number;
    /** Null where the use cannot repeat, as with reads: then nothing of it is remembered. */
    useId: string | null;
  }): Promise<{ readonly kind: 'taken'; readonly used: number } | { readonly kind: 'refused'; readonly used: number }>;
};
