import type { Json } from '../model/json.ts';

/** State of a breaker of one system and operation class; serialisable, so that it can live outside the process. */
export type BreakerState =
  /** `attemptNo`: closed on trial after this many failed probes; the next failure opens it for longer than the last time. */
  | { readonly kind: 'closed'; readonly failures: number; readonly attemptNo?: number }
  | { readonly kind: 'open'; readonly openedAtMs: number; readonly attemptNo: number }
  | {
      readonly kind: 'half_open';
      readonly openedAtMs: number;
      readonly attemptNo: number;
      readonly probeOwner: string;
      readonly probeUntilMs: number;
    };

/** One item of shared state and its version; version 0 where there is none. */
export type HeldState = { readonly value: Json | null; readonly version: number };

/** Breakers, counted calls and turns, shared by all processes: small items that change under a condition on their version. */
export type ResilienceStore = {
  read(name: string): Promise<HeldState>;
  /**
   * Writes the next version of an item, or answers what stands there instead. An item nobody writes for `keepMs` may leave.
   * Throws `store_unavailable`; the write may then have landed.
   */
  write(
    name: string,
    next: { readonly value: Json; readonly over: number; readonly keepMs: number },
  ): Promise<{ readonly kind: 'written' } | ({ readonly kind: 'lost' } & HeldState)>;
};
