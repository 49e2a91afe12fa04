import type { LedgerEntry, LedgerFacts } from '../model/ledger-entry.ts';

/** One act of a person or of the product on itself; facts that do not apply are left out. */
export type Operation = {
  readonly entryId: string;
  readonly atMs: number;
  readonly what: string;
  readonly by: string;
  readonly reason?: string | null;
  readonly notified?: string | null;
} & Partial<Omit<LedgerFacts, 'atMs'>>;

/** The ledger entry of an act; its principal is whose run it belongs to, by default who acted. */
export function operationEntry(operation: Operation): LedgerEntry {
  return {
    kind: 'operation',
    entryId: operation.entryId,
    what: operation.what,
    by: operation.by,
    reason: operation.reason ?? null,
    notified: operation.notified ?? null,
    atMs: operation.atMs,
    principal: operation.principal ?? operation.by,
    runId: operation.runId ?? null,
    workflow: operation.workflow ?? null,
    period: operation.period ?? null,
    tool: operation.tool ?? null,
    effect: operation.effect ?? null,
    system: operation.system ?? null,
    record: operation.record ?? null,
    actionId: operation.actionId ?? null,
    traceId: operation.traceId ?? null,
  };
}
