import type { LedgerPage, LedgerStore } from '../../shared/ledger/ports.ts';
import type { LedgerEntry } from '../../shared/model/ledger-entry.ts';

/** A ledger in memory. `entries` is every entry in the order written; `failNext` makes the next append a fault. */
export function memoryLedgerStore(pageSize = 100): LedgerStore & {
  readonly entries: LedgerEntry[];
  failNext(error: Error): void;
} {
  const entries: LedgerEntry[] = [];
  let fault: Error | null = null;
  const page = (matches: (entry: LedgerEntry) => boolean, cursor: string | null): LedgerPage => {
    const found = entries.filter(matches).sort((a, b) => a.atMs - b.atMs);
    const from = cursor === null ? 0 : Number(cursor);
    const to = from + pageSize;
    return { entries: found.slice(from, to), cursor: to < found.length ? String(to) : null };
  };
  return {
    entries,
    failNext: (error) => {
      fault = error;
    },
    append: async (entry) => {
      if (fault) {
        const thrown = fault;
        fault = null;
        throw thrown;
      }
      if (entries.some((other) => other.entryId === entry.entryId)) return 'exists';
      entries.push(structuredClone(entry));
      return 'written';
    },
    get: async (entryId) => entries.find((entry) => entry.entryId === entryId) ?? null,
    byRun: async (principal, runId, cursor) =>
      page((entry) => entry.principal === principal && entry.runId === runId, cursor),
    byAction: async (key, cursor) => page((entry) => entry.actionId?.split('_')[1] === key, cursor),
    byRecord: async (record, cursor) => page((entry) => entry.record === record, cursor),
    byPrincipalDay: async (principal, day, cursor) =>
      page((entry) => entry.principal === principal && new Date(entry.atMs).toISOString().startsWith(day), cursor),
    byWorkflow: async (workflow, period, cursor) =>
      page((entry) => entry.workflow === workflow && (entry.period ?? '') === period, cursor),
  };
}
