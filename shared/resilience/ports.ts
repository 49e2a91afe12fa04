/** State of a breaker of one system and operation class; serialisable, so that it can live outside the process. */
export type BreakerState =
  | { readonly kind: 'closed'; readonly failures: number }
  | { readonly kind: 'open'; readonly openedAtMs: number; readonly attemptNo: number }
  | {
      readonly kind: 'half_open';
      readonly openedAtMs: number;
      readonly attemptNo: number;
      readonly probeOwner: string;
      readonly probeUntilMs: number;
    };

/** Rate limits leased in blocks and breaker state, shared by all processes. Writes are conditional on `version`. */
export type ResilienceStore = {
  readBreaker(name: string): Promise<{ state: BreakerState; version: number }>;
  writeBreaker(name: string, next: BreakerState, expectedVersion: number): Promise<'written' | 'lost'>;
  /** Takes up to `want` calls of the window starting at `windowStartMs`; 0 where the window is used up. */
  takeBlock(input: {
    limit: string;
    windowStartMs: number;
    windowMs: number;
    calls: number;
    want: number;
  }): Promise<number>;
};
