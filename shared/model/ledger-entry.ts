import type { StateName } from './action.ts';
import type { AnswerStatus } from './answer.ts';
import type { ErrorCode } from './errors.ts';
import type { Effect } from './operation.ts';

/** Facts that every ledger entry may carry: ids, keyed hashes and metadata, never personal values. */
export type LedgerFacts = {
  readonly atMs: number;
  readonly principal: string;
  readonly runId: string | null;
  readonly workflow: string | null;
  readonly period: string | null;
  readonly tool: string | null;
  readonly effect: Effect | null;
  readonly system: string | null;
  /** `system/object/id`, or null. */
  readonly record: string | null;
  readonly actionId: string | null;
  readonly traceId: string | null;
};

/** One line of the append-only record. The entry id makes a second write of the same fact harmless. */
export type LedgerEntry =
  /** One per answered call. Id: the call id. */
  | ({
      readonly kind: 'call';
      readonly entryId: string;
      readonly status: AnswerStatus;
      readonly code: ErrorCode | null;
      readonly inputHash: string | null;
      readonly contextHash: string | null;
      readonly modelOutputHash: string | null;
      readonly answerHash: string;
      readonly durationMs: number | null;
    } & LedgerFacts)
  /** One per transition of an action. Id: `action_id:epoch:state`. */
  | ({
      readonly kind: 'transition';
      readonly entryId: string;
      readonly state: StateName;
      readonly epoch: number;
      readonly gen: number;
      readonly code: ErrorCode | null;
      readonly by: string | null;
      readonly beforeHash: string | null;
      readonly afterHash: string | null;
    } & LedgerFacts)
  /** One per decided event. Id: `event:` + hash of identity + outcome. */
  | ({
      readonly kind: 'event';
      readonly entryId: string;
      readonly identity: string;
      readonly type: string;
      readonly outcome: string;
      readonly bodyHash: string;
    } & LedgerFacts)
  /** One per act of a person or of the product on itself: switch, resolution, replay, refresh, notice. */
  | ({
      readonly kind: 'operation';
      readonly entryId: string;
      readonly what: string;
      readonly by: string;
      readonly reason: string | null;
      readonly notified: string | null;
    } & LedgerFacts);
