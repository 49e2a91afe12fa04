import type { Case, CaseOpening } from '../model/case.ts';
import type { LedgerEntry } from '../model/ledger-entry.ts';

/** A page of entries, oldest first; `cursor` is null at the end. */
export type LedgerPage = { readonly entries: readonly LedgerEntry[]; readonly cursor: string | null };

/** The append-only record. `exists`: the same entry id was already written, which is success. */
export type LedgerStore = {
  append(entry: LedgerEntry): Promise<'written' | 'exists'>;
  get(entryId: string): Promise<LedgerEntry | null>;
  /** A run is (principal, run id): the same run id of another principal is another run. */
  byRun(principal: string, runId: string, cursor: string | null): Promise<LedgerPage>;
  byAction(actionKey: string, cursor: string | null): Promise<LedgerPage>;
  byRecord(record: string, cursor: string | null): Promise<LedgerPage>;
  byPrincipalDay(principal: string, day: string, cursor: string | null): Promise<LedgerPage>;
  /** `workflow` + `period`, such as `monthly-close` + `2026-10`. */
  byWorkflow(workflow: string, period: string, cursor: string | null): Promise<LedgerPage>;
};

/** Content-addressed objects: prompt context, model output, answers, raw events. Deletable by subject, unlike the ledger. */
export type PayloadStore = {
  /** Stores bytes under their SHA-256 hex and returns it; storing the same bytes again is harmless. */
  put(bytes: Uint8Array): Promise<string>;
  get(hash: string): Promise<Uint8Array | null>;
};

/** Cases. `open` with a dedupe key that already has an open case returns that case. */
export type CaseStore = {
  open(opening: CaseOpening, nowMs: number): Promise<Case>;
  get(caseId: string): Promise<Case | null>;
  list(query: {
    state: Case['state'];
    owner?: string;
    cursor: string | null;
  }): Promise<{ cases: readonly Case[]; cursor: string | null }>;
  /** Conditional on OPEN; `lost` where somebody resolved it first. */
  resolve(caseId: string, resolution: NonNullable<Case['resolution']>): Promise<'resolved' | 'lost'>;
  /** Marks an open case as escalated, once; `lost` where it is resolved or was escalated before. */
  escalate(caseId: string, nowMs: number): Promise<'escalated' | 'lost'>;
  /** Resolves the open case of a dedupe key, where there is one: the thing it asked about has been settled. */
  settle(dedupeKey: string, resolution: NonNullable<Case['resolution']>): Promise<void>;
};
