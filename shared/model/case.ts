import type { Json } from './json.ts';

/** Something a person must decide. The action record alone is the truth of an approval; a case points to it. */
export type Case = {
  readonly caseId: string;
  readonly kind: 'approval' | 'exception';
  /** Stable reason, such as `outcome_unknown`, `refresh_failed`, `dead_letter`, `quarantined`, `secret_in_input`. */
  readonly reason: string;
  readonly title: string;
  readonly detail: string;
  /** A team of config/owners.yaml. */
  readonly owner: string;
  readonly state: 'OPEN' | 'RESOLVED';
  readonly openedAtMs: number;
  readonly dueAtMs: number;
  readonly escalatedAtMs: number | null;
  readonly actionId: string | null;
  readonly runId: string | null;
  readonly system: string | null;
  readonly eventIdentity: string | null;
  /** Ids and pointers only; no personal data, no secret. */
  readonly facts: { readonly [key: string]: Json };
  readonly resolution: {
    readonly by: string;
    readonly atMs: number;
    readonly reason: string;
    readonly decision: string;
  } | null;
};

/** What opens a case. Two openings with one `dedupeKey` are one case while it is open. */
export type CaseOpening = Pick<
  Case,
  'kind' | 'reason' | 'title' | 'detail' | 'owner' | 'actionId' | 'runId' | 'system' | 'eventIdentity' | 'facts'
> & {
  readonly dedupeKey: string;
  readonly dueInMs: number;
};
